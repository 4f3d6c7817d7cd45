//! `recreate`: archives written anew, with fewer items, other compression or other chunks.
//!
//! read items → tagged? → selected? → content kept, compressed or cut anew → store
//!
//! The new archive is committed as `NAME.recreate`. When all are there, they take the places of the old ones in one
//! transaction, and what only the old ones referred to goes (`delete`). Interrupted before that, it leaves the old ones as they
//! were and whole new ones beside them, which go when it is tried again. Items go through one at a time, chunks too; masters
//! of hard links that are left out wait on disk (`extract/masters.rs`).
//!
//! What the new archive says of itself is what Borg says: command, times and comment of the old one, and beside them this command;
//! machine, user and folder of now; and as the way files were cut what is asked for now, or else Borg's default, however
//! the chunks that were kept were cut. Only an archive that told nothing of it goes on to tell nothing.
//!
//! RAM: `RecreatePlan` where content changes, else an item.

mod content;
mod items;
mod leftovers;
mod save;
mod tagged;

use std::{
    fs,
    time::{Duration, Instant},
};

use nanoprobe_archive::{ArchiveMetadata, ItemReader, ItemWriter};
use nanoprobe_chunker::Parameters;
use nanoprobe_compress::{Compressor, Specification};

use self::{
    content::Content,
    items::{LeftOut, Rewrite},
    save::Target,
};
use crate::{
    Budget, BudgetTooSmall, Error, Interrupt, Monitor, RecreatePlan, Session,
    create::Statistics,
    delete::{KnownChunks, replace},
    patterns::{PatternError, PatternMatcher, Rule},
};

/// What an archive is called until it takes the old one's place.
pub const TEMPORARY: &str = ".recreate";

/// Which chunks are compressed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recompress {
    /// None.
    #[default]
    Never,
    /// Those that another codec compressed.
    IfDifferent,
    /// All.
    Always,
}

/// What is done to every archive.
#[derive(Clone, Debug)]
pub struct Options {
    /// Rules in order.
    pub rules: Vec<Rule>,
    /// Paths of the command line: where there are some, nothing else stays.
    pub paths: Vec<Vec<u8>>,
    /// `--exclude-caches`
    pub exclude_caches: bool,
    /// `--exclude-if-present`: names.
    pub exclude_if_present: Vec<Vec<u8>>,
    /// `--keep-exclude-tags`
    pub keep_exclude_tags: bool,
    /// `--recompress`
    pub recompress: Recompress,
    /// `--compression`, for chunks that are stored and for metadata.
    pub compression: Specification,
    /// `--chunker-params`
    pub chunker: Option<Parameters>,
    /// `--comment`; the old one stays without.
    pub comment: Option<String>,
    /// `--timestamp`, in microseconds since 1970; the old times stay without.
    pub timestamp: Option<i64>,
    /// Between checkpoints; zero makes none.
    pub checkpoint_interval: Duration,
    /// Only tells what would become of the items.
    pub dry_run: bool,
    /// This command.
    pub command_line: Vec<String>,
    /// Where it runs.
    pub hostname: String,
    /// Who runs it.
    pub username: String,
}

/// An archive that was written anew.
#[derive(Clone, Debug)]
pub struct Recreated {
    /// The name it has at the end.
    pub name: String,
    /// Its content.
    pub statistics: Statistics,
    /// How long it took.
    pub duration: Duration,
}

/// Why an archive cannot be written anew.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecreateError {
    /// Reading or storing failed.
    #[error(transparent)]
    Operation(#[from] Error),
    /// A tagged directory's name cannot be a pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// One run over some archives.
pub struct Recreate<'a> {
    session: &'a mut Session,
    options: &'a Options,
    monitor: &'a dyn Monitor,
    interrupt: &'a Interrupt,
    done: Vec<Recreated>,
    /// Archives whose new version is complete and waits for their place.
    complete: Vec<String>,
    /// Chunks that this run compressed, by name.
    compressed: KnownChunks,
}

impl<'a> Recreate<'a> {
    /// Nothing is done yet.
    pub fn new(
        session: &'a mut Session,
        options: &'a Options,
        monitor: &'a dyn Monitor,
        interrupt: &'a Interrupt,
    ) -> Self {
        let compressed = KnownChunks::new(session.budget.kept_bytes());
        Self { session, options, monitor, interrupt, done: Vec::new(), complete: Vec::new(), compressed }
    }

    /// Writes an archive anew as `target`, or to take its own place in the end. False when that would change nothing.
    pub fn archive(&mut self, name: &str, target: Option<&str>) -> Result<bool, RecreateError> {
        let written = self.write(name, target);
        if written.is_err() && !self.options.dry_run {
            // The failure itself is what counts.
            let _ = self.session.repository.rollback();
        }
        written
    }

    /// New archives take the places of the old ones.
    pub fn finish(mut self) -> Result<Vec<Recreated>, Error> {
        let interrupt = self.interrupt;
        self.replace(interrupt)?;
        Ok(self.done)
    }

    /// The same after an archive that failed, for those that were complete before it; what ended the run ends this no more.
    pub fn finish_failed(mut self) {
        // The first failure is what counts. What is not replaced stays beside the old one.
        if self.session.reopen_manifest().is_ok() {
            let _ = self.replace(&Interrupt::new());
        }
    }

    fn replace(&mut self, interrupt: &Interrupt) -> Result<(), Error> {
        let pairs: Vec<(String, String)> = self.complete.drain(..).map(|name| (temporary(&name), name)).collect();
        if pairs.is_empty() {
            return Ok(());
        }
        replace(self.session, &pairs, self.monitor, interrupt)
    }

    fn write(&mut self, name: &str, target_name: Option<&str>) -> Result<bool, RecreateError> {
        let Self { session, options, monitor, interrupt, done, complete, compressed } = self;
        let started = Instant::now();
        let Some(entry) = session.manifest.archive(name).cloned() else {
            return Err(Error::NoSuchArchive(name.to_owned()).into());
        };
        let metadata = ArchiveMetadata::open(&*session.repository, &session.key, &mut session.key.opener(), &entry.id)
            .map_err(Error::from)?;
        if target_name.is_none() && !options.dry_run {
            leftovers::delete_leftovers(session, &entry, &metadata, *monitor, interrupt)?;
        }
        let new_name = target_name.map_or_else(|| temporary(name), str::to_owned);
        if session.manifest.archive(&new_name).is_some() {
            return Err(Error::ArchiveExists(new_name).into());
        }
        let tagged = tagged::rules(session, &metadata, options, interrupt)?;
        let matcher = PatternMatcher::for_paths_and(&options.rules, &options.paths, &tagged)?;
        let chunker = options.chunker.filter(|chunker| metadata.chunker_params != Some(*chunker));
        let changes_content = options.recompress != Recompress::Never || chunker.is_some();
        if matcher.is_empty() && !changes_content && options.comment.is_none() && target_name.is_none() {
            return Ok(false);
        }
        if options.recompress != Recompress::Never && !options.dry_run {
            // The figures that are kept speak of the sizes before.
            let _ = fs::remove_file(session.cache.join("totals"));
        }

        let masters = match matcher.is_empty() {
            true => None,
            false => Some(LeftOut::create(&session.scratch()?)?),
        };
        let Session { repository, key, sealer, manifest, security, budget, .. } = &mut **session;
        let (repository, key, sealer) = (&**repository, &*key, &*sealer);
        let plan = match changes_content && !options.dry_run {
            true => plan(&metadata, chunker, &options.compression, budget).map(Some).map_err(Error::from)?,
            false => None,
        };
        let item_bytes = plan.map_or(budget.item_bytes(), |plan| plan.item_bytes);
        let target = Target {
            repository,
            key,
            sealer,
            manifest,
            security,
            options,
            original: &metadata,
            chunker_params: options.chunker.or(metadata.chunker_params.and(Some(Parameters::DEFAULT))),
            name: &new_name,
            items: ItemWriter::new(key, sealer.clone(), &options.compression),
            started,
            last: started,
        };
        let content = plan.map(|plan| Content::new(repository, key, sealer, options, chunker, plan, compressed));
        let statistics = Statistics::default();
        let rewrite = Rewrite { target, content, statistics, matcher, masters, monitor: *monitor, interrupt };
        let statistics = rewrite.run(ItemReader::with_limit(repository, key.opener(), &metadata.items, item_bytes))?;
        if target_name.is_none() && !options.dry_run {
            complete.push(name.to_owned());
        }
        let name = target_name.unwrap_or(name).to_owned();
        done.push(Recreated { name, statistics, duration: started.elapsed() });
        Ok(true)
    }
}

/// What there is room for. Where an archive does not tell how it was cut, its chunks are believed to be Borg's until a larger
/// one comes.
fn plan(
    metadata: &ArchiveMetadata,
    chunker: Option<Parameters>,
    compression: &Specification,
    budget: &Budget,
) -> Result<RecreatePlan, BudgetTooSmall> {
    let source = metadata.chunker_params.unwrap_or(Parameters::DEFAULT).maximum_bytes();
    let cut = chunker.map(|chunker| chunker.maximum_bytes());
    let largest = source.max(cut.unwrap_or(0));
    let codec =
        Compressor::least_memory_bytes(compression, largest)..=Compressor::memory_bytes_for(compression, largest);
    budget.recreate_plan(source, cut, codec)
}

fn temporary(name: &str) -> String {
    format!("{name}{TEMPORARY}")
}
