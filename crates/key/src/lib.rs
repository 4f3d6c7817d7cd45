//! The only crate that sees secrets: id hash, seal and open, key files, passphrases, nonces, authentication.
//!
//! `init` makes a [`Key`] with [`Key::create`], everything else gets one by [`Key::unlock`]. From it come the [`Opener`]
//! (one a worker) and the [`Sealer`] (one a session, cloned for workers); the two share no state, and the sealer has no way to
//! decrypt. [`SecurityDirectory`] remembers repositories on the client. [`recommend`] says which modes suit a machine.
#![forbid(unsafe_code)]

mod backup;
mod create;
pub mod durable;
mod error;
mod id_hash;
mod key;
mod key_blob;
pub mod key_file;
mod mode;
pub mod nonces;
mod open;
mod passphrase;
mod passphrase_mode;
pub mod recommend;
mod related;
mod seal;
mod secrets;
mod security;
mod tam;
mod unlock;

#[cfg(test)]
mod tests;

pub use backup::{KeyBackup, PaperError, PaperKey};
pub use error::{Error, IntegrityError, Name};
pub use key::{Key, Target};
pub use key_blob::{ITERATIONS, MOST_ITERATIONS};
pub use mode::{Mode, Storage};
pub use open::{Batch, MOST_PLAIN_BYTES, Opener, Opening};
pub use passphrase::{Passphrase, PassphraseSource};
pub use passphrase_mode::migrate_to_repokey;
pub use related::{RelatedSecrets, RelatedSecretsError};
pub use seal::Sealer;
pub use security::{AccessQuestions, RepositoryAge, SecurityDirectory};
pub use tam::TamContext;

/// Room in front of every object: type, MAC, IV for encrypted modes.
pub const ENVELOPE_BYTES: usize = nanoprobe_format::envelope::ENCRYPTED_BYTES;

/// Where keys and security data live (Borg's `BORG_*_DIR` rules are applied by the command line).
#[derive(Clone, Debug)]
pub struct Directories {
    /// Key files.
    pub keys: std::path::PathBuf,
    /// One directory a repository id.
    pub security: std::path::PathBuf,
    /// `BORG_KEY_FILE`, absolute.
    pub key_file: Option<std::path::PathBuf>,
}
