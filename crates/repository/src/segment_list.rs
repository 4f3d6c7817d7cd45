//! Which segment files there are, and where they stand: `data/<segment / segments per directory>/<segment>`.
//!
//! Cost: the numbers of one directory at a time (1000 at Borg's default).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Error;
use crate::fs::{FileSystem, Kind};

/// The places of segments.
#[derive(Clone, Debug)]
pub(crate) struct Segments {
    pub(crate) fs: Arc<dyn FileSystem>,
    data: PathBuf,
    per_directory: u32,
}

/// Which way to go through the segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

impl Segments {
    pub(crate) fn new(fs: Arc<dyn FileSystem>, repository: &Path, per_directory: u32) -> Self {
        Self { fs, data: repository.join("data"), per_directory: per_directory.max(1) }
    }

    pub(crate) fn directory(&self, segment: u32) -> PathBuf {
        self.data.join(self.directory_number(segment).to_string())
    }

    pub(crate) fn directory_number(&self, segment: u32) -> u32 {
        segment / self.per_directory
    }

    pub(crate) fn path(&self, segment: u32) -> PathBuf {
        self.directory(segment).join(segment.to_string())
    }

    /// Creates and makes durable the directory for a segment, if it is not there.
    pub(crate) fn create_directory(&self, segment: u32) -> Result<(), Error> {
        let directory = self.directory(segment);
        match self.fs.create_directory(&directory) {
            Ok(()) => self.fs.sync_directory(&self.data).map_err(Error::io(&self.data)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(Error::io(&directory)(error)),
        }
    }

    /// Removes those of the directories that are empty.
    pub(crate) fn remove_empty(&self, directories: &[u32]) -> Result<(), Error> {
        let mut removed = false;
        for number in directories {
            // One that is not empty refuses; one that stays for any other reason does no harm.
            removed |= self.fs.remove_directory(&self.data.join(number.to_string())).is_ok();
        }
        if removed { self.fs.sync_directory(&self.data).map_err(Error::io(&self.data)) } else { Ok(()) }
    }

    /// Length of a segment; `None` when it is gone. Removal may leave an empty file behind, which counts as gone.
    pub(crate) fn bytes(&self, segment: u32) -> Result<Option<u64>, Error> {
        let path = self.path(segment);
        match self.fs.metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.bytes).filter(|&bytes| bytes > 0)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&path)(error)),
        }
    }

    /// Calls `visit` with every segment from `first` on (oldest first) or down to it, until it returns false.
    pub(crate) fn each(
        &self,
        first: u32,
        order: Order,
        mut visit: impl FnMut(u32) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut directories = self.numbers(&self.data, Kind::Directory)?;
        directories.retain(|&directory| directory >= first / self.per_directory);
        sort(&mut directories, order);
        for directory in directories {
            let mut segments = self.numbers(&self.data.join(directory.to_string()), Kind::File)?;
            segments.retain(|&segment| segment >= first);
            sort(&mut segments, order);
            for segment in segments {
                if !visit(segment)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The newest segment.
    pub(crate) fn newest(&self) -> Result<Option<u32>, Error> {
        let mut newest = None;
        self.each(0, Order::NewestFirst, |segment| {
            newest = Some(segment);
            Ok(false)
        })?;
        Ok(newest)
    }

    /// Number of segments.
    pub(crate) fn count(&self) -> Result<u64, Error> {
        let mut count = 0;
        self.each(0, Order::OldestFirst, |_| {
            count += 1;
            Ok(true)
        })?;
        Ok(count)
    }

    fn numbers(&self, path: &Path, kind: Kind) -> Result<Vec<u32>, Error> {
        let entries = match self.fs.list(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::io(path)(error)),
        };
        let ours = entries.iter().filter(|entry| entry.kind == kind && entry.name.bytes().all(|b| b.is_ascii_digit()));
        Ok(ours.filter_map(|entry| entry.name.parse().ok()).collect())
    }
}

fn sort(numbers: &mut [u32], order: Order) {
    match order {
        Order::OldestFirst => numbers.sort_unstable(),
        Order::NewestFirst => numbers.sort_unstable_by(|left, right| right.cmp(left)),
    }
}
