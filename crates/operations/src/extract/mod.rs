//! `extract`: select → fetch → open → write → attributes, the mirror of create.
//!
//! ```text
//! fetch thread: plan (items → units), announce, fetch   → workers: open (decrypt, decompress, check)   → writer, in order
//! ```
//!
//! `export-tar` differs in the writer's sink alone. Memory: the slots of one [`slots::Slots`] (`budget.rs`), one object a thread beside them, and one item chunk.

mod acl_text;
mod attributes;
mod destination;
mod directories;
mod fetch;
mod file;
mod items;
pub(crate) mod masters;
mod open;
mod owners;
mod plan;
mod slots;
mod trouble;
mod unit;
mod write;

use std::{
    collections::{BTreeMap, VecDeque},
    io::Write as Stream,
    path::Path,
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use nanoprobe_archive::{ArchiveMetadata, ItemReader, ManifestEntry};
use nanoprobe_format::item::Item;

use self::{
    destination::Destination,
    fetch::Fetch,
    masters::Masters,
    open::open_units,
    plan::{Planner, Sizes},
    slots::Slots,
    unit::Unit,
    write::Writer,
};
use crate::{Error, Interrupt, Monitor, Session, select::Selection};

pub use attributes::AttributeOptions;

/// Where the content goes.
pub enum Target<'a> {
    /// Files below this directory, which must be there.
    Directory(&'a Path),
    /// A tar archive (`export-tar`).
    Tar(&'a mut (dyn Stream + Send)),
    /// The content of all files, one after another (`--stdout`).
    Stream(&'a mut (dyn Stream + Send)),
    /// Nowhere: everything is read and verified only (`--dry-run`).
    Nothing,
}

/// What else the command line decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Report each item before it is extracted (`--list`).
    pub list: bool,
    /// Leave holes for chunks of zeros (`--sparse`).
    pub sparse: bool,
    /// Pass over files that are there with the right size and time (`--continue`).
    pub skip_present: bool,
    /// Add sizes up beforehand and report progress (`--progress`).
    pub progress: bool,
    /// Which attributes are left out.
    pub attributes: AttributeOptions,
}

/// Extracts the selected items of an archive. Trouble with single files goes to `monitor` as warnings.
pub fn extract<'a>(
    session: &'a Session,
    archive: &ManifestEntry,
    selection: &mut Selection,
    target: Target<'a>,
    options: &Options,
    monitor: &'a dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let repository = &*session.repository;
    let metadata = ArchiveMetadata::open(repository, &session.key, &mut session.key.opener(), &archive.id)?;
    let plan = session.budget.extract_plan(thread::available_parallelism().map_or(1, usize::from));
    let most_item_bytes = session.budget.item_bytes();
    let items = || ItemReader::with_limit(repository, session.key.opener(), &metadata.items, most_item_bytes);
    let total_bytes = if options.progress { Some(selected_bytes(items(), selection)?) } else { None };

    let (mut masters, mut present) = (None, None);
    if selection.is_partial() && matches!(target, Target::Directory(_) | Target::Tar(_)) {
        masters = Some(Masters::create(&session.scratch()?)?);
    }
    if let (Target::Directory(path), true) = (&target, options.skip_present) {
        present = Some(Destination::open(path)?);
    }
    // A tar archive has each file's size ahead of its content.
    let sizes = if matches!(target, Target::Tar(_)) { Sizes::Computed } else { Sizes::AsStored };
    let mut writer = Writer::new(target, options, repository, session.key.opener(), monitor, total_bytes)?;
    let slots = Slots::new(plan.slot_bytes, plan.unit_bytes);
    let planner = Planner::new(items(), selection, masters, present, sizes, plan.unit_bytes);

    thread::scope(|scope| {
        let (fetched, to_open) = bounded(plan.workers * 2);
        let (opened, to_write) = bounded(plan.workers * 2);
        let (recycled, empty) = bounded(16);
        let slots = &slots;
        let announced_bytes = session.budget.announced_bytes();
        let fetch = Fetch::new(repository);
        scope.spawn(move || fetch_units(planner, fetch, announced_bytes, slots, &empty, &fetched, interrupt));
        for _ in 0..plan.workers {
            let (to_open, opened): (Receiver<Unit>, Sender<Unit>) = (to_open.clone(), opened.clone());
            let opener = session.key.opener();
            scope.spawn(move || open_units(opener, &to_open, &opened));
        }
        drop((to_open, opened));
        let result = write_units(&mut writer, to_write, slots, &recycled);
        slots.close();
        result
    })?;
    if interrupt.requested() {
        return Err(Error::Interrupted);
    }
    writer.finish()?;
    selection.warn_of_unmatched(monitor);
    Ok(())
}

/// Planned units are small, but there may be no chunks in them to count.
const MOST_UNITS_AHEAD: usize = 32;

/// The fetch thread: plans some units ahead of the one whose objects it gets, one at least.
fn fetch_units(
    mut planner: Planner<'_>,
    mut fetch: Fetch<'_>,
    most_announced_bytes: usize,
    slots: &Slots,
    empty: &Receiver<Unit>,
    fetched: &Sender<Unit>,
    interrupt: &Interrupt,
) {
    let mut sequence = 0;
    let (mut ahead, mut announced_bytes) = (VecDeque::new(), 0);
    let mut deliver = |mut unit: Unit, fetch: &mut Fetch<'_>| {
        if !unit.chunks.is_empty() {
            let (object_bytes, plain_bytes) = unit.bytes();
            let Some(slot) = slots.take(object_bytes, plain_bytes) else { return false };
            unit.slot = slot;
            fetch.fill(&mut unit);
        }
        unit.sequence = sequence;
        sequence += 1;
        fetched.send(unit).is_ok()
    };
    let result = planner.run(&mut |planned| {
        let unit = std::mem::replace(planned, empty.try_recv().unwrap_or_default());
        fetch.announce(&unit);
        announced_bytes += unit.bytes().0;
        ahead.push_back(unit);
        while ahead.len() > 1 && (announced_bytes > most_announced_bytes || ahead.len() > MOST_UNITS_AHEAD) {
            let Some(unit) = ahead.pop_front() else { break };
            announced_bytes -= unit.bytes().0;
            if !deliver(unit, &mut fetch) {
                return false;
            }
        }
        !interrupt.requested()
    });
    let mut last = ahead.pop_back().unwrap_or_default();
    last.failure = result.err();
    if ahead.into_iter().all(|unit| deliver(unit, &mut fetch)) {
        deliver(last, &mut fetch);
    }
}

/// The writer's side: units in the order in which they were planned.
fn write_units(
    writer: &mut Writer<'_>,
    to_write: Receiver<Unit>,
    slots: &Slots,
    recycled: &Sender<Unit>,
) -> Result<(), Error> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for unit in to_write {
        waiting.insert(unit.sequence, unit);
        while let Some(mut unit) = waiting.remove(&next) {
            next += 1;
            writer.write(&unit)?;
            if !unit.chunks.is_empty() {
                slots.give(std::mem::take(&mut unit.slot));
            }
            if let Some(failure) = unit.failure.take() {
                return Err(failure);
            }
            unit.clear();
            let _ = recycled.try_send(unit);
        }
    }
    Ok(())
}

/// What `--progress` counts up to.
fn selected_bytes(mut items: ItemReader<'_>, selection: &mut Selection) -> Result<u64, Error> {
    let mut bytes = 0;
    while let Some(item) = items.next()? {
        if selection.considers(&item) && selection.matches(&item).is_some() {
            bytes += content_bytes(&item);
        }
    }
    Ok(bytes)
}

fn content_bytes(item: &Item<'_>) -> u64 {
    item.chunks.map_or(0, |chunks| chunks.size_bytes())
}
