//! How fast the disk takes a file, durably, and gives it back: a bounded file without any pattern, in order.
//!
//! What is read must come from the disk: the file is opened past the page cache where the file system can do that; where it
//! cannot, the kernel is asked to forget the file, and the report says that it may not have.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::fs::{Advice, Mode, OFlags, fadvise, fstatfs, open};
use serde::{Deserialize, Serialize};

use crate::inputs::{NOISE_BYTES, noise};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Storage {
    /// Where.
    pub path: PathBuf,
    /// The kind of file system, where it says something about speed.
    pub kind: Option<String>,
    /// The file's size.
    pub bytes: u64,
    /// Writing with `fsync`, in megabytes a second.
    pub write: f64,
    /// Reading, in megabytes a second.
    pub read: f64,
    /// Whether reading may have come from memory.
    pub cached: bool,
}

/// Measures below the directory `path`: at most `most_bytes`, or what is written in `time`.
pub fn measure(path: &Path, most_bytes: u64, time: Duration) -> io::Result<Storage> {
    let file = Scratch::create(path)?;
    let begun = Instant::now();
    let mut bytes = 0;
    while bytes < most_bytes && begun.elapsed() < time {
        // Other bytes each time, at no page's border, so that nothing is deduplicated on its way.
        let start = (bytes / PIECE as u64) as usize * (PAGE + 3) % (NOISE_BYTES - PIECE);
        (&file.file).write_all(&noise(NOISE_BYTES)[start..start + PIECE])?;
        bytes += PIECE as u64;
    }
    file.file.sync_all()?;
    let write = begun.elapsed();

    let _ = fadvise(&file.file, 0, None, Advice::DontNeed); // advice only
    let (reader, cached) = match open(&file.path, OFlags::RDONLY | OFlags::DIRECT, Mode::empty()) {
        Ok(direct) => (File::from(direct), false),
        Err(_) => (File::open(&file.path)?, true),
    };
    let begun = Instant::now();
    let read_bytes = read_all(reader)?;
    let rate = |bytes: u64, time: Duration| bytes as f64 / 1e6 / time.as_secs_f64().max(1e-9);
    let read = rate(read_bytes, begun.elapsed());
    let kind = kind(&file.file);
    Ok(Storage { path: path.to_owned(), kind, bytes, write: rate(bytes, write), read, cached })
}

const PIECE: usize = 1 << 20;
const PAGE: usize = 4096;

/// Into memory that begins at a page, as reading past the cache wants it.
fn read_all(mut reader: File) -> io::Result<u64> {
    let mut buffer = vec![0; PIECE + PAGE];
    let start = buffer.as_ptr().align_offset(PAGE);
    let room = &mut buffer[start..start + PIECE];
    let mut sum = 0;
    loop {
        match reader.read(room)? {
            0 => return Ok(sum),
            bytes => sum += bytes as u64,
        }
    }
}

/// File systems whose speed is not a disk's, by the kernel's magic numbers (`linux/magic.h`).
fn kind(file: &File) -> Option<String> {
    let name = match fstatfs(file).ok()?.f_type as u64 & 0xffff_ffff {
        0x0102_1994 => "tmpfs: memory, no disk",
        0x8584_58f6 => "ramfs: memory, no disk",
        0x794c_7630 => "overlay",
        0x6969 => "NFS",
        0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x6573_5546 => "FUSE",
        _ => return None,
    };
    Some(name.to_owned())
}

/// A file that is removed again.
struct Scratch {
    file: File,
    path: PathBuf,
}

impl Scratch {
    fn create(directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!(".nanoprobe-bench-{}", std::process::id()));
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // nobody is left to hear about it
    }
}
