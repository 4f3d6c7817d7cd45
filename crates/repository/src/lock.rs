//! The repository's lock, beside running Borgs.
//!
//! ```text
//! lock.exclusive/<host id>.<pid>-<thread>   held while the roster changes, and all the time by a writer
//! lock.roster                               JSON {"shared": [[host id, pid, thread], …], "exclusive": […]}
//! ```
//!
//! `lock.exclusive` is taken by renaming a prepared directory onto its name, which fails while another holder's file
//! is in it. A lock is stale when it is of this host and its process is gone; stale ones are removed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Error;
use crate::fs::{FileSystem, exists, read_small, remove_if_present, write_all};
use crate::save::temporary_path;

mod host;

pub(crate) use host::Process;

/// Between two tries.
const RETRY: Duration = Duration::from_millis(100);
/// Borg never uses another.
const THREAD: i64 = 0;

/// Somebody in the roster: host id, process, thread.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder(String, i64, i64);

/// The name of this host in locks: what `configured` says (`BORG_HOST_ID`), else as Borg finds it.
pub fn host_id(configured: Option<&str>) -> String {
    Process::this(configured).host
}

/// A lock that is held. Dropping it releases it without a word.
pub(crate) struct Lock {
    fs: Arc<dyn FileSystem>,
    /// `<repository>/lock.exclusive`.
    directory: PathBuf,
    roster: PathBuf,
    me: Process,
    wait: Option<Duration>,
    warn: Arc<dyn Fn(&str) + Send + Sync>,
    exclusive: bool,
    held: bool,
}

impl Lock {
    /// Waits for the lock, at most as long as `wait`.
    pub(crate) fn acquire(
        fs: Arc<dyn FileSystem>,
        repository: &Path,
        exclusive: bool,
        wait: Option<Duration>,
        me: Process,
        warn: Arc<dyn Fn(&str) + Send + Sync>,
    ) -> Result<Self, Error> {
        let (directory, roster) = (repository.join("lock.exclusive"), repository.join("lock.roster"));
        let mut lock = Self { fs, directory, roster, me, wait, warn, exclusive: false, held: false };
        if exclusive {
            lock.take_exclusive(false)?
        } else {
            lock.take_shared()?
        }
        Ok(lock)
    }

    pub(crate) fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// An error when somebody has broken the lock: writing must stop.
    pub(crate) fn require_mine(&self) -> Result<(), Error> {
        match exists(&*self.fs, &self.my_file()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::NotMyLock(self.directory.display().to_string())),
            Err(error) => Err(Error::io(&self.directory)(error)),
        }
    }

    /// From shared to exclusive; on failure the shared lock is still held.
    pub(crate) fn upgrade(&mut self) -> Result<(), Error> {
        if self.exclusive { Ok(()) } else { self.take_exclusive(true) }
    }

    pub(crate) fn release(mut self) -> Result<(), Error> {
        self.let_go()
    }

    fn let_go(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.held) {
            return Ok(());
        }
        if !self.exclusive {
            self.take_directory()?;
        }
        let changed = self.change_roster(|roster| roster.remove(self.exclusive, &self.me));
        self.release_directory().and(changed)
    }

    fn take_shared(&mut self) -> Result<(), Error> {
        self.take_directory()?;
        let changed = self.change_roster(|roster| roster.add(false, &self.me));
        self.held = changed.is_ok();
        self.release_directory().and(changed)
    }

    fn take_exclusive(&mut self, from_shared: bool) -> Result<(), Error> {
        let deadline = self.deadline();
        loop {
            self.take_directory()?;
            let alone = self.load_roster().map(|mut roster| {
                if from_shared {
                    roster.remove(false, &self.me);
                }
                roster.shared.is_empty()
            });
            match alone {
                Ok(true) => {
                    let changed = self.change_roster(|roster| {
                        roster.remove(false, &self.me);
                        roster.add(true, &self.me);
                    });
                    if changed.is_err() {
                        return self.release_directory().and(changed);
                    }
                    (self.exclusive, self.held) = (true, true);
                    return Ok(());
                }
                Ok(false) => self.release_directory()?,
                Err(error) => return self.release_directory().and(Err(error)),
            }
            self.wait_until(deadline, &self.directory.with_extension(""))?;
        }
    }

    /// Takes `lock.exclusive`.
    fn take_directory(&self) -> Result<(), Error> {
        let failed = |error: io::Error| Error::LockFailed {
            path: self.directory.display().to_string(),
            reason: error.to_string(),
        };
        let deadline = self.deadline();
        let temporary = temporary_path(&self.directory, '.').map_err(failed)?;
        let my_name = self.my_file().file_name().map(|name| temporary.join(name)).unwrap_or_default();
        self.fs.create_directory(&temporary).map_err(failed)?;
        let taken = self.fs.create(&my_name).map_err(failed).and_then(|file| {
            write_all(&*file, self.me.note().as_bytes(), 0).map_err(failed)?;
            loop {
                if self.fs.rename(&temporary, &self.directory).is_ok() || self.adopt() {
                    return Ok(());
                }
                self.remove_stale();
                self.wait_until(deadline, &self.directory)?;
            }
        });
        // After the rename there is nothing left of it; otherwise it must go, and cannot do worse than stay.
        let _ = self.fs.remove(&my_name);
        let _ = self.fs.remove_directory(&temporary);
        if taken.is_ok() {
            host::note_held(&self.directory);
        }
        taken
    }

    fn release_directory(&self) -> Result<(), Error> {
        host::note_released(&self.directory);
        let text = || self.directory.display().to_string();
        if !exists(&*self.fs, &self.directory).map_err(Error::io(&self.directory))? {
            return Err(Error::NotLocked(text()));
        }
        match self.fs.remove(&self.my_file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::NotMyLock(text())),
            result => result.map_err(Error::io(&self.directory))?,
        }
        match self.fs.remove_directory(&self.directory) {
            Err(error) if is_lost_race(&error) => Ok(()),
            result => result.map_err(Error::io(&self.directory)),
        }
    }

    /// A file with our own name is left from a process of the same number that is gone, unless this process has it.
    fn adopt(&self) -> bool {
        !host::is_held(&self.directory) && matches!(exists(&*self.fs, &self.my_file()), Ok(true))
    }

    /// Removes the files of holders that are gone. Trouble only means that the lock stays taken.
    fn remove_stale(&self) {
        let Ok(entries) = self.fs.list(&self.directory) else { return };
        for entry in entries {
            let Some(holder) = Holder::from_name(&entry.name) else {
                (self.warn)(&format!(
                    "Found malformed lock {} in {}. Please check/fix manually.",
                    entry.name,
                    self.directory.display()
                ));
                return;
            };
            let path = self.directory.join(&entry.name);
            let note = read_small(&*self.fs, &path, 256).unwrap_or_default();
            if self.me.may_be_alive(&holder.0, holder.1, holder.2, &String::from_utf8_lossy(&note)) {
                return;
            }
            if self.fs.remove(&path).is_err() {
                return;
            }
            (self.warn)(&format!("Killed stale lock {}.", entry.name));
        }
        let _ = self.fs.remove_directory(&self.directory);
    }

    fn load_roster(&self) -> Result<Roster, Error> {
        match read_small(&*self.fs, &self.roster, 1 << 20) {
            Ok(bytes) => Ok(Roster::parse(&bytes, &self.me, &*self.warn)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Roster::default()),
            Err(error) => Err(Error::io(&self.roster)(error)),
        }
    }

    /// Changes the roster; the exclusive lock must be held. An empty one is removed.
    fn change_roster(&self, change: impl FnOnce(&mut Roster)) -> Result<(), Error> {
        let mut roster = self.load_roster()?;
        change(&mut roster);
        let stored = if roster.shared.is_empty() && roster.exclusive.is_empty() {
            remove_if_present(&*self.fs, &self.roster)
        } else {
            // Borg overwrites the file in place; a rename keeps the old roster when the disk is full.
            let temporary = temporary_path(&self.roster, '-').map_err(Error::io(&self.roster))?;
            let renamed = self.fs.create(&temporary).and_then(|file| {
                write_all(&*file, roster.text().as_bytes(), 0)?;
                self.fs.rename(&temporary, &self.roster)
            });
            if renamed.is_err() {
                let _ = self.fs.remove(&temporary);
            }
            renamed
        };
        stored.map_err(Error::io(&self.roster))
    }

    fn my_file(&self) -> PathBuf {
        self.directory.join(format!("{}.{}-{:x}", self.me.host, self.me.number, THREAD))
    }

    fn deadline(&self) -> Option<Instant> {
        self.wait.map(|wait| Instant::now() + wait)
    }

    fn wait_until(&self, deadline: Option<Instant>, path: &Path) -> Result<(), Error> {
        let left = deadline.map_or(RETRY, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Err(Error::LockTimeout(path.display().to_string()));
        }
        std::thread::sleep(RETRY.min(left));
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.let_go(); // nobody is left to hear about it
    }
}

/// Removes every lock, whoever holds it.
pub(crate) fn break_lock(fs: &dyn FileSystem, repository: &Path) -> Result<(), Error> {
    let roster = repository.join("lock.roster");
    remove_if_present(fs, &roster).map_err(Error::io(&roster))?;
    let directory = repository.join("lock.exclusive");
    let entries = match fs.list(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io(&directory)(error)),
    };
    for entry in entries {
        let path = directory.join(entry.name);
        remove_if_present(fs, &path).map_err(Error::io(&path))?;
    }
    fs.remove_directory(&directory).map_err(Error::io(&directory))
}

/// Who holds the lock, stale ones left out.
#[derive(Debug, Default)]
struct Roster {
    shared: Vec<Holder>,
    exclusive: Vec<Holder>,
}

impl Roster {
    /// A roster that cannot be read counts as empty, as with Borg.
    fn parse(bytes: &[u8], me: &Process, warn: &dyn Fn(&str)) -> Self {
        let lists: BTreeMap<String, Vec<(String, i64, i64)>> = serde_json::from_slice(bytes).unwrap_or_default();
        let alive = |kind: &str| {
            let mut holders = Vec::new();
            for (host, number, thread) in lists.get(kind).into_iter().flatten() {
                if me.may_be_alive(host, *number, *thread, "") {
                    holders.push(Holder(host.clone(), *number, *thread));
                } else {
                    warn(&format!("Removed stale {kind} roster lock for host {host} pid {number} thread {thread}."));
                }
            }
            holders
        };
        Self { shared: alive("shared"), exclusive: alive("exclusive") }
    }

    fn text(&self) -> String {
        let list = |holders: &[Holder]| -> serde_json::Value {
            holders.iter().map(|holder| serde_json::json!([holder.0, holder.1, holder.2])).collect()
        };
        serde_json::json!({ "exclusive": list(&self.exclusive), "shared": list(&self.shared) }).to_string()
    }

    fn add(&mut self, exclusive: bool, me: &Process) {
        let holder = Holder(me.host.clone(), me.number, THREAD);
        let holders = self.holders(exclusive);
        if !holders.contains(&holder) {
            holders.push(holder);
        }
    }

    fn remove(&mut self, exclusive: bool, me: &Process) {
        let holder = Holder(me.host.clone(), me.number, THREAD);
        self.holders(exclusive).retain(|other| *other != holder);
    }

    fn holders(&mut self, exclusive: bool) -> &mut Vec<Holder> {
        if exclusive { &mut self.exclusive } else { &mut self.shared }
    }
}

impl Holder {
    /// Reads `<host id>.<pid>-<thread in hexadecimal>`.
    fn from_name(name: &str) -> Option<Self> {
        let (rest, thread) = name.rsplit_once('-')?;
        let (host, number) = rest.rsplit_once('.')?;
        Some(Self(host.to_owned(), number.parse().ok()?, i64::from_str_radix(thread, 16).ok()?))
    }
}

/// Another process was quicker: the directory has a new holder or is gone.
fn is_lost_race(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests;
