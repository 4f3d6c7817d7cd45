//! The security directory: what this client remembers of a repository, so that nobody swaps, moves or rewinds it unseen.
//!
//! `<security>/<id>/` holds, as text without a line end: `key-type` (the type byte in decimal), `location` (canonical),
//! `manifest-timestamp`, `nonce` (see [`crate::nonces`]), and `tam_required`, which is empty. Borg reads and writes the same.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nanoprobe_format::Id;
use nanoprobe_repository::Repository;

use crate::{Directories, Error, Key, Mode, durable};

/// What a person has to decide; the command line implements it, with Borg's environment variables.
pub trait AccessQuestions {
    /// The repository is not encrypted and was never seen: go on (`BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK`)?
    fn unknown_unencrypted(&mut self) -> bool;
    /// The repository was at `previous` and is at `location`: go on (`BORG_RELOCATED_REPO_ACCESS_IS_OK`)?
    fn relocated(&mut self, location: &str, previous: &str) -> bool;
    /// What the checks read, for who debugs them.
    fn noticed(&mut self, _what: &str) {}
}

/// Whether the repository is being initialised, so that it is unknown for a good reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepositoryAge {
    /// Being initialised.
    New,
    /// Anything else.
    Existing,
}

/// What this client remembers of one repository.
#[derive(Debug)]
pub struct SecurityDirectory {
    path: PathBuf,
    location: String,
    /// Where the location is remembered a second time.
    second: Option<PathBuf>,
}

impl SecurityDirectory {
    /// Opens the directory of a repository, creating it where it is new.
    pub fn open(directories: &Directories, repository: &dyn Repository) -> Result<Self, Error> {
        let path = directories.security.join(Id(repository.id()).to_string());
        durable::create_directory(&path)?;
        Ok(Self { path, location: repository.location().to_owned(), second: None })
    }

    /// Remembers the location in `file` too, which a cache holds. As with Borg's cache, a repository that is where either
    /// says did not move: older programs tell only one of them when somebody has agreed to a move.
    pub fn with_second_location(self, file: PathBuf) -> Self {
        Self { second: Some(file), ..self }
    }

    /// Compares the repository with what is remembered; asks, refuses, and remembers a repository that is new here.
    /// `manifest_timestamp` is that of the verified manifest.
    pub fn assert_secure(
        &self,
        key: &Key,
        manifest_timestamp: &str,
        age: RepositoryAge,
        questions: &mut dyn AccessQuestions,
    ) -> Result<(), Error> {
        if !key.is_logically_encrypted() && !self.is_known() {
            if age == RepositoryAge::Existing && !questions.unknown_unencrypted() {
                return Err(Error::UnknownUnencryptedRefused);
            }
            self.save(key, manifest_timestamp)?;
        }
        self.assert_location(questions)?;
        if self.is_known() && self.read("key-type")?.as_deref() != Some(type_text(key).as_bytes()) {
            return Err(Error::EncryptionMethodChanged);
        }
        self.assert_no_replay(key, manifest_timestamp)?;
        if !self.is_known() {
            self.save(key, manifest_timestamp)?;
        }
        if let Some(file) = self.second.as_ref().filter(|_| !self.is_where_second_says()) {
            // Where it cannot be kept, the first place decides alone.
            let _ = durable::replace(file, self.location.as_bytes());
        }
        Ok(())
    }

    /// Remembers the repository as it is now: to be called after every commit of a manifest.
    pub fn save(&self, key: &Key, manifest_timestamp: &str) -> Result<(), Error> {
        self.write("location", self.location.as_bytes())?;
        self.write("key-type", type_text(key).as_bytes())?;
        self.write("manifest-timestamp", manifest_timestamp.as_bytes())
    }

    /// Whether a manifest without TAM is refused, for keys that do not say themselves.
    pub fn is_tam_required(&self) -> bool {
        self.file("tam_required").is_file()
    }

    /// Follows a verified manifest's `tam_required`.
    pub fn set_tam_required(&self, required: bool) -> Result<(), Error> {
        match (required, self.is_tam_required()) {
            (true, false) => self.write("tam_required", b""),
            (false, true) => durable::remove(&self.file("tam_required")),
            _ => Ok(()),
        }
    }

    /// Forgets everything about the repository, when it is deleted.
    pub fn destroy(self) -> Result<(), Error> {
        fs::remove_dir_all(&self.path).map_err(Error::file(&self.path))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The local nonce file.
    pub(crate) fn nonce_file(&self) -> PathBuf {
        self.file("nonce")
    }

    fn is_known(&self) -> bool {
        ["key-type", "location", "manifest-timestamp"].iter().all(|name| self.file(name).exists())
    }

    fn assert_location(&self, questions: &mut dyn AccessQuestions) -> Result<(), Error> {
        let Some(previous) = self.read("location")?.filter(|previous| !previous.is_empty()) else {
            return Ok(());
        };
        let shown = String::from_utf8_lossy(&previous);
        questions.noticed(&format!("security: read previous location '{shown}'"));
        if previous == self.location.as_bytes() {
            return Ok(());
        }
        if self.is_where_second_says() {
            questions.noticed(&format!("security: using previous_location of cache: '{}'", self.location));
            return self.write("location", self.location.as_bytes());
        }
        if !questions.relocated(&self.location, &shown) {
            return Err(Error::RelocationRefused);
        }
        self.write("location", self.location.as_bytes())
    }

    /// A second place that cannot be read says nothing.
    fn is_where_second_says(&self) -> bool {
        self.second.as_ref().and_then(|file| fs::read(file).ok()).is_some_and(|text| text == self.location.as_bytes())
    }

    /// Timestamps compare as text.
    fn assert_no_replay(&self, key: &Key, manifest_timestamp: &str) -> Result<(), Error> {
        match self.read("manifest-timestamp")? {
            Some(newest) if newest.as_slice() > manifest_timestamp.as_bytes() => Err(match key.mode() {
                Mode::None => Error::RepositoryIdNotUnique,
                _ => Error::RepositoryReplay,
            }),
            _ => Ok(()),
        }
    }

    /// A file that is there but cannot be read is an error: a check that cannot be made was not passed.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.file(name);
        match fs::read(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&path)(error)),
        }
    }

    fn write(&self, name: &str, text: &[u8]) -> Result<(), Error> {
        durable::replace(&self.file(name), text)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn type_text(key: &Key) -> String {
    key.mode().key_type().byte().to_string()
}
