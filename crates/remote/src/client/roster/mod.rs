//! Which objects a server has, and how large they are: a sorted file on this machine and what changed since.
//!
//! The file is believed only where the manifest that the server gives and the number of its objects are those that it was
//! written for; else all ids are listed, and sizes that the old file knows are kept. A size that nobody has told is 0, which
//! is what Borg writes into items where it does not know one either. A commit makes the file speak of the new state after the
//! server has confirmed it.
//!
//! RAM: [`CHANGES_MOST`] changes, 2 MiB; the table's pages, 0.5 MiB; while ids are listed 2 MiB more.

mod runs;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nanoprobe_format::Id;
use nanoprobe_repository::Error;
use xxhash_rust::xxh64::xxh64;

use self::runs::Runs;
use self::table::{Table, TableWriter};

/// Changes in memory before they are merged into a new table.
const CHANGES_MOST: usize = 32_768;

/// Whether the file may be written: only who is alone knows what it is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upkeep {
    /// Yes.
    Kept,
    /// No.
    LeftAlone,
}

/// Objects of one repository.
pub(super) struct Roster {
    directory: PathBuf,
    upkeep: Upkeep,
    repository: [u8; 32],
    /// Digest of the manifest that is committed; `None` before it was seen.
    manifest: Option<u64>,
    /// The same of one that is not committed yet.
    next_manifest: Option<u64>,
    /// Objects that the server had before anything was changed.
    objects: Option<u64>,
    /// What is true of the server; `None` before that is known.
    table: Option<Table>,
    /// The table holds what is not committed.
    is_ahead: bool,
    changes: BTreeMap<[u8; 32], Change>,
    sums: Sums,
}

/// What became of an object since the table was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Stored(u32),
    Removed,
}

/// Figures of table and changes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    entries: u64,
    unknown: u64,
    bytes: u64,
}

impl Roster {
    /// Of a repository that is there; `directory` is our cache directory for it.
    pub(super) fn new(directory: PathBuf, repository: [u8; 32], upkeep: Upkeep) -> Self {
        Self {
            directory,
            upkeep,
            repository,
            manifest: None,
            next_manifest: None,
            objects: None,
            table: None,
            is_ahead: false,
            changes: BTreeMap::new(),
            sums: Sums::default(),
        }
    }

    /// It says what the server has.
    pub(super) fn is_true(&self) -> bool {
        self.table.is_some()
    }

    /// Notes the manifest as it is committed.
    pub(super) fn see_manifest(&mut self, object: Option<&[u8]>) {
        if self.next_manifest.is_none() {
            self.manifest = Some(digest(object));
        }
    }

    pub(super) fn has_seen_manifest(&self) -> bool {
        self.manifest.is_some()
    }

    /// How many objects the server had before anything was changed, if that is known.
    pub(super) fn objects(&self) -> Option<u64> {
        self.objects
    }

    pub(super) fn set_objects(&mut self, objects: u64) {
        self.objects = Some(objects);
    }

    /// Takes the file for true, if it is.
    pub(super) fn believe(&mut self) -> Result<bool, Error> {
        let Some(table) = self.stored()? else { return Ok(false) };
        let is_true = Some(table.header.manifest) == self.manifest && Some(table.header.entries) == self.objects;
        if is_true {
            self.adopt(table);
        }
        Ok(is_true)
    }

    /// Where ids are gathered when the file cannot be believed.
    pub(super) fn begin_listing(&self) -> Result<Listing, Error> {
        let path = self.directory.join("roster.runs");
        let file = self.scratch("roster.runs").map_err(failed(&path))?;
        Ok(Listing { runs: Runs::new(file), path })
    }

    /// Takes what was listed for true; sizes come from the old file. What is changed and not committed may be in the list.
    pub(super) fn end_listing(&mut self, listing: Listing) -> Result<(), Error> {
        let old = self.stored()?;
        let is_pending = !self.changes.is_empty() || self.next_manifest.is_some();
        let name = if is_pending { Name::Nowhere } else { Name::Roster };
        let table = self.write(name, self.manifest, |writer| {
            let mut old = old.as_ref().map(Table::entries);
            let mut known = next(&mut old)?;
            listing.runs.merge(&mut |id| {
                while known.is_some_and(|(known, _)| known.0 < id.0) {
                    known = next(&mut old)?;
                }
                let size = known.filter(|(known, _)| known == id).map_or(0, |(_, size)| size);
                writer.push(id, size)
            })
        })?;
        self.adopt(table);
        self.is_ahead = is_pending;
        Ok(())
    }

    /// Stored size of an object, `None` when there is none; 0 when it is not known. The roster must be true.
    pub(super) fn find(&self, id: &Id) -> Result<Option<u32>, Error> {
        match (self.changes.get(&id.0), &self.table) {
            (Some(Change::Stored(size)), _) => Ok(Some(*size)),
            (Some(Change::Removed), _) | (None, None) => Ok(None),
            (None, Some(table)) => table.find(id).map_err(failed(&self.path())),
        }
    }

    /// An object is stored.
    pub(super) fn put(&mut self, id: &Id, object: &[u8]) -> Result<(), Error> {
        if *id == Id::MANIFEST {
            self.next_manifest = Some(digest(Some(object)));
        }
        self.change(id, Change::Stored(object.len() as u32))
    }

    /// An object is removed.
    pub(super) fn delete(&mut self, id: &Id) -> Result<(), Error> {
        self.change(id, Change::Removed)
    }

    /// Somebody knows the stored size of an object.
    pub(super) fn learn(&mut self, id: &Id, bytes: u32) -> Result<(), Error> {
        if bytes > 0 && self.is_true() && self.sums.unknown > 0 && self.find(id)? == Some(0) {
            self.change(id, Change::Stored(bytes))?;
        }
        Ok(())
    }

    /// True when changes have to be merged, for which it must be true.
    pub(super) fn is_full(&self) -> bool {
        self.changes.len() >= CHANGES_MOST
    }

    /// Merges the changes into a new table, which is nobody else's.
    pub(super) fn merge(&mut self) -> Result<(), Error> {
        let table = self.merged(Name::Nowhere, self.manifest)?;
        self.adopt(table);
        self.changes.clear();
        self.is_ahead = true;
        Ok(())
    }

    /// The server has committed. A roster that cannot be kept is no trouble: the next run lists again.
    pub(super) fn committed(&mut self) {
        // Where there was nothing, the changes are everything.
        let is_complete = self.is_true() || self.objects == Some(0);
        let is_true = is_complete || (self.upkeep == Upkeep::Kept && self.believe().unwrap_or(false));
        self.manifest = self.next_manifest.take().or(self.manifest);
        self.objects = None;
        if !is_true {
            self.changes.clear();
            return;
        }
        match self.merged(Name::Roster, self.manifest) {
            Ok(table) => {
                self.adopt(table);
                self.changes.clear();
                self.is_ahead = false;
            }
            Err(_) => drop(fs::remove_file(self.path())),
        }
        self.objects = Some(self.sums.entries);
    }

    /// What was not committed is undone.
    pub(super) fn rolled_back(&mut self) {
        self.changes.clear();
        self.next_manifest = None;
        if self.is_ahead {
            (self.table, self.is_ahead) = (None, false);
        }
        self.count();
    }

    /// Nothing is known any more.
    pub(super) fn invalidate(&mut self) {
        self.rolled_back();
        (self.table, self.manifest, self.objects) = (None, None, None);
        if self.upkeep == Upkeep::Kept {
            drop(fs::remove_file(self.path())); // it speaks of another manifest, or of another number of objects
        }
    }

    /// Number of objects and, where every size is known, their sum; `None` when the roster is not true.
    pub(super) fn sums(&self) -> Option<(u64, Option<u64>)> {
        self.table.as_ref().map(|_| (self.sums.entries, (self.sums.unknown == 0).then_some(self.sums.bytes)))
    }

    /// Objects whose size is not known.
    pub(super) fn unknown(&self) -> u64 {
        self.sums.unknown
    }

    fn change(&mut self, id: &Id, change: Change) -> Result<(), Error> {
        if self.is_true() {
            let before = self.find(id)?;
            self.sums.remove(before);
            self.sums.add(change.size());
        }
        self.changes.insert(id.0, change);
        Ok(())
    }

    fn adopt(&mut self, table: Table) {
        self.table = Some(table);
        self.count();
        if !self.changes.is_empty() {
            let changes = std::mem::take(&mut self.changes);
            for (id, change) in &changes {
                // What cannot be read now cannot be read later either, and is told then.
                let before = self.find(&Id(*id)).unwrap_or_default();
                self.sums.remove(before);
                self.sums.add(change.size());
            }
            self.changes = changes;
        }
    }

    fn count(&mut self) {
        let header = self.table.as_ref().map(|table| table.header).unwrap_or_default();
        self.sums = Sums { entries: header.entries, unknown: header.unknown, bytes: header.bytes };
    }

    /// The file, whatever it is of, if it is whole.
    fn stored(&self) -> Result<Option<Table>, Error> {
        let path = self.path();
        let table = match File::open(&path) {
            Ok(file) => Table::open(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        Ok(table.map_err(failed(&path))?.filter(|table| table.header.repository == self.repository))
    }

    /// Table and changes in a new table.
    fn merged(&self, name: Name, manifest: Option<u64>) -> Result<Table, Error> {
        self.write(name, manifest, |writer| {
            let mut entries = self.table.as_ref().map(Table::entries);
            let mut entry = next(&mut entries)?;
            for (id, change) in &self.changes {
                while let Some((before, size)) = entry.filter(|(before, _)| before.0 < *id) {
                    writer.push(&before, size)?;
                    entry = next(&mut entries)?;
                }
                if entry.is_some_and(|(before, _)| before.0 == *id) {
                    entry = next(&mut entries)?;
                }
                if let Change::Stored(size) = change {
                    writer.push(&Id(*id), *size)?;
                }
            }
            while let Some((before, size)) = entry {
                writer.push(&before, size)?;
                entry = next(&mut entries)?;
            }
            Ok(())
        })
    }

    fn write(
        &self,
        name: Name,
        manifest: Option<u64>,
        fill: impl FnOnce(&mut TableWriter) -> io::Result<()>,
    ) -> Result<Table, Error> {
        let path = self.directory.join("roster.new");
        let is_kept = name == Name::Roster && self.upkeep == Upkeep::Kept && manifest.is_some();
        let written = (|| {
            let file = if is_kept { create(&self.directory, &path)? } else { self.scratch("roster.work")? };
            let mut writer = TableWriter::new(file)?;
            fill(&mut writer)?;
            let table = writer.finish(self.repository, manifest.unwrap_or(0))?;
            if is_kept {
                table.make_durable()?;
                fs::rename(&path, self.path())?;
            }
            Ok(table)
        })();
        written.map_err(failed(&path))
    }

    /// A file that nobody else sees.
    fn scratch(&self, name: &str) -> io::Result<File> {
        let path = self.directory.join(format!("{name}.{}", std::process::id()));
        let file = create(&self.directory, &path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }

    fn path(&self) -> PathBuf {
        self.directory.join("roster")
    }
}

/// Ids on their way from the server.
pub(super) struct Listing {
    runs: Runs,
    path: PathBuf,
}

impl Listing {
    pub(super) fn add(&mut self, ids: &[Id]) -> Result<(), Error> {
        self.runs.add(ids).map_err(failed(&self.path))
    }
}

/// What becomes of a table that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    /// The next run finds it.
    Roster,
    /// It goes when it is closed.
    Nowhere,
}

impl Change {
    fn size(self) -> Option<u32> {
        match self {
            Self::Stored(size) => Some(size),
            Self::Removed => None,
        }
    }
}

impl Sums {
    fn add(&mut self, size: Option<u32>) {
        let Some(size) = size else { return };
        self.entries += 1;
        self.unknown += u64::from(size == 0);
        self.bytes += u64::from(size);
    }

    fn remove(&mut self, size: Option<u32>) {
        let Some(size) = size else { return };
        self.entries = self.entries.saturating_sub(1);
        self.unknown = self.unknown.saturating_sub(u64::from(size == 0));
        self.bytes = self.bytes.saturating_sub(u64::from(size));
    }
}

fn next(entries: &mut Option<table::Entries<'_>>) -> io::Result<Option<(Id, u32)>> {
    entries.as_mut().map_or(Ok(None), table::Entries::next)
}

/// No manifest has a digest, too.
pub(super) fn digest(manifest: Option<&[u8]>) -> u64 {
    manifest.map_or(0, |object| xxh64(object, 0).max(1))
}

fn create(directory: &Path, path: &Path) -> io::Result<File> {
    fs::create_dir_all(directory)?;
    File::options().read(true).write(true).create(true).truncate(true).open(path)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    |source| Error::Io { path: path.to_owned(), source }
}
