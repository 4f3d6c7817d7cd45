//! From a repository's manifest object to an unlocked key.

use nanoprobe_repository::Repository;

use crate::{
    Directories, Error, Key, Mode, Passphrase, PassphraseSource, Target, create::is_logically_encrypted, key_blob,
    key_file, mode::Storage, secrets::Secrets, security::SecurityDirectory,
};

/// How often a person may try.
const MOST_ATTEMPTS: u32 = 3;

impl Key {
    /// Finds the key by the type byte of the manifest's stored object and opens it with a passphrase: the one given ahead of
    /// time, which has to fit; else a blank one, and when that does not fit, up to three that a person is asked for.
    ///
    /// `manifest_object` may be another object where the manifest is lost (repair).
    pub fn unlock(
        repository: &dyn Repository,
        manifest_object: &[u8],
        directories: &Directories,
        passphrases: &mut dyn PassphraseSource,
    ) -> Result<Self, Error> {
        Ok(Self::unlock_with_passphrase(repository, manifest_object, directories, passphrases)?.0)
    }

    /// The same; gives the passphrase too, for [`Key::store_tam_required`].
    pub fn unlock_with_passphrase(
        repository: &dyn Repository,
        manifest_object: &[u8],
        directories: &Directories,
        passphrases: &mut dyn PassphraseSource,
    ) -> Result<(Self, Passphrase), Error> {
        nanoprobe_crypto::self_test()?;
        let mode = Mode::of_object(manifest_object)?;
        let (blob, target, name) = match mode.storage() {
            Storage::Nowhere => return Ok((Self::plain(), Passphrase::new(Vec::new()))),
            Storage::Repository => {
                (key_blob::of_repository(repository)?, Target::Repository, repository.location().to_owned())
            }
            Storage::KeyFile => {
                let found = key_file::find(repository, directories)?;
                let name = found.path.display().to_string();
                (found.blob, Target::KeyFile(found.path), name)
            }
        };
        let (secrets, passphrase) = open_blob(&blob, &name, passphrases)?;
        if !secrets.fit(mode) {
            return Err(Error::KeyInvalid { location: repository.location().to_owned(), place: name });
        }
        let is_tam_required = SecurityDirectory::open(directories, repository)?.is_tam_required();
        let mut key = Self::new(mode, secrets, target, is_logically_encrypted(mode, &passphrase), is_tam_required);
        key.note_object(manifest_object);
        Ok((key, passphrase))
    }
}

fn open_blob(blob: &[u8], name: &str, passphrases: &mut dyn PassphraseSource) -> Result<(Secrets, Passphrase), Error> {
    if let Some(passphrase) = passphrases.given()? {
        let secrets = key_blob::open(blob, &passphrase)?.ok_or(Error::PassphraseWrong)?;
        return Ok((secrets, passphrase));
    }
    let blank = Passphrase::new(Vec::new());
    if let Some(secrets) = key_blob::open(blob, &blank)? {
        return Ok((secrets, blank));
    }
    for attempt in 1..=MOST_ATTEMPTS {
        let passphrase = passphrases.ask(name, attempt)?;
        if let Some(secrets) = key_blob::open(blob, &passphrase)? {
            return Ok((secrets, passphrase));
        }
    }
    Err(Error::PassphraseRetriesExceeded)
}
