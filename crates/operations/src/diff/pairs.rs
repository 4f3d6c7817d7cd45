//! Brings together what stands at the same path in two archives.
//!
//! While both archives are in the order of a walk, their streams are merged, and only what one of them lacks has to wait. Borg's
//! own archives may be in any order: then both are read in step. What waits for its partner is kept in memory up to a limit;
//! beyond that, everything without a partner goes to a sorted file, and is joined when both streams are at their ends.
//!
//! RAM: the reader and the item at hand of each archive, the items that wait, the sorted file's buffer.

use std::{cmp::Ordering, collections::HashMap, path::Path};

use nanoprobe_archive::{ItemReader, walk_order};
use nanoprobe_format::item::Item;

use super::{
    order::{Phase, Turn},
    scratch_failed,
};
use crate::{
    Error, Interrupt,
    packed::append_item,
    select::Selection,
    sorted_records::{SortedRecords, push_text},
};

/// An entry of a map, beside its bytes.
const ORPHAN_BYTES: usize = 128;

/// Two archives, read together.
pub(super) struct Pairs<'a> {
    streams: [Stream<'a>; 2],
    selection: &'a mut Selection,
    orphans: [HashMap<Vec<u8>, Orphan>; 2],
    orphan_bytes: usize,
    most_orphan_bytes: usize,
    /// What had no partner when memory was full, and all that had none since.
    spilled: Option<SortedRecords>,
    directory: &'a Path,
    most_bytes: usize,
}

/// One archive's items.
struct Stream<'a> {
    items: ItemReader<'a>,
    current: Vec<u8>,
    path: Vec<u8>,
    step: u64,
    /// Every path so far came behind the one before it, as in a walk.
    is_in_order: bool,
    has_ended: bool,
}

/// An item that waits for its partner.
struct Orphan {
    step: u64,
    item: Vec<u8>,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(
        items: [ItemReader<'a>; 2],
        selection: &'a mut Selection,
        directory: &'a Path,
        most_orphan_bytes: usize,
        most_bytes: usize,
    ) -> Self {
        let streams = items.map(|items| {
            let (current, path) = Default::default();
            Stream { items, current, path, step: 0, is_in_order: true, has_ended: false }
        });
        let orphans = [HashMap::new(), HashMap::new()];
        Self { streams, selection, orphans, orphan_bytes: 0, most_orphan_bytes, spilled: None, directory, most_bytes }
    }

    /// Reads both archives to their ends; `take` gets the packed items at a path, nothing for what is not there.
    pub(super) fn run(
        mut self,
        interrupt: &Interrupt,
        take: &mut dyn FnMut(Turn, [&[u8]; 2]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.advance(0)?;
        self.advance(1)?;
        loop {
            if interrupt.requested() {
                return Err(Error::Interrupted);
            }
            let [old, new] = &self.streams;
            match (old.has_ended, new.has_ended) {
                (true, true) => break,
                (false, false) if old.path == new.path => {
                    take(matched(old.step, new.step), [&old.current, &new.current])?;
                    self.advance(0)?;
                    self.advance(1)?;
                }
                (true, false) => self.alone(1, take)?,
                (false, true) => self.alone(0, take)?,
                (false, false) if old.is_in_order && new.is_in_order => {
                    let first = usize::from(walk_order(&old.path, &new.path) == Ordering::Greater);
                    self.alone(first, take)?;
                }
                (false, false) => {
                    self.alone(0, take)?;
                    self.alone(1, take)?;
                }
            }
        }
        self.finish(take)
    }

    /// Reads the next selected item of one archive.
    fn advance(&mut self, side: usize) -> Result<(), Error> {
        let stream = &mut self.streams[side];
        while let Some(item) = stream.items.next()? {
            if !self.selection.considers(&item) || self.selection.matches(&item).is_none() {
                continue;
            }
            stream.step += 1;
            stream.is_in_order &= stream.step == 1 || walk_order(&stream.path, item.path) == Ordering::Less;
            stream.path.clear();
            stream.path.extend_from_slice(item.path);
            stream.current.clear();
            stream.current.shrink_to(1 << 20);
            // Only what is compared is kept.
            let Item { path, mode, uid, gid, user, group, mtime, ctime, source, hardlink_master, chunks, size, .. } =
                item;
            let kept = Item { path, mode, uid, gid, user, group, mtime, ctime, source, ..Item::default() };
            append_item(&Item { hardlink_master, chunks, size, ..kept }, &mut stream.current);
            return Ok(());
        }
        stream.has_ended = true;
        Ok(())
    }

    /// The item at hand of one archive, while the other one is elsewhere.
    fn alone(&mut self, side: usize, take: &mut dyn FnMut(Turn, [&[u8]; 2]) -> Result<(), Error>) -> Result<(), Error> {
        let Stream { current, path, step, .. } = &self.streams[side];
        if let Some(spilled) = &mut self.spilled {
            spill(spilled, path, *step, side, current)?;
            return self.advance(side);
        }
        if let Some(partner) = self.orphans[1 - side].remove(path) {
            self.orphan_bytes -= ORPHAN_BYTES + path.len() + partner.item.len();
            let (turn, items) = pair(side, (*step, current), (partner.step, &partner.item));
            take(turn, items)?;
            return self.advance(side);
        }
        self.orphan_bytes += ORPHAN_BYTES + path.len() + current.len();
        let mut orphan = Orphan { step: *step, item: current.clone() };
        if let Some(earlier) = self.orphans[side].remove(path) {
            // A path that an archive has twice keeps its first place, and its last item.
            self.orphan_bytes -= ORPHAN_BYTES + path.len() + earlier.item.len();
            orphan.step = earlier.step;
        }
        self.orphans[side].insert(path.clone(), orphan);
        if self.orphan_bytes > self.most_orphan_bytes {
            let mut spilled = SortedRecords::new(self.directory, self.most_bytes);
            for (side, orphans) in self.orphans.iter_mut().enumerate() {
                for (path, Orphan { step, item }) in std::mem::take(orphans) {
                    spill(&mut spilled, &path, step, side, &item)?;
                }
            }
            self.spilled = Some(spilled);
        }
        self.advance(side)
    }

    /// Joins what went to disk; whatever has no partner now is in one archive alone.
    fn finish(self, take: &mut dyn FnMut(Turn, [&[u8]; 2]) -> Result<(), Error>) -> Result<(), Error> {
        for (side, orphans) in self.orphans.into_iter().enumerate() {
            for Orphan { step, item } in orphans.into_values() {
                single(side, step, &item, take)?;
            }
        }
        let Some(spilled) = self.spilled else { return Ok(()) };
        let mut records = spilled.finish().map_err(scratch_failed)?;
        let (mut key, mut item, mut path) = (Vec::new(), Vec::new(), Vec::new());
        let mut waiting: [Option<Orphan>; 2] = [None, None];
        while records.next(&mut key, &mut item).map_err(scratch_failed)? {
            let Some((text, [step @ .., side])) = key.split_last_chunk::<9>() else { continue };
            let side = usize::from(*side != 0);
            let step = step.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
            if *text != path {
                leave(&mut waiting, take)?;
                path = text.to_vec();
            }
            if let Some(partner) = waiting[1 - side].take() {
                let (turn, items) = pair(side, (step, &item), (partner.step, &partner.item));
                take(turn, items)?;
            } else {
                let step = waiting[side].take().map_or(step, |earlier| earlier.step);
                waiting[side] = Some(Orphan { step, item: std::mem::take(&mut item) });
            }
        }
        leave(&mut waiting, take)
    }
}

fn spill(spilled: &mut SortedRecords, path: &[u8], step: u64, side: usize, item: &[u8]) -> Result<(), Error> {
    let mut key = Vec::with_capacity(path.len() + 11);
    push_text(&mut key, path);
    key.extend(step.to_be_bytes());
    key.push(side as u8);
    spilled.push(&key, &[item]).map_err(scratch_failed)
}

fn leave(
    waiting: &mut [Option<Orphan>; 2],
    take: &mut dyn FnMut(Turn, [&[u8]; 2]) -> Result<(), Error>,
) -> Result<(), Error> {
    for (side, orphan) in waiting.iter_mut().enumerate() {
        if let Some(Orphan { step, item }) = orphan.take() {
            single(side, step, &item, take)?;
        }
    }
    Ok(())
}

fn single(
    side: usize,
    step: u64,
    item: &[u8],
    take: &mut dyn FnMut(Turn, [&[u8]; 2]) -> Result<(), Error>,
) -> Result<(), Error> {
    match side {
        0 => take(Turn { phase: Phase::Removed, step, side: 0 }, [item, &[]]),
        _ => take(Turn { phase: Phase::Added, step, side: 0 }, [&[], item]),
    }
}

/// The item of one side, and its partner of the other.
fn pair<'i>(side: usize, item: (u64, &'i [u8]), partner: (u64, &'i [u8])) -> (Turn, [&'i [u8]; 2]) {
    match side {
        0 => (matched(item.0, partner.0), [item.1, partner.1]),
        _ => (matched(partner.0, item.0), [partner.1, item.1]),
    }
}

fn matched(old: u64, new: u64) -> Turn {
    Turn { phase: Phase::Matched, step: old.max(new), side: u8::from(new > old) }
}
