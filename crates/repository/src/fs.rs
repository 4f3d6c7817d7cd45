//! The one seam to the operating system: everything this crate does to files goes through these two traits.
//!
//! Production uses [`Native`]; tests put a simulator behind the same traits that cuts the power, fails or counts at any
//! call. A path is always absolute. Nothing here keeps state beyond the open files.

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

mod anchored;
mod native;

pub use anchored::{Anchored, Missing};
pub use native::Native;

/// A tree of files.
pub trait FileSystem: Send + Sync + Debug {
    /// Creates a file that must not exist, for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Opens an existing file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>>;
    /// What a path names; symbolic links are followed.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;
    /// Names in a directory, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Creates one directory.
    fn create_directory(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Moves a file over a file, or a directory over an empty directory, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the entries of a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// Bytes that may still be written.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// An open file; all access is positional, so that threads can share it.
pub trait File: Send + Sync + Debug {
    /// Reads up to `bytes.len()` bytes; fewer only at the end.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes up to all of the slices, in order.
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize>;
    /// Makes the contents durable.
    fn sync(&self) -> io::Result<()>;
    /// Present length.
    fn bytes(&self) -> io::Result<u64>;
    /// Cuts or extends to a length.
    fn truncate(&self, bytes: u64) -> io::Result<()>;
    /// Tells what will be needed; failure does not matter.
    fn advise(&self, offset: u64, bytes: u64, advice: Advice);
}

/// How an existing file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To be read.
    Read,
    /// To be read and changed.
    Write,
}

/// Hints to the page cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Will be read soon.
    Needed,
    /// Will not be read again.
    Done,
    /// Will be read front to back.
    Sequential,
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// File, directory or something else.
    pub kind: Kind,
    /// Length of a file.
    pub bytes: u64,
    /// Names the file has.
    pub links: u64,
}

/// Kinds of directory entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else.
    Other,
}

/// One name of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name; names that are not UTF-8 are not ours and are left out.
    pub name: String,
    /// What it names.
    pub kind: Kind,
}

/// Writes all of `bytes` at `offset`.
pub(crate) fn write_all(file: &dyn File, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_all_of(file, [bytes, &[]], offset)
}

/// Writes all of two slices at `offset`, in as few calls as the operating system allows and without joining them.
pub(crate) fn write_all_of(file: &dyn File, slices: [&[u8]; 2], mut offset: u64) -> io::Result<()> {
    let [mut first, mut second] = slices;
    while !(first.is_empty() && second.is_empty()) {
        let written = match file.write_at(&[IoSlice::new(first), IoSlice::new(second)], offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        offset += written as u64;
        let of_first = written.min(first.len());
        first = &first[of_first..];
        second = second.get(written - of_first..).unwrap_or_default();
    }
    Ok(())
}

/// Reads until `bytes` is full or the file ends; the number of bytes read.
pub(crate) fn read_full(file: &dyn File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// True when something is at `path`.
pub(crate) fn exists(fs: &dyn FileSystem, path: &Path) -> io::Result<bool> {
    match fs.metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a file if it is there.
pub(crate) fn remove_if_present(fs: &dyn FileSystem, path: &Path) -> io::Result<()> {
    match fs.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Reads a whole small file; one that is larger than `most` is refused.
pub(crate) fn read_small(fs: &dyn FileSystem, path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let file = fs.open(path, Access::Read)?;
    let length = usize::try_from(file.bytes()?).ok().filter(|&length| length <= most);
    let mut bytes = vec![0; length.ok_or(io::ErrorKind::FileTooLarge)?];
    let read = read_full(&*file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}
