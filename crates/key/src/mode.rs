//! The seven modes of `init --encryption` and the byte that each writes in front of its objects.

use nanoprobe_format::envelope::KeyType;

use crate::Error;

/// The seven modes of `init --encryption`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No key at all: ids are plain hashes.
    None,
    /// Data is readable by anybody, ids are keyed.
    Authenticated,
    /// As `Authenticated`, with BLAKE2b.
    AuthenticatedBlake2,
    /// Encrypted; the key stands in the repository's `config`.
    Repokey,
    /// As `Repokey`, with BLAKE2b.
    RepokeyBlake2,
    /// Encrypted; the key stands in a file of the user's.
    Keyfile,
    /// As `Keyfile`, with BLAKE2b.
    KeyfileBlake2,
}

/// Where a mode keeps its key blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// There is no key.
    Nowhere,
    /// In the repository's `config`.
    Repository,
    /// In a key file.
    KeyFile,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Authenticated,
        Self::AuthenticatedBlake2,
        Self::Repokey,
        Self::RepokeyBlake2,
        Self::Keyfile,
        Self::KeyfileBlake2,
    ];

    /// The mode whose `--encryption` name this is.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// The name that `--encryption` takes and that JSON output shows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Authenticated => "authenticated",
            Self::AuthenticatedBlake2 => "authenticated-blake2",
            Self::Repokey => "repokey",
            Self::RepokeyBlake2 => "repokey-blake2",
            Self::Keyfile => "keyfile",
            Self::KeyfileBlake2 => "keyfile-blake2",
        }
    }

    /// Borg's name for people, as `info` shows it.
    pub const fn description(self) -> &'static str {
        match self {
            Self::None => "plaintext",
            Self::Authenticated => "authenticated",
            Self::AuthenticatedBlake2 => "authenticated BLAKE2b",
            Self::Repokey => "repokey",
            Self::RepokeyBlake2 => "repokey BLAKE2b",
            Self::Keyfile => "key file",
            Self::KeyfileBlake2 => "key file BLAKE2b",
        }
    }

    /// The mode that an object, usually the manifest, was sealed in.
    pub fn of_object(object: &[u8]) -> Result<Self, Error> {
        let &byte = object.first().ok_or(Error::EmptyManifest)?;
        Ok(match KeyType::from_byte(byte).ok_or(Error::UnsupportedPayload(byte))? {
            KeyType::None => Self::None,
            KeyType::Authenticated => Self::Authenticated,
            KeyType::AuthenticatedBlake2 => Self::AuthenticatedBlake2,
            KeyType::Repokey | KeyType::Passphrase => Self::Repokey,
            KeyType::RepokeyBlake2 => Self::RepokeyBlake2,
            KeyType::Keyfile => Self::Keyfile,
            KeyType::KeyfileBlake2 => Self::KeyfileBlake2,
        })
    }

    /// The type byte of what this mode writes.
    pub const fn key_type(self) -> KeyType {
        match self {
            Self::None => KeyType::None,
            Self::Authenticated => KeyType::Authenticated,
            Self::AuthenticatedBlake2 => KeyType::AuthenticatedBlake2,
            Self::Repokey => KeyType::Repokey,
            Self::RepokeyBlake2 => KeyType::RepokeyBlake2,
            Self::Keyfile => KeyType::Keyfile,
            Self::KeyfileBlake2 => KeyType::KeyfileBlake2,
        }
    }

    /// Whether objects of this mode may carry `byte`: the mode's own, and for repokey also the long gone passphrase type.
    pub const fn accepts(self, byte: u8) -> bool {
        byte == self.key_type().byte() || (matches!(self, Self::Repokey) && byte == KeyType::Passphrase.byte())
    }

    /// Where the key blob is kept.
    pub const fn storage(self) -> Storage {
        match self {
            Self::None => Storage::Nowhere,
            Self::Keyfile | Self::KeyfileBlake2 => Storage::KeyFile,
            _ => Storage::Repository,
        }
    }

    /// Whether id and MAC are BLAKE2b with keys of 128 bytes, not HMAC-SHA256 with keys of 32.
    pub const fn is_blake2(self) -> bool {
        matches!(self, Self::AuthenticatedBlake2 | Self::RepokeyBlake2 | Self::KeyfileBlake2)
    }

    /// Whether objects are encrypted.
    pub const fn is_encrypted(self) -> bool {
        self.key_type().is_encrypted()
    }
}
