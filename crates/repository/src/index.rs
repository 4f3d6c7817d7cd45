//! The index: which object stands where. It is never loaded: look-ups read the few buckets they need from the file.
//!
//! Changes of a transaction gather in a bounded [`Delta`]. When it is full, one sequential pass merges it into a
//! working copy of the file, which look-ups then use; at commit the last pass writes `index.N`. A change of the bucket
//! count goes through [`rebuild`], which never holds more than a part of the table.
//!
//! Cost: 52 bytes an entry of the delta, at most `delta_entries` of them; during a merge another 4 bytes each and
//! three stream buffers; during a rebuild 4 MiB at most.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nanoprobe_format::Id;
use nanoprobe_format::index::{BUCKETS_LEAST, HEADER_BYTES, Header, Location, fitting_buckets};
use nanoprobe_format::integrity::{Digests, HEADER_PART};

use crate::Error;
use crate::fs::{self, File, FileSystem};
use crate::stream::{Digest, StreamReader, StreamWriter};

mod delta;
mod merge;
mod probe;
mod rebuild;

pub(crate) use delta::{Change, Delta};

/// A table in a file, which does not change any more.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// None for the table of an empty repository.
    file: Option<Arc<dyn File>>,
    path: PathBuf,
    /// The name that entered the digest.
    name: String,
    pub(crate) header: Header,
    /// What the digests must be, as far as they are known.
    digests: Digests,
}

impl Table {
    /// The table of an empty repository.
    pub(crate) fn empty() -> Self {
        let header = Header { entries: 0, buckets: BUCKETS_LEAST };
        Self { file: None, path: PathBuf::new(), name: String::new(), header, digests: Digests::default() }
    }

    /// Opens a file and checks its header, its length and the header's digest.
    pub(crate) fn open(fs: &dyn FileSystem, path: &Path, digests: Digests) -> Result<Self, Error> {
        let file = fs.open(path, fs::Access::Read).map_err(Error::io(path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut bytes = [0; HEADER_BYTES];
        let read = fs::read_full(&*file, &mut bytes, 0).map_err(Error::io(path))?;
        let length = file.bytes().map_err(Error::io(path))?;
        let mut digest = Digest::new(&name);
        digest.update(&bytes);
        let found = digest.part(HEADER_PART);
        let header = Header::from_bytes(&bytes, length);
        match header {
            Ok(header) if read == HEADER_BYTES && digests.header.is_none_or(|expected| expected == found) => {
                Ok(Self { file: Some(file), path: path.to_owned(), name, header, digests })
            }
            _ => Err(Error::FileIntegrity(path.display().to_string())),
        }
    }

    /// Reads the whole file; an error when its digest is not the expected one.
    pub(crate) fn verify(&self) -> Result<(), Error> {
        let Some(mut reader) = self.reader()? else { return Ok(()) };
        while reader.fill().map_err(Error::io(&self.path))? {
            let read = reader.bytes().len();
            reader.consume(read);
        }
        self.finish_reader(reader)
    }

    /// Reads the buckets front to back; `None` when all are empty.
    pub(crate) fn reader(&self) -> Result<Option<StreamReader>, Error> {
        let Some(file) = &self.file else { return Ok(None) };
        let mut header = [0; HEADER_BYTES];
        fs::read_full(&**file, &mut header, 0).map_err(Error::io(&self.path))?;
        let mut digest = Digest::new(&self.name);
        digest.update(&header);
        digest.part(HEADER_PART);
        Ok(Some(StreamReader::new(Arc::clone(file), HEADER_BYTES as u64, Some(digest))))
    }

    /// Compares the digest of a reader that has read everything.
    pub(crate) fn finish_reader(&self, reader: StreamReader) -> Result<(), Error> {
        match (self.digests.last, reader.finish()) {
            (Some(expected), Some(found)) if expected != found => Err(self.damaged()),
            _ => Ok(()),
        }
    }

    pub(crate) fn digests(&self) -> Digests {
        self.digests
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn damaged(&self) -> Error {
        Error::FileIntegrity(self.path.display().to_string())
    }
}

/// Writes a table front to back: header now, buckets by the caller.
pub(crate) struct TableWriter {
    pub(crate) stream: StreamWriter,
    path: PathBuf,
    name: String,
    header: Header,
    header_digest: u64,
}

impl TableWriter {
    /// Creates `path`; `name` is what the file will be called in the end.
    fn create(fs: &dyn FileSystem, path: &Path, name: &str, header: Header) -> Result<Self, Error> {
        fs::remove_if_present(fs, path).map_err(Error::io(path))?;
        let file = fs.create(path).map_err(Error::io(path))?;
        let mut stream = StreamWriter::new(file, name);
        let written = stream.write(&header.to_bytes()).and_then(|()| stream.part(HEADER_PART));
        let header_digest = written.map_err(Error::io(path))?;
        Ok(Self { stream, path: path.to_owned(), name: name.to_owned(), header, header_digest })
    }

    fn finish(self) -> Result<Table, Error> {
        let (file, last) = self.stream.finish().map_err(Error::io(&self.path))?;
        let digests = Digests { header: Some(self.header_digest), last: Some(last) };
        Ok(Table { file: Some(file), path: self.path, name: self.name, header: self.header, digests })
    }
}

/// The committed or working table and what has changed since.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) table: Table,
    delta: Delta,
    entries: u32,
}

impl Index {
    pub(crate) fn new(table: Table, delta_entries: usize) -> Self {
        Self { entries: table.header.entries, table, delta: Delta::new(delta_entries) }
    }

    /// Where the object stands. Reads a few hundred bytes, unless the object is new.
    pub(crate) fn find(&self, id: &Id) -> Result<Option<Location>, Error> {
        match self.delta.find(id) {
            Some(Change::At(location)) => Ok(Some(location)),
            Some(Change::Removed) => Ok(None),
            None => self.table.find(id),
        }
    }

    /// Notes where an object stands now; `before` is what [`Index::find`] says.
    pub(crate) fn insert(&mut self, id: &Id, location: Location, before: Option<Location>) {
        self.delta.set(id, Change::At(location), before.is_some());
        self.entries += u32::from(before.is_none());
    }

    /// Forgets an object that [`Index::find`] finds.
    pub(crate) fn remove(&mut self, id: &Id) {
        self.delta.set(id, Change::Removed, true);
        self.entries = self.entries.saturating_sub(1);
    }

    /// Live objects.
    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }

    /// Bytes of the table with all changes in it.
    pub(crate) fn file_bytes(&self) -> u64 {
        Header { entries: self.entries, buckets: self.fitting_buckets() }.file_bytes()
    }

    /// Lets so many changes gather, if they are more than so far.
    pub(crate) fn let_gather(&mut self, delta_entries: usize) {
        self.delta.let_gather(delta_entries);
    }

    /// True when the delta must be merged before the next change.
    pub(crate) fn is_full(&self) -> bool {
        self.delta.is_full()
    }

    /// Writes the table with all changes to `path`; reading may go on meanwhile.
    /// Nothing is durable yet. An error leaves a file at `path` that is of no use.
    pub(crate) fn merge(&self, fs: &dyn FileSystem, path: &Path, name: &str) -> Result<Table, Error> {
        let buckets = self.fitting_buckets();
        let merged = if buckets == self.table.header.buckets {
            merge::merge(fs, &self.table, &self.delta, self.entries, path, name)?
        } else {
            None
        };
        match merged {
            Some(table) => Ok(table),
            None => rebuild::rebuild(fs, &self.table, &self.delta, self.entries, buckets, path, name),
        }
    }

    /// Goes on with a table that [`Index::merge`] has written; the old one is returned.
    pub(crate) fn replace(&mut self, table: Table) -> Table {
        self.delta.clear();
        self.entries = table.header.entries;
        std::mem::replace(&mut self.table, table)
    }

    /// Renames the table's file.
    pub(crate) fn rename_table(&mut self, fs: &dyn FileSystem, path: &Path) -> io::Result<()> {
        fs.rename(&self.table.path, path)?;
        self.table.path = path.to_owned();
        Ok(())
    }

    /// Makes the table's contents durable.
    pub(crate) fn sync_table(&self) -> Result<(), Error> {
        self.table.file.as_ref().map_or(Ok(()), |file| file.sync()).map_err(Error::io(&self.table.path))
    }

    fn fitting_buckets(&self) -> u32 {
        fitting_buckets(self.entries, self.table.header.buckets)
    }
}

#[cfg(test)]
mod tests;
