//! store: the archive grows, in walk order, one unit after another.
//!
//! Whoever's turn it is puts the unit's objects, emits the items that are complete, writes the files cache and tells the
//! monitor. Memory: the item at hand with the chunks of its file (40 bytes each), the item stream's chunk.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nanoprobe_archive::{CachedChunks, Clock, Extended, FilesCacheEntry, FilesCacheWriter, ItemWriter};
use nanoprobe_format::{
    ChunkRef,
    item::{Chunks, Item, Xattrs},
    msgpack::Reader,
    packed::Packed,
};
use nanoprobe_repository::Repository;

use super::{
    Options, Statistics,
    checkpoint::Checkpoints,
    unit::{Chunk, Entry, Kept, Record, Remember, Span, Unit},
};
use crate::{Error, Event, Monitor};

/// Borg's rate of progress lines.
const PROGRESS: Duration = Duration::from_millis(200);

/// Where the archive stands.
pub(super) struct Store<'a> {
    pub repository: &'a dyn Repository,
    pub monitor: &'a dyn Monitor,
    pub items: ItemWriter<'a>,
    pub checkpoints: Checkpoints<'a>,
    pub statistics: Statistics,
    /// The item at hand: its text and chunks.
    pub item: Option<Open>,
    /// Kept for the next item.
    spare: Open,
    caches: FilesCaches<'a>,
    told: Instant,
}

/// An item whose content is not complete yet.
#[derive(Default)]
pub(super) struct Open {
    pub entry: Entry,
    pub text: Vec<u8>,
    pub chunks: Vec<ChunkRef>,
}

impl<'a> Store<'a> {
    pub(super) fn new(
        options: &'a Options,
        repository: &'a dyn Repository,
        monitor: &'a dyn Monitor,
        items: ItemWriter<'a>,
        checkpoints: Checkpoints<'a>,
        directory: &'a Path,
    ) -> Self {
        let caches = FilesCaches::new(directory, options);
        let (item, spare, statistics) = Default::default();
        Self { repository, monitor, items, checkpoints, statistics, item, spare, caches, told: Instant::now() }
    }

    /// Takes in the next unit; `output` holds its sealed objects.
    pub(super) fn store(&mut self, unit: &mut Unit, output: &[u8]) -> Result<(), Error> {
        let mut refs = 0;
        for position in 0..unit.records.len() {
            match &unit.records[position] {
                Record::Root(root) => {
                    let result = self.caches.begin(unit.text(*root));
                    self.cached(result);
                }
                Record::Begin(entry) => {
                    let entry = std::mem::take(&mut unit.entries[*entry as usize]);
                    self.begin(entry, unit);
                }
                Record::Chunk(chunk) => self.chunk(chunk, output)?,
                Record::Known(count) => {
                    let known = unit.refs.get(refs..refs + *count as usize).unwrap_or_default();
                    refs += known.len();
                    self.known(known);
                }
                Record::End(remember) => self.end(*remember)?,
                Record::Abandon => self.abandon(),
                Record::Told(told) => told.tell(unit, self.monitor),
                Record::Keep(kept) => {
                    let result = self.caches.keep(kept, unit);
                    self.cached(result);
                }
            }
        }
        Ok(())
    }

    /// Everything is stored and committed: the new files caches take the place of the old ones.
    pub(super) fn finish(self) -> Statistics {
        let operation = "cache.commit";
        self.monitor.event(Event::ProgressMessage { operation, message: "Saving files cache" });
        let saved = self.caches.finish();
        self.monitor.event(Event::ProgressFinished { operation });
        if let Err(error) = saved {
            self.monitor.event(Event::Remark(&format!("the files cache is not saved: {error}")));
        }
        self.statistics
    }

    /// A checkpoint is committed.
    pub(super) fn checkpoint_caches(&mut self) {
        let result = self.caches.checkpoint();
        self.cached(result);
    }

    /// A cache that cannot be written costs time in the next run, not this one.
    fn cached(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.caches.writing = None;
            self.monitor.event(Event::Remark(&format!("the files cache is not saved: {error}")));
        }
    }

    fn begin(&mut self, entry: Entry, unit: &Unit) {
        if let Some(status) = entry.status {
            self.monitor.event(Event::File { status, path: unit.text(entry.shown) });
        }
        let mut open = std::mem::take(&mut self.spare);
        open.text.clear();
        open.text.extend_from_slice(unit.text(entry.text));
        open.chunks.clear();
        open.entry = entry;
        self.item = Some(open);
    }

    /// Puts a chunk unless it is stored by now.
    fn chunk(&mut self, chunk: &Chunk, output: &[u8]) -> Result<(), Error> {
        let (mut csize, mut new) = (chunk.csize, false);
        if let Some(object) = output.get(chunk.object.clone()).filter(|object| !object.is_empty()) {
            match self.repository.stored_bytes(&chunk.id)? {
                Some(stored) => csize = stored,
                None => {
                    self.repository.put(&chunk.id, object)?;
                    self.checkpoints.totals.stored(chunk.range.len() as u32, csize);
                    new = true;
                }
            }
        }
        let size = chunk.range.len() as u32;
        self.count(&ChunkRef { id: chunk.id, size, csize }, new);
        if let Some(item) = &mut self.item {
            item.chunks.push(ChunkRef { id: chunk.id, size, csize });
        }
        self.progress();
        self.checkpoint_if_due()
    }

    fn known(&mut self, known: &[ChunkRef]) {
        for chunk in known {
            self.count(chunk, false);
        }
        if let Some(item) = &mut self.item {
            item.chunks.extend_from_slice(known);
        }
    }

    fn count(&mut self, chunk: &ChunkRef, new: bool) {
        self.statistics.original_bytes += u64::from(chunk.size);
        self.statistics.compressed_bytes += u64::from(chunk.csize);
        if new {
            self.statistics.deduplicated_bytes += u64::from(chunk.csize);
        }
    }

    fn end(&mut self, remember: Option<Remember>) -> Result<(), Error> {
        if let Some(part) = self.checkpoints.last_part(self.item.as_ref()) {
            self.write_part(part)?;
        }
        let Some(open) = self.item.take() else { return Ok(()) };
        self.checkpoints.file_ends(&open);
        self.items.write(&open.item(&open.chunks, None, None), self.repository)?;
        self.checkpoints.totals.referenced(open.chunks.len());
        if open.entry.content {
            self.statistics.files += 1;
        }
        if let Some(remember) = remember {
            let result = self.caches.remember(&open, &remember);
            self.cached(result);
        }
        self.item = Some(open);
        self.progress();
        self.abandon();
        Ok(())
    }

    fn abandon(&mut self) {
        self.spare = self.item.take().unwrap_or_default();
        self.spare.chunks.shrink_to(4096);
        self.checkpoints.totals.abandoned();
        self.checkpoints.abandon_parts();
    }

    fn progress(&mut self) {
        if self.told.elapsed() < PROGRESS {
            return;
        }
        self.told = Instant::now();
        let path = self.item.as_ref().map_or(&b""[..], |item| item.span(item.entry.path));
        self.monitor.event(Event::ArchiveProgress {
            files: self.statistics.files,
            original_bytes: self.statistics.original_bytes,
            compressed_bytes: self.statistics.compressed_bytes,
            deduplicated_bytes: self.statistics.deduplicated_bytes,
            path,
        });
    }
}

impl Open {
    pub(super) fn span(&self, span: Span) -> &[u8] {
        self.text.get(span.within(self.entry.text).range()).unwrap_or_default()
    }

    /// The item, with some or all of its chunks, under its own or another path.
    pub(super) fn item<'i>(&'i self, chunks: &'i [ChunkRef], path: Option<&'i [u8]>, part: Option<u64>) -> Item<'i> {
        let entry = &self.entry;
        let text = |span: Option<Span>| span.map(|span| self.span(span));
        let xattrs = text(entry.xattrs).and_then(|packed| Packed::read_map(&mut Reader::new(packed)).ok());
        Item {
            path: path.unwrap_or_else(|| self.span(entry.path)),
            mode: entry.mode,
            uid: Some(entry.uid),
            gid: Some(entry.gid),
            user: entry.user.as_deref(),
            group: entry.group.as_deref(),
            mtime: Some(entry.mtime),
            atime: entry.atime,
            ctime: entry.ctime,
            source: text(entry.source),
            rdev: entry.rdev,
            hardlink_master: entry.hardlink_master,
            bsdflags: (entry.bsdflags != 0).then_some(entry.bsdflags),
            xattrs: xattrs.map(Xattrs::Packed),
            acl_access: text(entry.acl_access),
            acl_default: text(entry.acl_default),
            chunks: entry.content.then_some(Chunks::Refs(chunks)),
            size: entry.content.then(|| chunks.iter().map(|chunk| u64::from(chunk.size)).sum()),
            part,
            ..Item::default()
        }
    }
}

/// The path of a root's files cache.
pub(super) fn files_cache_path(directory: &Path, root: &[u8], suffix: &str) -> PathBuf {
    // FNV-1a: the name need only be different for different roots, and the root stands inside.
    let hash = |bytes: &[u8]| {
        let offset = 0xcbf2_9ce4_8422_2325_u64;
        bytes.iter().fold(offset, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    };
    directory.join(match suffix {
        "" => format!("files-{:016x}", hash(root)),
        suffix => format!("files-{:016x}-{:016x}", hash(root), hash(suffix.as_bytes())),
    })
}

/// The files caches that this run writes, one for each root.
struct FilesCaches<'a> {
    directory: &'a Path,
    suffix: &'a str,
    clock: Clock,
    writing: Option<Writing>,
    written: Vec<Writing>,
}

struct Writing {
    writer: FilesCacheWriter,
    path: PathBuf,
    /// Latest time of any file read in this run.
    newest: Option<i64>,
    /// Latest time of any file at all.
    latest: i64,
    /// All of it is on the disk and to be believed.
    saved: bool,
}

impl<'a> FilesCaches<'a> {
    fn new(directory: &'a Path, options: &'a Options) -> Self {
        let clock = if options.files_cache.mtime { Clock::Mtime } else { Clock::Ctime };
        Self { directory, suffix: &options.files_cache_suffix, clock, writing: None, written: Vec::new() }
    }

    fn begin(&mut self, root: &[u8]) -> Result<(), Error> {
        self.written.extend(self.writing.take().map(|writing| Writing { saved: false, ..writing }));
        let path = files_cache_path(self.directory, root, self.suffix);
        let writer = FilesCacheWriter::create(&path, root, self.clock).map_err(Error::local("create", &path))?;
        self.writing = Some(Writing { writer, path, newest: None, latest: i64::MIN, saved: false });
        Ok(())
    }

    fn remember(&mut self, open: &Open, remember: &Remember) -> Result<(), Error> {
        let text = |span: Option<Span>| span.map_or(&b""[..], |span| open.span(span));
        let extended = remember.extended.then(|| Extended {
            bsdflags: open.entry.bsdflags,
            xattrs: text(open.entry.xattrs),
            acl_access: text(open.entry.acl_access),
            acl_default: text(open.entry.acl_default),
        });
        let path = open.span(open.entry.below);
        self.write(path, 0, remember, extended, CachedChunks::Refs(&open.chunks))
    }

    fn keep(&mut self, kept: &Kept, unit: &Unit) -> Result<(), Error> {
        let extended = kept.remember.extended.then(|| Extended {
            bsdflags: kept.bsdflags,
            xattrs: unit.text(kept.xattrs),
            acl_access: unit.text(kept.acl_access),
            acl_default: unit.text(kept.acl_default),
        });
        let (count, bytes) = kept.chunks;
        let chunks = CachedChunks::Packed { count, bytes: unit.text(bytes) };
        self.write(unit.text(kept.path), kept.age, &kept.remember, extended, chunks)
    }

    fn write(
        &mut self,
        path: &[u8],
        age: u8,
        remember: &Remember,
        extended: Option<Extended<'_>>,
        chunks: CachedChunks<'_>,
    ) -> Result<(), Error> {
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let Remember { size, inode, mtime, ctime, fresh, cut_by, .. } = *remember;
        let entry = FilesCacheEntry { path, age, size, inode, mtime, ctime, extended, cut_by, chunks };
        let time = entry.time(self.clock);
        writing.latest = writing.latest.max(time);
        if fresh {
            writing.newest = Some(writing.newest.map_or(time, |newest| newest.max(time)));
        }
        writing.writer.write(&entry).map_err(Error::local("write", &writing.path))
    }

    /// What a checkpoint committed is known to the next run, however this one ends.
    fn checkpoint(&mut self) -> Result<(), Error> {
        let complete = self.written.iter_mut().filter(|written| !written.saved);
        for Writing { writer, path, newest, latest, saved } in complete.chain(&mut self.writing) {
            // What is written later must not be believed for want of something new so far.
            let newest = newest.unwrap_or(latest.saturating_add(1));
            writer.checkpoint(newest).map_err(Error::local("write", &*path))?;
            *saved = true;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Error> {
        self.written.extend(self.writing.take());
        for Writing { writer, path, newest, .. } in self.written.drain(..) {
            writer
                .finish(&path, newest.unwrap_or(i64::MAX))
                .map_err(|error: io::Error| Error::local("write", &path)(error))?;
        }
        Ok(())
    }
}
