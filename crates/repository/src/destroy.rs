//! Removing a whole repository: `config` first, so that what is left of it after an interruption is no repository any more.

use std::path::Path;

use crate::Error;
use crate::fs::{FileSystem, Kind, remove_if_present};
use crate::local::LocalRepository;

impl LocalRepository {
    /// Removes everything, the lock last.
    pub(crate) fn remove_all(&self) -> Result<(), Error> {
        if self.settings.append_only {
            return Err(Error::AppendOnly(self.path.display().to_string()));
        }
        self.require_exclusive()?;
        let fs = &*self.fs;
        let config = self.path.join("config");
        fs.remove(&config).map_err(Error::io(&config))?;
        fs.sync_directory(&self.path).map_err(Error::io(&self.path))?;
        for entry in fs.list(&self.path).map_err(Error::io(&self.path))? {
            if !entry.name.starts_with("lock.") {
                remove(fs, &self.path.join(entry.name), entry.kind)?;
            }
        }
        self.release()?;
        remove(fs, &self.path, Kind::Directory)
    }
}

fn remove(fs: &dyn FileSystem, path: &Path, kind: Kind) -> Result<(), Error> {
    if kind != Kind::Directory {
        return remove_if_present(fs, path).map_err(Error::io(path));
    }
    for entry in fs.list(path).map_err(Error::io(path))? {
        remove(fs, &path.join(entry.name), entry.kind)?;
    }
    fs.remove_directory(path).map_err(Error::io(path))
}
