//! A regular file on its way to the disk.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{fs::SeekFrom, io::Errno};

/// What to do with a chunk of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zeros {
    /// Leave a hole (`--sparse`).
    Skip,
    /// Write them.
    Write,
}

/// An empty file that was just made.
#[derive(Debug)]
pub(super) struct NewFile {
    descriptor: OwnedFd,
    /// Owner and group it was made with.
    pub(super) owner: (u32, u32),
    bytes: u64,
    ends_in_hole: bool,
}

impl NewFile {
    pub(super) fn new(descriptor: OwnedFd, owner: (u32, u32)) -> Self {
        Self { descriptor, owner, bytes: 0, ends_in_hole: false }
    }

    /// Appends a chunk.
    pub(super) fn write(&mut self, data: &[u8], zeros: Zeros) -> Result<(), Errno> {
        self.bytes += data.len() as u64;
        self.ends_in_hole = zeros == Zeros::Skip && is_zero(data);
        if self.ends_in_hole {
            return rustix::fs::seek(&self.descriptor, SeekFrom::Start(self.bytes)).map(drop);
        }
        let mut rest = data;
        while !rest.is_empty() {
            match rustix::io::write(&self.descriptor, rest) {
                Ok(0) => return Err(Errno::IO),
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Gives a last hole its length.
    pub(super) fn finish(&self) -> Result<(), Errno> {
        if self.ends_in_hole { rustix::fs::ftruncate(&self.descriptor, self.bytes) } else { Ok(()) }
    }
}

impl AsFd for NewFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Looks at the ends first: data that is not zero shows early.
fn is_zero(data: &[u8]) -> bool {
    data.first().is_none_or(|&byte| byte == 0)
        && data.chunks(64).all(|part| part.iter().fold(0, |all, &byte| all | byte) == 0)
}
