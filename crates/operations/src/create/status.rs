//! What the system says about a file, in one form whether the kernel knows `statx` or not.

use std::{
    ffi::CStr,
    os::fd::{AsFd, BorrowedFd},
};

use rustix::{
    fs::{self, AtFlags, FileType, Statx, StatxAttributes, StatxFlags},
    io::Errno,
};

/// BSD's numbers for the flags that Borg stores.
pub(super) const NODUMP: u64 = 0x1;
const IMMUTABLE: u64 = 0x2;
const APPEND: u64 = 0x4;

/// Borg stores no time before 1970 and none after this (two days before the end of 32-bit time), in ns.
const LATEST: i64 = ((1 << 31) - 1 - 48 * 3600) * 1_000_000_000;

/// A file's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub device: u64,
    pub inode: u64,
    /// Type and permissions.
    pub mode: u32,
    pub links: u64,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u64,
    pub size: u64,
    /// Times in ns, within Borg's limits.
    pub atime: i64,
    pub mtime: i64,
    pub ctime: i64,
    /// Flags in BSD numbering, where the kernel told them along.
    pub flags: Option<u64>,
}

/// Whether a symbolic link itself is meant or what it points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    Themselves,
    Followed,
}

impl Status {
    /// Of `name` in `directory`.
    pub(super) fn at(directory: BorrowedFd<'_>, name: &CStr, links: Links) -> Result<Self, Errno> {
        let flags = if links == Links::Themselves { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
        match fs::statx(directory, name, flags, StatxFlags::BASIC_STATS) {
            Ok(status) => Ok(Self::from_statx(&status)),
            Err(Errno::NOSYS) => fs::statat(directory, name, flags).map(|status| Self::from_stat(&status)),
            Err(error) => Err(error),
        }
    }

    /// Of an open file.
    pub(super) fn of(file: impl AsFd) -> Result<Self, Errno> {
        match fs::statx(&file, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS) {
            Ok(status) => Ok(Self::from_statx(&status)),
            Err(Errno::NOSYS) => fs::fstat(&file).map(|status| Self::from_stat(&status)),
            Err(error) => Err(error),
        }
    }

    /// The file type.
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode as _)
    }

    /// Block and character devices and FIFOs: what `--read-special` reads like files.
    pub(super) fn is_special(&self) -> bool {
        matches!(self.kind(), FileType::BlockDevice | FileType::CharacterDevice | FileType::Fifo)
    }

    fn from_statx(status: &Statx) -> Self {
        let time = |time: fs::StatxTimestamp| nanoseconds(time.tv_sec, i64::from(time.tv_nsec));
        let known = [
            (StatxAttributes::NODUMP, NODUMP),
            (StatxAttributes::IMMUTABLE, IMMUTABLE),
            (StatxAttributes::APPEND, APPEND),
        ];
        let all = known.iter().all(|(attribute, _)| status.stx_attributes_mask.contains(*attribute));
        let flags = known.iter().filter(|(attribute, _)| status.stx_attributes.contains(*attribute));
        Self {
            device: fs::makedev(status.stx_dev_major, status.stx_dev_minor),
            inode: status.stx_ino,
            mode: u32::from(status.stx_mode),
            links: u64::from(status.stx_nlink),
            uid: status.stx_uid,
            gid: status.stx_gid,
            rdev: fs::makedev(status.stx_rdev_major, status.stx_rdev_minor),
            size: status.stx_size,
            atime: time(status.stx_atime),
            mtime: time(status.stx_mtime),
            ctime: time(status.stx_ctime),
            flags: all.then(|| flags.map(|(_, flag)| flag).sum()),
        }
    }

    #[allow(clippy::unnecessary_cast)] // the fields' widths differ between architectures
    fn from_stat(status: &fs::Stat) -> Self {
        Self {
            device: status.st_dev as u64,
            inode: status.st_ino as u64,
            mode: status.st_mode as u32,
            links: status.st_nlink as u64,
            uid: status.st_uid,
            gid: status.st_gid,
            rdev: status.st_rdev as u64,
            size: status.st_size as u64,
            atime: nanoseconds(status.st_atime as i64, status.st_atime_nsec as i64),
            mtime: nanoseconds(status.st_mtime as i64, status.st_mtime_nsec as i64),
            ctime: nanoseconds(status.st_ctime as i64, status.st_ctime_nsec as i64),
            flags: None,
        }
    }
}

/// Flags of an open file, for file systems that do not tell them with the status; zero where there are none.
pub(super) fn flags_of(file: impl AsFd) -> u64 {
    let Ok(flags) = fs::ioctl_getflags(file) else { return 0 };
    let known = [(fs::IFlags::NODUMP, NODUMP), (fs::IFlags::IMMUTABLE, IMMUTABLE), (fs::IFlags::APPEND, APPEND)];
    known.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, number)| number).sum()
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds).clamp(0, LATEST)
}
