//! A repository in a directory of this machine.
//!
//! Look-ups and reads of several threads go on side by side: the index and the newest segment each have their own
//! read-write lock, and a writer holds the transaction's mutex beside them. Order of taking: transaction, index, tail.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use nanoprobe_format::Id;
use nanoprobe_format::index::Location;
use nanoprobe_format::segment::{ATTIC_MAGIC, ID_HEADER_BYTES, MAGIC};

use crate::config::{self, Config, Settings};
use crate::fs::{self, Access, FileSystem, Kind, Native};
use crate::index::Index;
use crate::lock::{Lock, Process};
use crate::segment_list::{Order, Segments};
use crate::segment_read::{Depth, SegmentReader};
use crate::segment_write::SegmentWriter;
use crate::transaction::Transaction;
use crate::{CheckOptions, CheckReport, CompactOptions, CompactReport, Error, Repository, Totals};

/// Changes the index gathers in memory by default: 3.4 MiB.
pub const INDEX_DELTA_ENTRIES: usize = 65_536;

/// What kind of lock a handle holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locking {
    /// Alone: may write.
    #[default]
    Exclusive,
    /// Beside other readers.
    Shared,
    /// None at all (`--bypass-lock`): reads what is committed and never repairs.
    None,
}

/// How a repository is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// The lock to take.
    pub lock: Locking,
    /// How long to wait for it; `None` waits forever.
    pub lock_wait: Option<Duration>,
    /// `BORG_HOST_ID`; without it, Borg's rule for the host's name and hardware address.
    pub host_id: Option<String>,
    /// Append-only even when `config` does not say so.
    pub append_only: bool,
    /// Instead of the quota in `config`.
    pub storage_quota: Option<u64>,
    /// Most changes of the index held in memory.
    pub index_delta_entries: usize,
    /// Called with what the user should know, in Borg's words.
    pub warn: Arc<dyn Fn(&str) + Send + Sync>,
    /// Called with what the user may want to know, in Borg's words.
    pub inform: Arc<dyn Fn(&str) + Send + Sync>,
    /// Where the files are.
    pub file_system: Arc<dyn FileSystem>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            lock: Locking::Exclusive,
            lock_wait: Some(Duration::from_secs(1)),
            host_id: None,
            append_only: false,
            storage_quota: None,
            index_delta_entries: INDEX_DELTA_ENTRIES,
            warn: Arc::new(|_| {}),
            inform: Arc::new(|_| {}),
            file_system: Arc::new(Native),
        }
    }
}

/// A repository in a directory. The lock is released when the handle is closed or dropped.
pub struct LocalRepository {
    pub(crate) path: PathBuf,
    location: String,
    pub(crate) fs: Arc<dyn FileSystem>,
    pub(crate) options: OpenOptions,
    pub(crate) settings: Settings,
    pub(crate) config: Mutex<Config>,
    pub(crate) lock: Mutex<Option<Lock>>,
    pub(crate) reader: SegmentReader,
    pub(crate) writer: SegmentWriter,
    /// `None` until the first look-up, and after a commit of another handle's kind or a rollback.
    pub(crate) index: RwLock<Option<Index>>,
    pub(crate) transaction: Mutex<Transaction>,
    /// The committed index was compared with its digest.
    verified: AtomicBool,
}

impl LocalRepository {
    /// Opens the repository at `path`. Files are looked at when the first object is asked for.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, Error> {
        let path = absolute(path)?;
        let location = path.display().to_string();
        let fs = Arc::clone(&options.file_system);
        match fs.metadata(&path) {
            Ok(metadata) if metadata.kind == Kind::Directory => {}
            Ok(_) => return Err(Error::InvalidRepository(location)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Error::DoesNotExist(location)),
            Err(error) => return Err(Error::io(&path)(error)),
        }
        let lock = match options.lock {
            Locking::None => None,
            mode => Some(acquire(&path, mode == Locking::Exclusive, &options)?),
        };
        let config = config::load(&*fs, &path)?;
        let mut settings = config.settings().map_err(|reason| config::invalid(&path, reason))?;
        settings.append_only |= options.append_only;
        settings.storage_quota = options.storage_quota.unwrap_or(settings.storage_quota);
        let reader = SegmentReader::new(Segments::new(Arc::clone(&fs), &path, settings.segments_per_directory));
        let repository = Self {
            transaction: Mutex::new(Transaction::new(options.index_delta_entries / 2)),
            config: Mutex::new(config),
            verified: AtomicBool::new(false),
            lock: Mutex::new(lock),
            writer: SegmentWriter::new(),
            index: RwLock::new(None),
            path,
            location,
            fs,
            options,
            settings,
            reader,
        };
        repository.refuse_attic()?;
        Ok(repository)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the store obeys: `config` and the options it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A copy of `config`.
    pub fn config(&self) -> Config {
        lock(&self.config).clone()
    }

    /// Changes `config` durably.
    pub fn change_config(&self, change: impl FnOnce(&mut Config)) -> Result<(), Error> {
        self.require_exclusive()?;
        let mut config = lock(&self.config);
        let mut changed = config.clone();
        change(&mut changed);
        config::store(&*self.fs, &self.path, &changed)?;
        *config = changed;
        Ok(())
    }

    /// Releases the lock and reports trouble with it, which dropping cannot.
    pub fn close(self) -> Result<(), Error> {
        self.release()
    }

    /// Breaks every lock of the repository at `path`, whoever holds it.
    pub fn break_lock(path: &Path) -> Result<(), Error> {
        crate::lock::break_lock(&Native, &absolute(path)?)
    }

    /// Breaks every lock of this repository, whoever holds it.
    pub fn break_locks(&self) -> Result<(), Error> {
        crate::lock::break_lock(&*self.fs, &self.path)
    }

    /// True when there is a Borg repository at `path`.
    pub fn is_repository(path: &Path) -> bool {
        crate::create::is_repository(&Native, path)
    }

    /// Gives up the lock, and with it the right to write.
    pub fn release(&self) -> Result<(), Error> {
        let held = lock(&self.lock).take();
        held.map_or(Ok(()), Lock::release)
    }

    /// Calls `look` with the index of the committed state and what was changed since.
    pub(crate) fn with_index<T>(&self, look: impl FnOnce(&Index) -> Result<T, Error>) -> Result<T, Error> {
        loop {
            {
                let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(index) = &*index {
                    return look(index);
                }
            }
            self.load(&mut lock(&self.transaction))?;
        }
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Option<Index>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, id: &Id) -> Result<Option<Location>, Error> {
        self.with_index(|index| index.find(id))
    }

    pub(crate) fn not_found(&self, id: &Id) -> Error {
        Error::ObjectNotFound { id: *id, path: self.location.clone() }
    }

    pub(crate) fn require_exclusive(&self) -> Result<(), Error> {
        match &*lock(&self.lock) {
            Some(held) if held.is_exclusive() => held.require_mine(),
            _ => Err(Error::ReadOnly(self.location.clone())),
        }
    }

    /// Size of the whole entry at a location that the index gave.
    pub(crate) fn entry_bytes(&self, location: Location, id: &Id) -> Result<u32, Error> {
        match self.writer.buffered(location, None) {
            Some(bytes) => Ok(bytes),
            None => self.reader.entry_bytes(location, id),
        }
    }

    fn refuse_attic(&self) -> Result<(), Error> {
        let Some(segment) = self.reader.segments.newest()? else { return Ok(()) };
        let path = self.reader.segments.path(segment);
        let file = self.fs.open(&path, Access::Read).map_err(Error::io(&path))?;
        let mut magic = [0; MAGIC.len()];
        fs::read_full(&*file, &mut magic, 0).map_err(Error::io(&path))?;
        if magic == ATTIC_MAGIC { Err(Error::AtticRepository(self.location.clone())) } else { Ok(()) }
    }
}

impl Repository for LocalRepository {
    fn id(&self) -> [u8; 32] {
        self.settings.id
    }

    fn location(&self) -> &str {
        &self.location
    }

    fn get(&self, id: &Id, object: &mut Vec<u8>) -> Result<(), Error> {
        let Some(location) = self.find(id)? else {
            // Before an object counts as lost, the index must be what was written. Once a handle is enough.
            if !self.verified.swap(true, Ordering::Relaxed) {
                self.with_index(|index| index.table.verify())?;
            }
            return Err(self.not_found(id));
        };
        match self.writer.buffered(location, Some(object)) {
            Some(_) => Ok(()),
            None => self.reader.read(location, id, object),
        }
    }

    fn preload(&self, ids: &[Id]) {
        for id in ids {
            if let Ok(Some(location)) = self.find(id) {
                self.reader.preload(location);
            }
        }
    }

    fn stored_bytes(&self, id: &Id) -> Result<Option<u32>, Error> {
        let Some(location) = self.find(id)? else { return Ok(None) };
        Ok(Some(self.entry_bytes(location, id)?.saturating_sub(ID_HEADER_BYTES as u32)))
    }

    fn put(&self, id: &Id, object: &[u8]) -> Result<(), Error> {
        let mut transaction = lock(&self.transaction);
        let result = self.put_entry(&mut transaction, id, object);
        transaction.keep_failure(result)
    }

    fn delete(&self, id: &Id) -> Result<(), Error> {
        let mut transaction = lock(&self.transaction);
        let result = self.delete_entry(&mut transaction, id);
        transaction.keep_failure(result)
    }

    fn commit(&self) -> Result<(), Error> {
        let mut transaction = lock(&self.transaction);
        let result = self.commit_transaction(&mut transaction);
        transaction.keep_failure(result)
    }

    fn rollback(&self) -> Result<(), Error> {
        self.roll_back(&mut lock(&self.transaction))
    }

    fn list(&self, after: Option<&Id>, limit: usize, ids: &mut Vec<Id>) -> Result<(), Error> {
        let start = match after {
            None => None,
            Some(id) => Some(self.find(id)?.ok_or_else(|| self.not_found(id))?),
        };
        let full = ids.len().saturating_add(limit);
        if limit == 0 {
            return Ok(());
        }
        self.reader.segments.each(start.map_or(0, |start| start.segment), Order::OldestFirst, |segment| {
            let from = start.filter(|start| start.segment == segment).map_or(0, |start| start.offset);
            let walked = self.reader.walk(segment, from, Depth::Headers, |entry| {
                let location = Location { segment, offset: entry.offset };
                if Some(location) != start && self.find(&entry.id)? == Some(location) {
                    ids.push(entry.id);
                }
                Ok(ids.len() < full)
            });
            match walked {
                // Behind a damaged header nothing can be found: the next segment may be sound.
                Ok(()) | Err(Error::Integrity(_)) => Ok(ids.len() < full),
                Err(error) => Err(error),
            }
        })
    }

    fn free_nonce(&self) -> Result<Option<u64>, Error> {
        crate::nonce::free_nonce(&*self.fs, &self.path)
    }

    fn reserve_nonces(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
        self.require_exclusive()?;
        crate::nonce::reserve(&*self.fs, &self.path, expected, next_free)
    }

    fn key_blob(&self) -> Result<Vec<u8>, Error> {
        Ok(lock(&self.config).value("key").unwrap_or_default().trim().as_bytes().to_vec())
    }

    fn set_key_blob(&self, blob: &[u8]) -> Result<(), Error> {
        let text = String::from_utf8_lossy(blob).into_owned();
        // Borg's clients change passphrases with a shared lock, and import keys without any.
        let was_locked = {
            let mut held = lock(&self.lock);
            match &mut *held {
                Some(held) => held.upgrade()?,
                None if self.options.lock == Locking::None => *held = Some(acquire(&self.path, true, &self.options)?),
                None => {}
            }
            self.options.lock != Locking::None
        };
        let changed = self.change_config(|config| config.set("key", &text));
        if was_locked { changed } else { changed.and(self.release()) }
    }

    fn destroy(&self) -> Result<(), Error> {
        self.remove_all()
    }

    fn compact(
        &self,
        options: &CompactOptions,
        report: &mut dyn FnMut(CompactReport<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.compact_segments(&mut lock(&self.transaction), options, report)
    }

    fn check(&self, options: &CheckOptions, report: &mut dyn FnMut(CheckReport<'_>)) -> Result<bool, Error> {
        self.check_segments(options, report)
    }

    fn totals(&self) -> Result<Totals, Error> {
        self.count_totals()
    }
}

fn acquire(path: &Path, exclusive: bool, options: &OpenOptions) -> Result<Lock, Error> {
    let (fs, warn) = (Arc::clone(&options.file_system), Arc::clone(&options.warn));
    Lock::acquire(fs, path, exclusive, options.lock_wait, Process::this(options.host_id.as_deref()), warn)
}

/// A poisoned mutex only says that a thread panicked; the state it guards is poisoned by I/O failures alone.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The path from the root on, without `.` and `..`, as Borg forms it: by the text alone.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    use std::path::Component;
    let mut absolute = PathBuf::new();
    for component in std::path::absolute(path).map_err(Error::io(path))?.components() {
        match component {
            Component::ParentDir => drop(absolute.pop()),
            Component::CurDir => {}
            component => absolute.push(component),
        }
    }
    Ok(absolute)
}
