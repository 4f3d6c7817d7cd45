//! Replacing a small file atomically and durably.

use std::io;
use std::path::{Path, PathBuf};

use crate::fs::{FileSystem, remove_if_present, write_all};

/// Writes `bytes` beside `path`, makes them durable, renames, and makes the name durable.
pub(crate) fn save(fs: &dyn FileSystem, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let temporary = temporary_path(path, '-')?;
    let written = (|| {
        let file = fs.create(&temporary)?;
        write_all(&*file, bytes, 0)?;
        file.sync()?;
        fs.rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = remove_if_present(fs, &temporary); // the failure itself is what counts
        return written;
    }
    fs.sync_directory(directory)
}

/// `<path><separator><random>.tmp`: Borg's form of temporary names.
pub(crate) fn temporary_path(path: &Path, separator: char) -> io::Result<PathBuf> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut random = [0; 8];
    getrandom::fill(&mut random)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    let random: String = random.iter().map(|&byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect();
    name.push(format!("{separator}{random}.tmp"));
    Ok(path.with_file_name(name))
}
