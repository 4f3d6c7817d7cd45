//! The hints: per segment the live PUTs and the bytes that compaction would free, the quota's use, the shadow index.
//!
//! Segments are a sorted table in memory. The shadow index (which segments hold a superseded PUT of an id) stays in
//! its file; what a transaction adds gathers in a bounded overlay, which is merged when it is full and at commit.
//! Wrong hints are worse than none: a file whose digest is missing or wrong is not used at all.
//!
//! Cost: 16 bytes a segment; 36 bytes an overlay entry, at most half as many as the index delta has.

use std::path::{Path, PathBuf};

use nanoprobe_format::Id;
use nanoprobe_format::hints::{Event, Parser, emit_shadowed, emit_tables};
use nanoprobe_format::integrity::Digests;
use nanoprobe_format::msgpack;

use crate::Error;
use crate::fs::{self, Access, FileSystem};
use crate::stream::{Digest, StreamReader, StreamWriter};

/// More superseded PUTs of one id than any repository has; a longer list is taken for damage.
const SHADOWED_MOST: u32 = 1 << 20;

/// Per segment what compaction needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct SegmentTable {
    /// Sorted by segment; nearly every change is at the end.
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    segment: u32,
    live: i32,
    freeable: i64,
}

impl SegmentTable {
    /// Makes the segment known.
    pub(crate) fn touch(&mut self, segment: u32) {
        self.row(segment);
    }

    /// Changes the number of live PUTs.
    pub(crate) fn add_live(&mut self, segment: u32, change: i32) {
        let row = self.row(segment);
        row.live = row.live.saturating_add(change);
    }

    /// Adds to what compaction would free.
    pub(crate) fn add_freeable(&mut self, segment: u32, bytes: u64) {
        let row = self.row(segment);
        row.freeable = row.freeable.saturating_add(bytes as i64);
    }

    /// Sets what compaction would free when nothing in the segment lives.
    pub(crate) fn free_if_dead(&mut self, segment: u32, bytes: u64) {
        let row = self.row(segment);
        if row.live == 0 {
            row.freeable = bytes as i64;
        }
    }

    /// Sets that nothing in the segment lives, and what compaction would free.
    pub(crate) fn free_all_but(&mut self, segment: u32, bytes: u64) {
        let row = self.row(segment);
        (row.live, row.freeable) = (0, bytes as i64);
    }

    /// Live PUTs of a segment; 0 when it is not known.
    pub(crate) fn live_puts(&self, segment: u32) -> i32 {
        self.rows.binary_search_by_key(&segment, |row| row.segment).map_or(0, |place| self.rows[place].live)
    }

    /// Forgets a segment.
    pub(crate) fn remove(&mut self, segment: u32) {
        if let Ok(place) = self.rows.binary_search_by_key(&segment, |row| row.segment) {
            self.rows.remove(place);
        }
    }

    /// Forgets the segments for which `keep` is not true.
    pub(crate) fn keep_only(&mut self, mut keep: impl FnMut(u32) -> Result<bool, Error>) -> Result<(), Error> {
        let mut failure = Ok(());
        self.rows.retain(|row| {
            keep(row.segment).unwrap_or_else(|error| {
                failure = Err(error);
                true
            })
        });
        failure
    }

    /// Segments with something to free, and how much.
    pub(crate) fn freeable(&self) -> impl Iterator<Item = (u32, i64)> {
        self.rows.iter().filter(|row| row.freeable != 0).map(|row| (row.segment, row.freeable))
    }

    /// Segments with live PUTs, and what compaction would free of them.
    pub(crate) fn live(&self) -> impl Iterator<Item = (u32, i64)> {
        self.rows.iter().filter(|row| row.live > 0).map(|row| (row.segment, row.freeable))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    fn row(&mut self, segment: u32) -> &mut Row {
        let place = match self.rows.last() {
            Some(row) if row.segment < segment => Err(self.rows.len()),
            _ => self.rows.binary_search_by_key(&segment, |row| row.segment),
        };
        let place = place.unwrap_or_else(|place| {
            self.rows.insert(place, Row { segment, live: 0, freeable: 0 });
            place
        });
        &mut self.rows[place]
    }
}

/// The shadow index.
#[derive(Debug)]
pub(crate) struct Shadow {
    /// A hints file that holds what was before the overlay.
    source: Option<PathBuf>,
    ids: u32,
    /// Segments above are of transactions that never were.
    newest: u32,
    overlay: Vec<(Id, u32)>,
    /// Ids of the source that have no superseded PUT any more, nor a DELETE that would need to know.
    forgotten: Vec<Id>,
    /// Segments that the source may name and that were compacted, sorted.
    removed: Vec<u32>,
    capacity: usize,
}

/// All hints.
#[derive(Debug)]
pub(crate) struct Hints {
    pub(crate) segments: SegmentTable,
    pub(crate) quota_use: i64,
    pub(crate) shadow: Shadow,
}

impl Hints {
    /// Of an empty repository.
    pub(crate) fn empty(capacity: usize) -> Self {
        let shadow = Shadow {
            source: None,
            ids: 0,
            newest: u32::MAX,
            overlay: Vec::new(),
            forgotten: Vec::new(),
            removed: Vec::new(),
            capacity,
        };
        Self { segments: SegmentTable::default(), quota_use: 0, shadow }
    }

    /// Reads `hints.<transaction>`; [`Error::FileIntegrity`] when it cannot be trusted.
    pub(crate) fn load(
        fs: &dyn FileSystem,
        path: &Path,
        transaction: u32,
        digests: Digests,
        capacity: usize,
    ) -> Result<Self, Error> {
        let mut hints = Self::empty(capacity);
        let mut reader = HintsReader::open(fs, path)?;
        loop {
            match reader.next()? {
                Event::Segment(segment, live) => {
                    hints.segments.row(segment).live = i32::try_from(live).map_err(|_| damaged(path))?;
                }
                Event::Compact(segment, bytes) => hints.segments.row(segment).freeable = bytes,
                Event::QuotaUse(bytes) => hints.quota_use = bytes,
                Event::Shadow(ids) => hints.shadow.ids = ids,
                Event::ShadowId(..) | Event::Shadowed(_) => {}
                Event::End => break,
            }
        }
        if digests.last.is_none_or(|expected| reader.finish() != Some(expected)) {
            return Err(damaged(path));
        }
        hints.shadow.source = Some(path.to_owned());
        hints.shadow.newest = transaction;
        Ok(hints)
    }

    /// Writes everything to `path`, not yet durable; `name` is what the file will be called.
    pub(crate) fn write(&mut self, fs: &dyn FileSystem, path: &Path, name: &str) -> Result<Written, Error> {
        self.shadow.overlay.sort_unstable();
        self.shadow.forgotten.sort_unstable();
        let (known, forgotten) = self.shadow.known_ids(fs)?;
        let groups = self.shadow.overlay.chunk_by(|left, right| left.0 == right.0).count();
        let ids = self.shadow.ids.saturating_add((groups - known.len()) as u32).saturating_sub(forgotten);

        fs::remove_if_present(fs, path).map_err(Error::io(path))?;
        let file = fs.create(path).map_err(Error::io(path))?;
        let mut stream = StreamWriter::new(file, name);
        let freeable: Vec<_> = self.segments.freeable().collect();
        let live = self.segments.rows.iter().map(|row| (row.segment, i64::from(row.live)));
        emit_tables(&mut stream, live, freeable.into_iter(), self.quota_use, ids).map_err(Error::io(path))?;
        self.shadow
            .emit(fs, &known, |id, segments| emit_shadowed(&mut stream, id, segments).map_err(Error::io(path)))?;
        let (file, digest) = stream.finish().map_err(Error::io(path))?;
        Ok(Written { file, digest, ids })
    }

    /// Merges the overlay into a working copy at `path`; the path of the copy before, if there was one.
    pub(crate) fn spill(&mut self, fs: &dyn FileSystem, path: &Path) -> Result<Option<PathBuf>, Error> {
        let written = self.write(fs, path, &path.file_name().unwrap_or_default().to_string_lossy())?;
        self.shadow.overlay.clear();
        self.shadow.forgotten.clear();
        self.shadow.removed.clear();
        self.shadow.ids = written.ids;
        self.shadow.newest = u32::MAX;
        Ok(self.shadow.source.replace(path.to_owned()))
    }
}

/// A hints file that was written but is not durable.
pub(crate) struct Written {
    pub(crate) file: std::sync::Arc<dyn fs::File>,
    pub(crate) digest: u64,
    ids: u32,
}

impl Shadow {
    /// Notes that a PUT in `segment` is superseded.
    pub(crate) fn add(&mut self, id: &Id, segment: u32) {
        if self.overlay.len() == self.overlay.capacity() {
            let more = self.overlay.len().max(64).min(self.capacity.saturating_sub(self.overlay.len()).max(16));
            self.overlay.reserve_exact(more);
        }
        self.overlay.push((*id, segment));
    }

    /// Notes that the id has no superseded PUT any more, nor a DELETE that would need to know.
    pub(crate) fn forget(&mut self, id: &Id) {
        self.forgotten.push(*id);
    }

    /// Notes that a segment was compacted: it shadows nothing any more.
    pub(crate) fn remove(&mut self, segment: u32) {
        if let Err(place) = self.removed.binary_search(&segment) {
            self.removed.insert(place, segment);
        }
    }

    /// No fewer ids than there are.
    pub(crate) fn ids_most(&self) -> u32 {
        self.ids.saturating_add(u32::try_from(self.overlay.len()).unwrap_or(u32::MAX))
    }

    /// True when the segment was compacted since the last spill.
    pub(crate) fn is_removed(&self, segment: u32) -> bool {
        self.removed.binary_search(&segment).is_ok()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.overlay.len() + self.forgotten.len() >= self.capacity
    }

    /// Calls `visit` with every id of the source and the segments that still hold superseded PUTs of it.
    pub(crate) fn each(
        &self,
        fs: &dyn FileSystem,
        mut visit: impl FnMut(&Id, &mut Vec<u32>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(path) = &self.source else { return Ok(()) };
        let mut segments = Vec::new();
        let mut reader = HintsReader::open(fs, path)?;
        loop {
            match reader.next()? {
                Event::ShadowId(id, count) => {
                    segments.clear();
                    if count > SHADOWED_MOST {
                        return Err(damaged(path));
                    }
                    for _ in 0..count {
                        match reader.next()? {
                            Event::Shadowed(segment) if segment > self.newest || self.is_removed(segment) => {}
                            Event::Shadowed(segment) => segments.push(segment),
                            _ => return Err(damaged(path)),
                        }
                    }
                    visit(&id, &mut segments)?;
                }
                Event::End => return Ok(()),
                _ => {}
            }
        }
    }

    /// Ids of the (sorted) overlay that the source holds, sorted, and how many ids of the source are forgotten.
    fn known_ids(&self, fs: &dyn FileSystem) -> Result<(Vec<Id>, u32), Error> {
        let (mut known, mut forgotten) = (Vec::new(), 0);
        if self.overlay.is_empty() && self.forgotten.is_empty() {
            return Ok((known, forgotten));
        }
        self.each(fs, |id, _| {
            if !self.added(id).is_empty() {
                known.push(*id);
            } else if self.is_forgotten(id) {
                forgotten += 1;
            }
            Ok(())
        })?;
        known.sort_unstable();
        known.dedup();
        Ok((known, forgotten))
    }

    /// In the (sorted) forgotten ids.
    fn is_forgotten(&self, id: &Id) -> bool {
        self.forgotten.binary_search(id).is_ok()
    }

    /// What the (sorted) overlay adds to an id.
    fn added(&self, id: &Id) -> &[(Id, u32)] {
        let start = self.overlay.partition_point(|(other, _)| other < id);
        let count = self.overlay[start..].iter().take_while(|(other, _)| other == id).count();
        &self.overlay[start..start + count]
    }

    fn emit(
        &self,
        fs: &dyn FileSystem,
        known: &[Id],
        mut emit: impl FnMut(&Id, &[u32]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.each(fs, |id, segments| {
            let added = self.added(id);
            if added.is_empty() && self.is_forgotten(id) {
                return Ok(());
            }
            segments.extend(added.iter().map(|(_, segment)| segment));
            emit(id, segments)
        })?;
        let mut segments = Vec::new();
        for group in self.overlay.chunk_by(|left, right| left.0 == right.0) {
            let id = &group[0].0;
            if known.binary_search(id).is_err() {
                segments.clear();
                segments.extend(group.iter().map(|(_, segment)| segment));
                emit(id, &segments)?;
            }
        }
        Ok(())
    }
}

/// Steps through a hints file.
struct HintsReader {
    stream: StreamReader,
    parser: Parser,
    path: PathBuf,
}

impl HintsReader {
    fn open(fs: &dyn FileSystem, path: &Path) -> Result<Self, Error> {
        let file = match fs.open(path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(damaged(path)),
            Err(error) => return Err(Error::io(path)(error)),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stream = StreamReader::new(file, 0, Some(Digest::new(&name)));
        Ok(Self { stream, parser: Parser::new(), path: path.to_owned() })
    }

    fn next(&mut self) -> Result<Event, Error> {
        loop {
            let mut reader = msgpack::Reader::new(self.stream.bytes());
            let event = self.parser.next(&mut reader);
            let consumed = self.stream.bytes().len() - reader.rest().len();
            self.stream.consume(consumed);
            match event {
                Ok(event) => return Ok(event),
                Err(nanoprobe_format::hints::Error::Msgpack(msgpack::Error::Truncated)) => {
                    if !self.stream.fill().map_err(Error::io(&self.path))? {
                        return Err(damaged(&self.path));
                    }
                }
                Err(_) => return Err(damaged(&self.path)),
            }
        }
    }

    /// The digest, if the file ends here.
    fn finish(mut self) -> Option<u64> {
        let at_end = self.stream.bytes().is_empty() && !self.stream.fill().ok()?;
        self.stream.finish().filter(|_| at_end)
    }
}

fn damaged(path: &Path) -> Error {
    Error::FileIntegrity(path.display().to_string())
}
