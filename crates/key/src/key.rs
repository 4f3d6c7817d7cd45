//! An unlocked key: what all its users are derived from.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use nanoprobe_crypto::{Aes256Ctr, hkdf_sha512};
use nanoprobe_format::{Id, envelope::counter_blocks};
use nanoprobe_repository::Repository;
use zeroize::Zeroizing;

use crate::{
    Directories, Error, Mode, Opener, Sealer,
    id_hash::KeyedHash,
    nonces::{LocalNonces, Nonces, RepositoryNonces},
    open::verified_iv,
    secrets::Secrets,
    security::SecurityDirectory,
};

/// Sets the gear table apart from everything else derived from the id key.
const GEAR_LABEL: &[u8] = b"nanoprobe-fastcdc-gear-v1-";

/// An unlocked key.
pub struct Key {
    mode: Mode,
    secrets: Option<Secrets>,
    id_hash: KeyedHash,
    cipher: Option<Cipher>,
    /// The first counter block behind the verified manifest's.
    pub(crate) manifest_end: Option<u64>,
    is_logically_encrypted: bool,
    is_tam_required: bool,
    target: Target,
}

/// Where the key blob is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// There is none.
    Nowhere,
    /// In the repository's `config`.
    Repository,
    /// In this file.
    KeyFile(PathBuf),
}

/// Encryption and MAC of the encrypted modes. Stateless: the counter is an argument.
#[derive(Clone)]
pub(crate) struct Cipher {
    pub(crate) encryption: Aes256Ctr,
    pub(crate) authentication: KeyedHash,
}

impl Key {
    /// The key of mode `none`.
    pub(crate) fn plain() -> Self {
        Self {
            mode: Mode::None,
            secrets: None,
            id_hash: KeyedHash::Plain,
            cipher: None,
            manifest_end: None,
            is_logically_encrypted: false,
            is_tam_required: false,
            target: Target::Nowhere,
        }
    }

    /// The key of another mode; `secrets` fit the mode. `is_tam_required` holds where the secrets do not say.
    pub(crate) fn new(
        mode: Mode,
        secrets: Secrets,
        target: Target,
        is_logically_encrypted: bool,
        is_tam_required: bool,
    ) -> Self {
        let cipher = mode.is_encrypted().then(|| Cipher::of(&secrets));
        Self {
            mode,
            id_hash: KeyedHash::new(&secrets.identification),
            cipher,
            manifest_end: None,
            is_logically_encrypted,
            is_tam_required: secrets.tam_required.unwrap_or(is_tam_required),
            secrets: Some(secrets),
            target,
        }
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Names data.
    pub fn id(&self, data: &[u8]) -> Id {
        Id(self.id_hash.digest(data))
    }

    /// Seed of the buzhash table.
    pub fn chunk_seed(&self) -> u32 {
        self.secrets.as_ref().map_or(0, |secrets| secrets.chunk_seed.cast_unsigned())
    }

    /// Gear table for FastCDC, derived from the id key: keys that name data alike cut it alike. Fixed in mode `none`.
    pub fn gear(&self) -> [u64; 256] {
        let secret = self.secrets.as_ref().map_or(&[][..], |secrets| &secrets.identification[..]);
        let mut gear = [0; 256];
        for (number, words) in gear.chunks_exact_mut(8).enumerate() {
            let mut output = Zeroizing::new([0; 64]);
            hkdf_sha512(secret, &[], &[GEAR_LABEL, &[number as u8]].concat(), &mut output);
            for (word, bytes) in words.iter_mut().zip(output.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
        }
        gear
    }

    /// What reads objects; cheap to clone, one a worker.
    pub fn opener(&self) -> Opener {
        Opener::new(self.mode, self.id_hash.clone(), self.cipher.clone())
    }

    /// What writes objects; clones share its nonces. One a session: two would reserve independently.
    /// Nothing is reserved before the first object is sealed.
    pub fn sealer(&self, repository: Arc<dyn Repository>, directories: &Directories) -> Result<Sealer, Error> {
        let Some(cipher) = self.cipher.clone() else {
            return Ok(Sealer::plain(self.mode.key_type(), self.id_hash.clone()));
        };
        let local = SecurityDirectory::open(directories, &*repository)?.nonce_file();
        let nonces =
            Nonces::new(Box::new(RepositoryNonces(repository)), Box::new(LocalNonces::new(local)), self.manifest_end)?;
        Ok(Sealer::encrypting(self.mode.key_type(), self.id_hash.clone(), cipher, nonces))
    }

    /// Whether a manifest or archive without TAM is refused.
    pub fn is_tam_required(&self) -> bool {
        self.is_tam_required
    }

    /// False without encryption, in the authenticated modes, and for a key in the repository under a blank passphrase.
    pub fn is_logically_encrypted(&self) -> bool {
        self.is_logically_encrypted
    }

    /// Where the key blob is kept.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The key file, in the keyfile modes.
    pub fn file(&self) -> Option<&Path> {
        match &self.target {
            Target::KeyFile(path) => Some(path),
            _ => None,
        }
    }

    pub(crate) fn secrets(&self) -> Option<&Secrets> {
        self.secrets.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn id_hash(&self) -> &KeyedHash {
        &self.id_hash
    }

    #[cfg(test)]
    pub(crate) fn cipher(&self) -> Option<&Cipher> {
        self.cipher.as_ref()
    }

    pub(crate) fn set_logically_encrypted(&mut self, value: bool) {
        self.is_logically_encrypted = value;
    }

    pub(crate) fn set_tam_required(&mut self, required: bool) {
        self.is_tam_required = required;
        if let Some(secrets) = &mut self.secrets {
            secrets.tam_required = Some(required);
        }
    }

    /// Counts an object's counter blocks, and all before them, as used, if its MAC proves that a holder of the key wrote it:
    /// the manifest's, or, where that is lost, those of every object.
    pub fn note_object(&mut self, object: &[u8]) {
        let iv = self.cipher.as_ref().and_then(|cipher| verified_iv(cipher, object));
        // The envelope counts as blocks too: an upper bound, as Borg's.
        let end = iv.map(|iv| iv.saturating_add(counter_blocks(object.len())));
        self.manifest_end = self.manifest_end.max(end);
    }
}

impl Cipher {
    /// The length of the authentication key tells the hash.
    pub(crate) fn of(secrets: &Secrets) -> Self {
        Self {
            encryption: Aes256Ctr::new(&secrets.encryption),
            authentication: KeyedHash::new(&secrets.authentication),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("mode", &self.mode).field("target", &self.target).finish_non_exhaustive()
    }
}
