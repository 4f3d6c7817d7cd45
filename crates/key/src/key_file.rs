//! Key files: `BORG_KEY <repository id in hex>`, then the key blob. One directory holds those of all repositories, and a
//! file's name means nothing: the first line tells whose key it is.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use nanoprobe_format::Id;
use nanoprobe_repository::Repository;

use crate::{Directories, Error, durable, key_blob};

const FIRST_WORD: &str = "BORG_KEY ";

/// Longest name that a key file gets from its repository's location, in characters.
const MOST_NAME_CHARACTERS: usize = 100;

/// The name Borg gives to the key file of a repository at `path` (as typed) on `host`.
pub fn name(host: Option<&str>, path: &str) -> String {
    let word = |character: char| if character.is_alphanumeric() { character } else { '_' };
    let path: String = path.chars().map(word).collect();
    let path = path.trim_matches('_');
    match host {
        Some(host) => {
            host.chars().map(word).chain("__".chars()).chain(path.chars()).take(MOST_NAME_CHARACTERS).collect()
        }
        None => path.chars().take(MOST_NAME_CHARACTERS).collect(),
    }
}

/// A key file that was found: its path, and the key blob undone from base64.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) blob: Vec<u8>,
}

/// Finds the key file of a repository: the one that `BORG_KEY_FILE` names, else whichever in the keys directory fits.
pub(crate) fn find(repository: &dyn Repository, directories: &Directories) -> Result<Found, Error> {
    let location = || repository.location().to_owned();
    if let Some(path) = &directories.key_file {
        return match read(path, repository.id()).map_err(Error::file(path))? {
            Content::Key(blob) => Ok(Found { path: path.clone(), blob }),
            Content::OfAnother => Err(Error::KeyFileMismatch { location: location(), path: path.clone() }),
            Content::Invalid => Err(Error::KeyInvalid { location: location(), place: path.display().to_string() }),
        };
    }
    let not_found = || Error::KeyFileNotFound { location: location(), directory: directories.keys.clone() };
    let Ok(entries) = directories.keys.read_dir() else {
        return Err(not_found());
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    // Directories and files of others that cannot be read are not the one.
    let found = paths.into_iter().find_map(|path| match read(&path, repository.id()) {
        Ok(Content::Key(blob)) => Some(Found { path, blob }),
        _ => None,
    });
    found.ok_or_else(not_found)
}

/// Takes the name of a new key file: an empty file that nobody else will take for its own.
pub(crate) fn create_new(directories: &Directories, name: &str) -> Result<PathBuf, Error> {
    if let Some(path) = &directories.key_file {
        return match durable::reserve_name(path) {
            Ok(()) => Ok(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Error::KeyFileExists(path.clone())),
            Err(error) => Err(Error::file(path)(error)),
        };
    }
    durable::create_directory(&directories.keys)?;
    let mut number = 1u32;
    loop {
        let file = if number == 1 { name.to_owned() } else { format!("{name}.{number}") };
        let path = directories.keys.join(file);
        match durable::reserve_name(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::file(&path)(error)),
        }
    }
}

/// Writes a key file, durably.
pub(crate) fn write(path: &Path, repository_id: [u8; 32], blob: &str) -> Result<(), Error> {
    durable::replace(path, text(repository_id, blob).as_bytes())
}

/// What a key file holds; `key export` gives the same out.
pub(crate) fn text(repository_id: [u8; 32], blob: &str) -> String {
    format!("{FIRST_WORD}{}\n{}\n", Id(repository_id), blob.trim_end_matches('\n'))
}

/// What a file in the keys directory may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The key of this repository.
    Key(Vec<u8>),
    /// The key of another one.
    OfAnother,
    /// No key, or a damaged one.
    Invalid,
}

fn read(path: &Path, repository_id: [u8; 32]) -> io::Result<Content> {
    let mut text = Vec::new();
    File::open(path)?.take(key_blob::MOST_TEXT_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(parse(&text, repository_id))
}

/// Borg's checks: first word, id, nothing more on the first line, base64 behind it.
pub(crate) fn parse(text: &[u8], repository_id: [u8; 32]) -> Content {
    let Some(rest) = text.strip_prefix(FIRST_WORD.as_bytes()) else {
        return Content::Invalid;
    };
    let Some(rest) = rest.strip_prefix(Id(repository_id).to_string().as_bytes()) else {
        return Content::OfAnother;
    };
    let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
        return Content::Invalid;
    };
    if !rest[..end].trim_ascii_end().is_empty() {
        return Content::Invalid;
    }
    key_blob::decode(&rest[end..]).map_or(Content::Invalid, Content::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_borgs() {
        assert_eq!(name(None, "sub/repo.x"), "sub_repo_x");
        assert_eq!(name(None, "/tmp/ktest/abs"), "tmp_ktest_abs");
        assert_eq!(name(Some("backup.example"), "/./Sicherung/für mich"), "backup_example__Sicherung_für_mich");
        assert_eq!(name(Some("::1"), "~/repo"), "__1__repo");
        assert_eq!(name(None, &"ü".repeat(300)).chars().count(), 100);
    }

    #[test]
    fn an_existing_key_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let mut directories =
            Directories { keys: directory.path().join("keys"), security: directory.path().into(), key_file: None };
        let names: Vec<PathBuf> = (0..3).map(|_| create_new(&directories, "repo").unwrap()).collect();
        let names: Vec<&str> = names.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["repo", "repo.2", "repo.3"]);
        directories.key_file = Some(directories.keys.join("repo"));
        assert!(matches!(create_new(&directories, "repo"), Err(Error::KeyFileExists(_))));
    }

    #[test]
    fn whose_key_a_file_is() {
        let blob = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=";
        let own = text([0xab; 32], blob);
        assert_eq!(parse(own.as_bytes(), [0xab; 32]), Content::Key(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ".to_vec()));
        assert_eq!(parse(own.replace('\n', "\r\n").as_bytes(), [0xab; 32]), parse(own.as_bytes(), [0xab; 32]));
        assert_eq!(parse(own.as_bytes(), [0xac; 32]), Content::OfAnother);
        assert_eq!(parse(own.replace("ab\n", "abc\n").as_bytes(), [0xab; 32]), Content::Invalid);
        assert_eq!(parse(own.trim_end().replace(blob, "").as_bytes(), [0xab; 32]), Content::Invalid);
        assert_eq!(parse(b"", [0xab; 32]), Content::Invalid);
        assert_eq!(parse(b"ssh-ed25519 AAAA", [0xab; 32]), Content::Invalid);
    }
}
