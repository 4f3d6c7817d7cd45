//! Key backups: what `key export` writes to a file or on paper, and what `key import` reads back. No passphrase is needed:
//! a backup holds the key blob as it is stored, still encrypted.
//!
//! On paper the blob stands in lines of 18 bytes in hex, each with its number and a short checksum; the first line tells
//! how many there are, for which repository, and a checksum over all.

use std::fmt::Write;

use nanoprobe_crypto::sha256;
use nanoprobe_format::Id;
use nanoprobe_repository::Repository;

use crate::{Directories, Error, Mode, durable, key_blob, key_file, mode::Storage};

/// Bytes of the blob on one line of paper.
const LINE_BYTES: usize = 18;
/// Hexadecimal digits of the repository id on paper.
const ID_DIGITS: usize = 18;

/// A key blob on its way out of or into a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBackup {
    repository_id: [u8; 32],
    blob: String,
}

impl KeyBackup {
    /// The key of a repository, wherever its mode keeps it.
    pub fn of(repository: &dyn Repository, manifest_object: &[u8], directories: &Directories) -> Result<Self, Error> {
        let bytes = match Mode::of_object(manifest_object)?.storage() {
            Storage::Nowhere => return Err(Error::Unencrypted),
            Storage::Repository => key_blob::of_repository(repository)?,
            Storage::KeyFile => key_file::find(repository, directories)?.blob,
        };
        Ok(Self { repository_id: repository.id(), blob: key_blob::encode(&bytes) })
    }

    /// Reads an exported key file that is for this repository.
    pub fn parse(text: &[u8], repository: &dyn Repository) -> Result<Self, Error> {
        match key_file::parse(text, repository.id()) {
            key_file::Content::Key(bytes) => {
                Ok(Self { repository_id: repository.id(), blob: key_blob::encode(&bytes) })
            }
            key_file::Content::OfAnother => Err(Error::BackupOfAnother),
            key_file::Content::Invalid => Err(Error::NotAKeyBackup),
        }
    }

    /// Stores the key where the repository's mode keeps it, durably, in the place of any that is there.
    pub fn store(
        &self,
        repository: &dyn Repository,
        manifest_object: &[u8],
        directories: &Directories,
        key_file_name: &str,
    ) -> Result<(), Error> {
        match Mode::of_object(manifest_object)?.storage() {
            Storage::Nowhere => Err(Error::Unencrypted),
            Storage::Repository => Ok(repository.set_key_blob(self.blob.as_bytes())?),
            Storage::KeyFile => match (&directories.key_file, key_file::find(repository, directories)) {
                (Some(path), _) => durable::replace(path, self.text().as_bytes()),
                (None, Ok(found)) => durable::replace(&found.path, self.text().as_bytes()),
                (None, Err(_)) => {
                    let path = key_file::create_new(directories, key_file_name)?;
                    durable::replace(&path, self.text().as_bytes()).inspect_err(|_| drop(durable::remove(&path)))
                }
            },
        }
    }

    /// As a key file.
    pub fn text(&self) -> String {
        key_file::text(self.repository_id, &self.blob)
    }

    /// For paper.
    pub fn paper(&self) -> String {
        let bytes = key_blob::decode(self.blob.as_bytes()).unwrap_or_default();
        let lines = bytes.len().div_ceil(LINE_BYTES);
        let id = &Id(self.repository_id).to_string()[..ID_DIGITS];
        let all = checksum(&[&bytes], 12);
        let first = checksum(&[format!("{lines}/{id}/{all}").as_bytes()], 2);
        let mut text = "To restore key use borg key import --paper /path/to/repo\n\nBORG PAPER KEY v1\n".to_owned();
        let _ = writeln!(text, "id: {lines} / {} / {} - {first}", grouped(id), grouped(&all));
        for (number, line) in (1u16..).zip(bytes.chunks(LINE_BYTES)) {
            let _ = writeln!(text, "{number:2}: {} - {}", grouped(&hex(line)), line_checksum(number, line));
        }
        text
    }
}

/// Takes in a key from paper, line by line as it is typed.
#[derive(Debug)]
pub struct PaperKey {
    repository_id: [u8; 32],
    lines: u16,
    checksum: String,
    bytes: Vec<u8>,
    taken: u16,
}

/// Why a typed line is not taken; the same line can be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaperError {
    /// No or several dashes.
    #[error("each line must contain exactly one '-', try again")]
    Dashes,
    /// The first line has three parts.
    #[error("the id line must contain exactly two '/', try again")]
    Slashes,
    /// The first line's checksum, or its count of lines, is wrong.
    #[error("line checksum did not match, try same line again")]
    FirstChecksum,
    /// The paper is another repository's.
    #[error("This key backup seems to be for a different backup repository, aborting.")]
    OfAnother,
    /// Something else than hexadecimal digits, or half a byte; the text tells which.
    #[error("only characters 0-9 and a-f and '-' are valid, try again [{0}]")]
    Digits(&'static str),
    /// A line's checksum is wrong.
    #[error("line checksum did not match, try line {0} again")]
    Checksum(u16),
    /// All lines are right by themselves, but not together: start again.
    #[error("The overall checksum did not match, retry or enter a blank line to abort.")]
    Overall,
}

impl PaperKey {
    /// Takes the line that begins with `id:` (without that).
    pub fn begin(line: &str, repository_id: [u8; 32]) -> Result<Self, PaperError> {
        let (data, sum) = split(line)?;
        let parts: Vec<&str> = data.split('/').collect();
        let [lines, id, all] = parts[..] else {
            return Err(PaperError::Slashes);
        };
        if checksum(&[data.as_bytes()], 2) != sum {
            return Err(PaperError::FirstChecksum);
        }
        let lines = lines.parse().ok().filter(|&lines| lines > 0).ok_or(PaperError::FirstChecksum)?;
        if Id(repository_id).to_string()[..ID_DIGITS] != *id {
            return Err(PaperError::OfAnother);
        }
        Ok(Self { repository_id, lines, checksum: all.to_owned(), bytes: Vec::new(), taken: 0 })
    }

    /// The number of the line that is wanted next.
    pub fn next_line(&self) -> u16 {
        self.taken + 1
    }

    /// Takes one line; gives the key after the last.
    pub fn line(&mut self, line: &str) -> Result<Option<KeyBackup>, PaperError> {
        let (data, sum) = split(line)?;
        let bytes = unhex(&data).map_err(PaperError::Digits)?;
        let number = self.next_line();
        if line_checksum(number, &bytes) != sum {
            return Err(PaperError::Checksum(number));
        }
        self.bytes.extend_from_slice(&bytes);
        self.taken = number;
        if number < self.lines {
            return Ok(None);
        }
        if checksum(&[&self.bytes], 12) != self.checksum {
            return Err(PaperError::Overall);
        }
        Ok(Some(KeyBackup { repository_id: self.repository_id, blob: key_blob::encode(&self.bytes) }))
    }
}

/// What stands before and behind the dash, lower case, without blanks.
fn split(line: &str) -> Result<(String, String), PaperError> {
    let line: String = line.trim_end().chars().filter(|&character| character != ' ').collect();
    let line = line.to_ascii_lowercase();
    match line.split_once('-') {
        Some((data, sum)) if !sum.contains('-') => Ok((data.to_owned(), sum.to_owned())),
        _ => Err(PaperError::Dashes),
    }
}

fn line_checksum(number: u16, line: &[u8]) -> String {
    checksum(&[&number.to_be_bytes(), line], 2)
}

fn checksum(parts: &[&[u8]], digits: usize) -> String {
    let mut text = hex(&sha256(parts));
    text.truncate(digits);
    text
}

/// A blank after every six characters.
fn grouped(text: &str) -> String {
    let mut grouped = String::new();
    for (number, character) in text.chars().enumerate() {
        if number > 0 && number % 6 == 0 {
            grouped.push(' ');
        }
        grouped.push(character);
    }
    grouped
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>, &'static str> {
    const STRAY: &str = "Non-hexadecimal digit found";
    if !text.len().is_multiple_of(2) {
        return Err("Odd-length string");
    }
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(STRAY);
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| STRAY)).collect()
}
