//! Jobs that somebody asked for: an empty file each, named after the job, in `requests`, and a FIFO by which the process that
//! stays is woken. Who runs the job removes its file.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat},
    io::Errno,
};

use crate::Error;

/// Whether anybody was there to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The process that stays wakes up.
    AtOnce,
    /// Nobody: it waits for the next round.
    Later,
}

/// Asks for a job, durably.
pub fn ask(directory: &Path, job: &str) -> Result<Heard, Error> {
    prepare(directory)?;
    let path = request(directory, job);
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let durable = made.and_then(|file| file.sync_all()).and_then(|()| File::open(folder(directory))?.sync_all());
    durable.map_err(Error::file("write", path))?;
    Ok(if ring(directory) { Heard::AtOnce } else { Heard::Later })
}

/// Whether somebody asked for this job, and it did not run since.
pub fn is_asked(directory: &Path, job: &str) -> bool {
    request(directory, job).exists()
}

/// It runs.
pub(crate) fn forget(directory: &Path, job: &str) {
    // One that stays runs once more.
    let _ = fs::remove_file(request(directory, job));
}

/// Makes what requests need.
pub(super) fn prepare(directory: &Path) -> Result<(), Error> {
    let (folder, doorbell) = (folder(directory), doorbell(directory));
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(Error::file("create", folder))?;
    match mknodat(CWD, &doorbell, FileType::Fifo, Mode::from_raw_mode(0o600), 0) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        // A file system without FIFOs: requests wait for the next round.
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::INVAL) => Ok(()),
        Err(error) => Err(Error::file("create", doorbell)(error.into())),
    }
}

/// The end of the FIFO that hears; it becomes readable when somebody asks.
pub(crate) fn listen(directory: &Path) -> Option<OwnedFd> {
    // Open for writing too, so that it never ends.
    open(directory, OFlags::RDWR)
}

fn ring(directory: &Path) -> bool {
    // Nobody has it open for reading: that fails, rather than wait.
    open(directory, OFlags::WRONLY).is_some_and(|bell| match File::from(bell).write(b"!") {
        Ok(_) => true,
        // Full of rings: it is heard.
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    })
}

fn open(directory: &Path, access: OFlags) -> Option<OwnedFd> {
    let path = doorbell(directory);
    fs::symlink_metadata(&path).ok().filter(|metadata| metadata.file_type().is_fifo())?;
    rustix::fs::open(path, access | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()
}

fn folder(directory: &Path) -> PathBuf {
    directory.join("requests")
}

fn doorbell(directory: &Path) -> PathBuf {
    folder(directory).join("doorbell")
}

/// Names of jobs are words of letters, digits, `-` and `_`, with a space between.
fn request(directory: &Path, job: &str) -> PathBuf {
    folder(directory).join(job.replace('/', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stays_is_woken_and_requests_last() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!is_asked(folder.path(), "backup a"));
        assert_eq!(ask(folder.path(), "backup a").expect("asked"), Heard::Later);
        let bell = listen(folder.path()).expect("a bell");
        assert_eq!(rustix::io::read(&bell, &mut [0_u8; 8]), Err(Errno::AGAIN));
        assert_eq!(ask(folder.path(), "backup a").expect("asked"), Heard::AtOnce);
        assert_eq!(rustix::io::read(&bell, &mut [0_u8; 8]), Ok(1));
        // However often somebody asks.
        (0..70_000).for_each(|_| assert!(ring(folder.path())));
        drop(bell);
        assert!(is_asked(folder.path(), "backup a") && !is_asked(folder.path(), "backup b"));
        forget(folder.path(), "backup a");
        assert!(!is_asked(folder.path(), "backup a"));
    }
}
