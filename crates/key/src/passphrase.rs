//! Passphrases, and where they come from: the command line implements [`PassphraseSource`].

use std::fmt;

use zeroize::Zeroizing;

use crate::Error;

/// A passphrase; wiped when dropped, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes the UTF-8 bytes of a passphrase over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Whether it is blank, which Borg counts as no encryption in the repokey modes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The secret itself, for the display that a person asked for.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(secret)")
    }
}

/// Where passphrases come from.
pub trait PassphraseSource {
    /// The passphrase given ahead of time: environment, command or file descriptor, in Borg's order. Asked once.
    fn given(&mut self) -> Result<Option<Passphrase>, Error>;
    /// Asks a person for the passphrase of the key that `target` names (key file or location); `attempt` is 1, 2, 3.
    fn ask(&mut self, target: &str, attempt: u32) -> Result<Passphrase, Error>;
    /// The passphrase for a new key or a change, verified; may be blank.
    fn new_passphrase(&mut self) -> Result<Passphrase, Error>;
}
