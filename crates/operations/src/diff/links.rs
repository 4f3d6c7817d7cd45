//! Hard links: content and attributes stand with the first name of a file, its master, wherever in the archive that is.
//!
//! Borg compares a link's master when it has come across it, and else puts the link off to the end. It keeps every possible master
//! in memory; here masters, links and what links ask for go to sorted files and are joined when both archives are read.
//!
//! ```text
//! masters:  path | turn                → items of both archives, the length of the first in front
//! links:    number                     → turn, items of both archives
//! requests: path | number | side       → turn of the link
//! answers:  number | side              → whether it was met in time, the master's item
//! ```
//!
//! RAM: the buffers of the sorted files; where no archive holds a link, that of the masters alone.

use std::path::Path;

use nanoprobe_format::item::Item;

use super::{
    order::{Phase, Turn},
    scratch_failed,
};
use crate::{
    Error, Event, Monitor,
    sorted_records::{Records, SortedRecords, push_text},
};

const TYPE_BITS: u32 = 0o170_000;
/// Regular files, FIFOs and devices can be hard links.
const LINKABLE: [u32; 4] = [0o100_000, 0o010_000, 0o020_000, 0o060_000];

/// Sorted files that a run keeps at the same time.
pub(super) const SORTED_FILES: usize = 4;

/// Links and masters of both archives.
pub(super) struct Links {
    masters: SortedRecords,
    links: SortedRecords,
    requests: SortedRecords,
    answers: SortedRecords,
    count: u64,
}

/// What a link asked for.
#[derive(Default)]
struct Answer {
    in_time: bool,
    item: Vec<u8>,
}

impl Links {
    pub(super) fn new(directory: &Path, most_bytes: usize) -> Self {
        let sorted = || SortedRecords::new(directory, most_bytes);
        Self { masters: sorted(), links: sorted(), requests: sorted(), answers: sorted(), count: 0 }
    }

    /// Takes a path's items; true when they have to wait for their masters.
    pub(super) fn take(&mut self, turn: Turn, items: [&[u8]; 2]) -> Result<bool, Error> {
        let parsed = parse(items)?;
        if let Some(item) = parsed.iter().flatten().find(|item| is_master(item)) {
            let mut key = Vec::with_capacity(item.path.len() + 12);
            push_text(&mut key, item.path);
            key.extend(turn.bytes());
            let length = (items[0].len() as u64).to_be_bytes();
            self.masters.push(&key, &[&length, items[0], items[1]]).map_err(scratch_failed)?;
        }
        let sources = parsed.each_ref().map(|item| item.as_ref().and_then(link_source));
        if sources == [None, None] {
            return Ok(false);
        }
        for (side, source) in sources.iter().enumerate() {
            let Some(source) = source else { continue };
            let mut key = Vec::with_capacity(source.len() + 11);
            push_text(&mut key, source);
            key.extend(answer_key(self.count, side));
            self.requests.push(&key, &[&turn.bytes()]).map_err(scratch_failed)?;
        }
        let length = (items[0].len() as u64).to_be_bytes();
        let payload = [&turn.bytes()[..], &length, items[0], items[1]];
        self.links.push(&self.count.to_be_bytes(), &payload).map_err(scratch_failed)?;
        self.count += 1;
        Ok(true)
    }

    /// Hands out every link's path, and what is to be compared in its place.
    pub(super) fn finish(
        mut self,
        monitor: &dyn Monitor,
        each: &mut dyn FnMut(&[u8], Turn, [&[u8]; 2]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.count == 0 {
            return Ok(());
        }
        join(self.masters, self.requests, &mut self.answers)?;
        let mut links = self.links.finish().map_err(scratch_failed)?;
        let mut answers = Answers::new(self.answers)?;
        let (mut number, mut link) = (Vec::new(), Vec::new());
        while links.next(&mut number, &mut link).map_err(scratch_failed)? {
            let Some((turn, items)) = link.split_at_checked(Turn::BYTES) else { continue };
            let Some(mut turn) = Turn::from_bytes(turn) else { continue };
            let items = two(items);
            let parsed = parse(items)?;
            let mut masters: [Option<Answer>; 2] = [None, None];
            for (side, master) in masters.iter_mut().enumerate() {
                *master = answers.take(&[&number[..], &[side as u8]].concat())?;
            }
            let asks = parsed.each_ref().map(|item| item.as_ref().is_some_and(|item| link_source(item).is_some()));
            let met = |side: usize| !asks[side] || masters[side].as_ref().is_some_and(|answer| answer.in_time);
            if turn.phase == Phase::Matched && !(met(0) && met(1)) {
                turn.phase = Phase::Deferred;
                let lost = |side: usize| parsed[side].as_ref().filter(|_| asks[side] && masters[side].is_none());
                let lost = [lost(0), lost(1)];
                lost.iter().flatten().for_each(|item| warn(item, monitor));
                if lost.iter().any(Option::is_some) {
                    continue;
                }
            }
            let compared = [0, 1].map(|side| match &masters[side] {
                Some(answer) if answer.in_time || turn.phase == Phase::Deferred => &answer.item[..],
                _ => items[side],
            });
            let path = parsed.iter().flatten().next().map_or(&b""[..], |item| item.path);
            each(path, turn, compared)?;
        }
        Ok(())
    }
}

/// Finds each request's master.
fn join(masters: SortedRecords, requests: SortedRecords, answers: &mut SortedRecords) -> Result<(), Error> {
    let mut masters = masters.finish().map_err(scratch_failed)?;
    let mut requests = requests.finish().map_err(scratch_failed)?;
    let (mut key, mut turn) = (Vec::new(), Vec::new());
    let (mut next_key, mut next_items) = (Vec::new(), Vec::new());
    let (mut path, mut items, mut first) = (Vec::new(), Vec::new(), Vec::new());
    let mut more = masters.next(&mut next_key, &mut next_items).map_err(scratch_failed)?;
    while requests.next(&mut key, &mut turn).map_err(scratch_failed)? {
        let Some((source, answer_key)) = key.split_last_chunk::<9>() else { continue };
        // Masters up to the one that is asked for; of a path that is there twice the last one.
        while more {
            let Some((next_path, next_turn)) = next_key.split_last_chunk::<{ Turn::BYTES }>() else { break };
            if next_path > source {
                break;
            }
            if next_path != &path[..] {
                first = next_turn.to_vec();
                path = next_path.to_vec();
            }
            std::mem::swap(&mut items, &mut next_items);
            more = masters.next(&mut next_key, &mut next_items).map_err(scratch_failed)?;
        }
        if path == source {
            let in_time = first <= turn;
            let item = two(&items)[usize::from(answer_key[8] != 0)];
            answers.push(answer_key, &[&[u8::from(in_time)], item]).map_err(scratch_failed)?;
        }
    }
    Ok(())
}

/// The answers, in the order of the links.
struct Answers {
    records: Records,
    key: Vec<u8>,
    answer: Vec<u8>,
    more: bool,
}

impl Answers {
    fn new(answers: SortedRecords) -> Result<Self, Error> {
        let records = answers.finish().map_err(scratch_failed)?;
        let mut answers = Self { records, key: Vec::new(), answer: Vec::new(), more: true };
        answers.advance()?;
        Ok(answers)
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.more = self.records.next(&mut self.key, &mut self.answer).map_err(scratch_failed)?;
        Ok(())
    }

    fn take(&mut self, key: &[u8]) -> Result<Option<Answer>, Error> {
        if !self.more || self.key != key {
            return Ok(None);
        }
        let in_time = self.answer.first() == Some(&1);
        let item = self.answer.get(1..).unwrap_or_default().to_vec();
        self.advance()?;
        Ok(Some(Answer { in_time, item }))
    }
}

fn answer_key(number: u64, side: usize) -> [u8; 9] {
    let mut key = [0; 9];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key[8] = side as u8;
    key
}

/// Two packed items behind the length of the first.
fn two(bytes: &[u8]) -> [&[u8]; 2] {
    let Some((length, items)) = bytes.split_first_chunk::<8>() else { return [&[], &[]] };
    let length = usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX);
    items.split_at_checked(length).map_or([&[], &[]], |(old, new)| [old, new])
}

/// What was packed by this program parses.
pub(super) fn parse(items: [&[u8]; 2]) -> Result<[Option<Item<'_>>; 2], Error> {
    let [old, new] = items.map(|packed| if packed.is_empty() { Ok(None) } else { Item::parse(packed).map(Some) });
    Ok([old?, new?])
}

fn is_linkable(item: &Item<'_>) -> bool {
    LINKABLE.contains(&(item.mode & TYPE_BITS))
}

/// Archives that do not say who is a master: anything that could be one counts.
fn is_master(item: &Item<'_>) -> bool {
    item.source.is_none() && item.hardlink_master.unwrap_or(true) && is_linkable(item)
}

fn link_source<'a>(item: &Item<'a>) -> Option<&'a [u8]> {
    item.source.filter(|_| is_linkable(item))
}

fn warn(item: &Item<'_>, monitor: &dyn Monitor) {
    let shown = |text: &[u8]| nanoprobe_archive::text::displayable(&nanoprobe_archive::text::decode(text)).into_owned();
    let (path, source) = (shown(item.path), shown(item.source.unwrap_or_default()));
    let message = format!("cannot find hardlink source for {path} ({source}), skipping compare.");
    monitor.event(Event::Warning { message: &message, exit_code: 1 });
}
