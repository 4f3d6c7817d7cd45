//! Sources that are not what they were: gone, or empty where a disk should be mounted.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{configuration::Backup, state::Record};

/// Why the sources are not to be backed up as they are.
pub(super) fn missing(backup: &Backup, record: &Record) -> Option<String> {
    for source in &backup.sources {
        match has_files(source) {
            Err(error) => return Some(format!("source {}: {error}", source.display())),
            Ok(false) if !backup.allow_empty && record.sources_with_files.contains(source) => {
                return Some(format!(
                    "source {} is empty and was not before: is its disk mounted? (allow_empty = true if it is right)",
                    source.display()
                ));
            }
            Ok(_) => {}
        }
    }
    None
}

/// Those that are not empty.
pub(crate) fn with_files(sources: &[PathBuf]) -> Vec<PathBuf> {
    sources.iter().filter(|source| has_files(source).unwrap_or(false)).cloned().collect()
}

fn has_files(source: &Path) -> std::io::Result<bool> {
    if !fs::metadata(source)?.is_dir() {
        return Ok(true);
    }
    // What mkfs leaves behind is no file of anybody.
    let mut entries = fs::read_dir(source)?.filter_map(Result::ok);
    Ok(entries.any(|entry| entry.file_name() != "lost+found"))
}
