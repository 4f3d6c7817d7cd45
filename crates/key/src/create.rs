//! New keys for `init`, and new passphrases for existing keys.

use nanoprobe_repository::Repository;

use crate::{
    Directories, Error, Key, Mode, Passphrase, PassphraseSource, RelatedSecrets, Target, durable, key_blob, key_file,
    mode::Storage, secrets::Secrets,
};

impl Key {
    /// Makes and stores a new key, durably, before it is used. `key_file_name` comes from [`key_file::name`] and is used
    /// in the keyfile modes without `BORG_KEY_FILE`; an existing file is never overwritten.
    pub fn create(
        mode: Mode,
        repository: &dyn Repository,
        key_file_name: &str,
        directories: &Directories,
        passphrases: &mut dyn PassphraseSource,
    ) -> Result<Self, Error> {
        Self::create_related(mode, None, repository, key_file_name, directories, passphrases)
    }

    /// The same with id key and chunk seed of a related repository, if there is one.
    pub fn create_related(
        mode: Mode,
        related: Option<&RelatedSecrets>,
        repository: &dyn Repository,
        key_file_name: &str,
        directories: &Directories,
        passphrases: &mut dyn PassphraseSource,
    ) -> Result<Self, Error> {
        nanoprobe_crypto::self_test()?;
        if mode.storage() == Storage::Nowhere {
            return Ok(Self::plain());
        }
        let passphrase = passphrases.new_passphrase()?;
        let mut secrets = Secrets::random(mode, repository.id())?;
        if let Some(related) = related {
            related.put_into(&mut secrets, mode)?;
        }
        let blob = key_blob::close(&secrets, &passphrase)?;
        let target = if mode.storage() == Storage::KeyFile {
            let path = key_file::create_new(directories, key_file_name)?;
            key_file::write(&path, repository.id(), &blob).inspect_err(|_| drop(durable::remove(&path)))?;
            Target::KeyFile(path)
        } else {
            repository.set_key_blob(blob.as_bytes())?;
            Target::Repository
        };
        Ok(Self::new(mode, secrets, target, is_logically_encrypted(mode, &passphrase), true))
    }

    /// Stores the same secrets under a new passphrase, where they are kept now.
    pub fn change_passphrase(
        &mut self,
        repository: &dyn Repository,
        passphrases: &mut dyn PassphraseSource,
    ) -> Result<(), Error> {
        if self.secrets().is_none() {
            return Err(Error::Unencrypted);
        }
        let passphrase = passphrases.new_passphrase()?;
        self.save(repository, &passphrase)
    }

    /// Stores the same secrets, under the same passphrase, with another opinion of manifests without TAM.
    pub fn store_tam_required(
        &mut self,
        required: bool,
        repository: &dyn Repository,
        passphrase: &Passphrase,
    ) -> Result<(), Error> {
        self.set_tam_required(required);
        self.save(repository, passphrase)
    }

    fn save(&mut self, repository: &dyn Repository, passphrase: &Passphrase) -> Result<(), Error> {
        let secrets = self.secrets().ok_or(Error::Unencrypted)?;
        let blob = key_blob::close(secrets, passphrase)?;
        match self.target() {
            Target::Nowhere => return Err(Error::Unencrypted),
            Target::Repository => repository.set_key_blob(blob.as_bytes())?,
            Target::KeyFile(path) => key_file::write(path, secrets.repository_id, &blob)?,
        }
        self.set_logically_encrypted(is_logically_encrypted(self.mode(), passphrase));
        Ok(())
    }
}

/// A key in the repository under a blank passphrase protects nothing.
pub(crate) fn is_logically_encrypted(mode: Mode, passphrase: &Passphrase) -> bool {
    mode.is_encrypted() && (mode.storage() == Storage::KeyFile || !passphrase.is_empty())
}
