//! Creating a repository.

use std::path::Path;
use std::sync::Arc;

use nanoprobe_format::Id;

use crate::Error;
use crate::config::{self, Config};
use crate::fs::{self, FileSystem, Kind, Native};
use crate::local::{LocalRepository, OpenOptions, absolute};

const README: &str = "This is a Borg Backup repository.\nSee https://borgbackup.readthedocs.io/\n";
const SEGMENTS_PER_DIRECTORY: u32 = 1000;
const SEGMENT_BYTES_MOST: u64 = 500 * 1024 * 1024;

/// What a new repository is like.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// Write it into `config`.
    pub append_only: bool,
    /// In bytes; 0: none.
    pub storage_quota: u64,
    /// Create missing directories above.
    pub make_parents: bool,
    /// Where the files are.
    pub file_system: Arc<dyn FileSystem>,
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self { append_only: false, storage_quota: 0, make_parents: false, file_system: Arc::new(Native) }
    }
}

impl LocalRepository {
    /// Creates an empty repository at `path` and opens it.
    pub fn create(path: &Path, options: &CreateOptions, open: OpenOptions) -> Result<Self, Error> {
        let path = absolute(path)?;
        let fs = &*options.file_system;
        refuse_occupied(fs, &path)?;
        if options.make_parents {
            create_parents(fs, &path)?;
        }
        create_files(fs, &path, options)?;
        Self::open(&path, open)
    }
}

/// True when `path` holds the README that every version of Borg has written.
pub(crate) fn is_repository(fs: &dyn FileSystem, path: &Path) -> bool {
    let mut head = [0; 100];
    let read = fs.open(&path.join("README"), fs::Access::Read).and_then(|file| fs::read_full(&*file, &mut head, 0));
    let head = String::from_utf8_lossy(&head[..read.unwrap_or(0)]).into_owned();
    head.contains("Borg Backup repository") || head.contains("Borg repository")
}

/// Nothing but an empty directory may be there, and no repository above: its owner's quota would not hold.
fn refuse_occupied(fs: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    let text = || path.display().to_string();
    let denied = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => Error::PathPermissionDenied(text()),
        _ => Error::io(path)(error),
    };
    match fs.metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(denied(error)),
        Ok(_) if is_repository(fs, path) => return Err(Error::AlreadyExists(text())),
        Ok(metadata) if metadata.kind != Kind::Directory => return Err(Error::PathAlreadyExists(text())),
        Ok(_) => {
            if !fs.list(path).map_err(denied)?.is_empty() {
                return Err(Error::PathAlreadyExists(text()));
            }
        }
    }
    match path.ancestors().skip(1).find(|above| is_repository(fs, above)) {
        Some(above) => Err(Error::AlreadyExists(above.display().to_string())),
        None => Ok(()),
    }
}

fn create_parents(fs: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    let mut missing = Vec::new();
    for above in path.ancestors().skip(1) {
        if fs::exists(fs, above).map_err(Error::io(above))? {
            break;
        }
        missing.push(above);
    }
    for directory in missing.into_iter().rev() {
        create_directory(fs, directory)?;
    }
    Ok(())
}

fn create_files(fs: &dyn FileSystem, path: &Path, options: &CreateOptions) -> Result<(), Error> {
    if !fs::exists(fs, path).map_err(Error::io(path))? {
        create_directory(fs, path).map_err(|error| {
            if error.is_not_found() { Error::ParentPathDoesNotExist(path.display().to_string()) } else { error }
        })?;
    }
    let readme = path.join("README");
    let written = fs.create(&readme).and_then(|file| {
        fs::write_all(&*file, README.as_bytes(), 0)?;
        file.sync()
    });
    written.map_err(Error::io(&readme))?;
    create_directory(fs, &path.join("data"))?;
    config::store(fs, path, &new_config(options)?)
}

/// Creates one directory durably.
fn create_directory(fs: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    fs.create_directory(path).map_err(Error::io(path))?;
    path.parent().map_or(Ok(()), |above| fs.sync_directory(above).map_err(Error::io(above)))
}

fn new_config(options: &CreateOptions) -> Result<Config, Error> {
    let mut id = Id([0; 32]);
    getrandom::fill(&mut id.0).map_err(|error| Error::io(Path::new("getrandom"))(error.into()))?;
    let mut config = Config::default();
    config.set("version", "1");
    config.set("segments_per_dir", &SEGMENTS_PER_DIRECTORY.to_string());
    config.set("max_segment_size", &SEGMENT_BYTES_MOST.to_string());
    config.set("append_only", if options.append_only { "1" } else { "0" });
    config.set("storage_quota", &options.storage_quota.to_string());
    config.set("additional_free_space", "0");
    config.set("id", &id.to_string());
    Ok(config)
}
