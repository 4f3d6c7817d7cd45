//! `create`: walk → unchanged? → read → chunk → id → seen? → compress → encrypt → store.
//!
//! One reader walks, stats, reads and cuts; several workers name, compress and seal; and they store what they sealed in
//! turns, so that the archive has the order of the walk. A unit goes round: filled by the reader, worked on, stored,
//! empty again. All memory is planned before the first file is opened (`budget.rs`).

mod attributes;
mod checkpoint;
mod compress;
mod dry_run;
mod expected;
mod file;
mod fill;
mod halt;
mod hash;
mod import;
mod links;
mod names;
mod options;
mod paths;
mod read;
mod seen;
mod sizes;
mod status;
mod store;
mod stream;
mod totals;
mod trouble;
mod turns;
mod unchanged;
mod unit;
mod walk;
mod worker;

use std::{path::PathBuf, thread};

use crossbeam_channel::bounded;
use nanoprobe_archive::ItemWriter;
use nanoprobe_chunker::Chunker;
use nanoprobe_compress::Compressor;

pub use dry_run::dry_run;
pub use options::{
    AttributeOptions, Created, FilesCacheMode, FilesCacheModeError, FilesChanged, Options, Outcome, Sources,
    Statistics, StdinFile,
};

use self::{
    attributes::Attributes,
    checkpoint::Checkpoints,
    expected::Expected,
    fill::Filling,
    halt::Halt,
    hash::Hasher,
    import::Import,
    links::HardLinks,
    read::Content,
    store::Store,
    totals::RunningTotals,
    turns::Turns,
    unit::Unit,
    walk::{Stored, Walk},
    worker::Worker,
};
use crate::{
    Error, Event, Interrupt, Monitor, Session,
    budget::CreatePlan,
    patterns::PatternMatcher,
    slots::Slots,
    tar::{TarInput, Zeros},
};

/// Names of a directory are read in pieces of this size.
const LISTING_BYTES: usize = 64 << 10;

/// Makes an archive. Trouble with single files goes to `monitor` as warnings; an interrupt leaves a checkpoint.
pub fn create(
    session: &mut Session,
    options: &Options,
    matcher: &mut PatternMatcher,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<Outcome, Error> {
    make(session, options, monitor, interrupt, |stored, chunker, plan, filling| {
        walk(options, matcher, interrupt, Some(stored), chunker, plan, filling)
    })
}

/// Makes an archive of the members of a tar archive. Of the options those count that are not about file systems. Where the
/// filter fails there is no archive.
pub fn import_tar(
    session: &mut Session,
    options: &Options,
    tar: TarInput,
    zeros: Zeros,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<Outcome, Error> {
    make(session, options, monitor, interrupt, |_, chunker, _, filling| {
        let content = Content::new(chunker, options.chunker, false, interrupt, Expected::new(None, options.chunker));
        Import::new(&tar, zeros, content, filling, interrupt).run()?;
        Ok(tar.finish()?)
    })
}

/// Everything but the reading.
fn make(
    session: &mut Session,
    options: &Options,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
    read: impl FnOnce(Stored<'_>, Chunker, &CreatePlan, Filling<'_>) -> Result<(), Halt>,
) -> Result<Outcome, Error> {
    let outcome = make_archive(session, options, monitor, interrupt, read);
    if outcome.is_err() {
        // A full disk gets its room back. Where that fails too, the next transaction removes what is left.
        let _ = session.repository.rollback();
    }
    outcome
}

fn make_archive(
    session: &mut Session,
    options: &Options,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
    read: impl FnOnce(Stored<'_>, Chunker, &CreatePlan, Filling<'_>) -> Result<(), Halt>,
) -> Result<Outcome, Error> {
    let Session { repository, key, sealer, manifest, security, cache, budget } = session;
    let (repository, key) = (&**repository, &*key);
    if manifest.archive(&options.name).is_some() {
        return Err(Error::ArchiveExists(options.name.clone()));
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (compression, largest_chunk) = (&options.compression, options.chunker.maximum_bytes());
    let codec = Compressor::least_memory_bytes(compression, largest_chunk)
        ..=Compressor::memory_bytes_for(compression, largest_chunk);
    let most_codec_bytes = *codec.end();
    let plan = budget.create_plan(largest_chunk, codec, cores)?;
    if plan.codec_bytes < most_codec_bytes {
        let [given, wanted] = [plan.codec_bytes, most_codec_bytes].map(|bytes| bytes.div_ceil(1 << 20));
        monitor.event(Event::Remark(&format!(
            "{compression} would need {wanted} MiB for itself, and the memory limit leaves {given} MiB: a lower level or a \
             smaller dictionary is used. --memory-limit raises the limit."
        )));
    }
    sizes::learn(repository, key, manifest, budget.item_bytes(), interrupt)?;
    let slots = Slots::new(plan.slot_bytes);
    let (recycle, empty) = bounded(plan.units);
    let (full, queue) = bounded(plan.units);
    for _ in 0..plan.units {
        let _ = recycle.send(Unit::default());
    }

    let items = ItemWriter::new(key, sealer.clone(), &options.compression);
    let totals = RunningTotals::open(cache, repository, key, manifest)?;
    let checkpoints = Checkpoints::new(options, repository, key, sealer, manifest, security, totals);
    let turns = Turns::new(Store::new(options, repository, monitor, items, checkpoints, cache));
    let halted = thread::scope(|scope| {
        for _ in 0..plan.workers {
            let worker = Worker {
                repository,
                hasher: Hasher::new(key),
                compressor: Compressor::within(compression, plan.codec_bytes),
                sealer: sealer.clone(),
                output: Vec::with_capacity(plan.output_bytes),
                slots: &slots,
                queue: queue.clone(),
                recycle: recycle.clone(),
                turns: &turns,
            };
            scope.spawn(move || worker.run());
        }
        drop((queue, recycle));
        let filling = Filling::new(&slots, empty, full, &plan);
        let gear = key.gear();
        let chunker = Chunker::new(options.chunker, key.chunk_seed(), Some(&gear));
        let stored = Stored { repository, directory: cache, key };
        read(stored, chunker, &plan, filling)
    });
    let mut store = turns.finish()?;
    match halted {
        // What was interrupted at its very end is not saved either, as in Borg.
        Ok(()) if interrupt.requested() => {
            store.interrupted()?;
            return Err(Error::Interrupted);
        }
        Ok(()) => {}
        Err(Halt::Failed(error)) => return Err(error),
        Err(Halt::Interrupted | Halt::Worker) => {
            store.interrupted()?;
            return Err(Error::Interrupted);
        }
    }
    let Store { checkpoints, items, statistics, .. } = &mut store;
    let archive = checkpoints.save(&options.name, &options.comment, items, statistics)?;
    Ok(Outcome { statistics: store.finish(), archive })
}

/// The reader's thread: everything up to the cut.
fn walk(
    options: &Options,
    matcher: &mut PatternMatcher,
    interrupt: &Interrupt,
    stored: Option<Stored<'_>>,
    chunker: Chunker,
    plan: &CreatePlan,
    filling: Filling<'_>,
) -> Result<(), Halt> {
    let skip = options.skip.iter().map(PathBuf::as_path).chain(stored.map(|stored| stored.directory));
    // Only where the one worker is no faster at naming than the reader.
    let expecting = stored.filter(|_| plan.workers == 1).map(|stored| stored.key);
    let mut walk = Walk {
        options,
        matcher,
        interrupt,
        stored,
        filling,
        content: Content::new(
            chunker,
            options.chunker,
            options.sparse,
            interrupt,
            Expected::new(expecting, options.chunker),
        ),
        attributes: Attributes::new(options.attributes),
        links: HardLinks::default(),
        spill: stored.map_or_else(std::env::temp_dir, |stored| stored.directory.to_owned()),
        name_bytes: plan.name_bytes,
        cache: None,
        path: Vec::new(),
        below: 0,
        strip: None,
        skip: walk::identities(skip),
        device: None,
        listing: Vec::with_capacity(LISTING_BYTES),
    };
    let result = match &options.sources {
        Sources::Roots(roots) => walk.roots(roots),
        Sources::ContentFromCommand(command) => walk.content_from_command(command),
        Sources::PathsFromStdin { delimiter } => walk.paths_from_stdin(delimiter),
        Sources::PathsFromCommand { command, delimiter } => walk.paths_from_command(command, delimiter),
    };
    // What was read before an interrupt is not lost.
    walk.filling.dispatch()?;
    result
}
