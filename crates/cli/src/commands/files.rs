//! Files that commands read and write beside the repository: exported keys, dumps.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use crate::Failure;

/// Exported keys and secrets are below 1 KiB.
const MOST_SMALL_BYTES: u64 = 64 << 10;

/// Writes to a file, which survives a power cut from then on, or to standard output.
pub(super) fn write_out(path: Option<&str>, content: &[u8]) -> Result<(), Failure> {
    let Some(path) = path.filter(|path| *path != "-") else {
        return Ok(io::stdout().write_all(content)?);
    };
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::IsADirectory => Failure::command(format_args!("'{path}' must be a file, not a directory")),
        _ => Failure::unforeseen(format_args!("{path}: {error}")),
    };
    let mut file = File::create(path).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    match file.sync_all() {
        // Pipes and devices have nothing to sync.
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Reads a small file, or standard input for `-`.
pub(super) fn read_small(path: &str) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    if path == "-" {
        io::stdin().lock().take(MOST_SMALL_BYTES).read_to_end(&mut content)?;
        return Ok(content);
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::command(format_args!("input file does not exist: {path}")),
        _ => Failure::unforeseen(format_args!("{path}: {error}")),
    };
    let file = File::open(path).map_err(failed)?;
    file.take(MOST_SMALL_BYTES).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}
