//! Keyed hashes of the modes: the id of data, and the MAC over IV and ciphertext. Both have the same three shapes.

use nanoprobe_crypto::{HmacSha256, PrefixedBlake2b, sha256, sha256_each};

/// A hash whose key is absorbed once; a clone costs a few hundred bytes.
#[derive(Clone)]
pub(crate) enum KeyedHash {
    /// `none`: SHA-256, no key.
    Plain,
    /// HMAC-SHA256 with a key of 32 bytes.
    Hmac(HmacSha256),
    /// BLAKE2b-256 behind a secret prefix of 128 bytes.
    Blake2b(PrefixedBlake2b),
}

impl KeyedHash {
    /// BLAKE2b for a key of one of its blocks, else HMAC.
    pub(crate) fn new(key: &[u8]) -> Self {
        match key.try_into() {
            Ok(prefix) => Self::Blake2b(PrefixedBlake2b::new(prefix)),
            Err(_) => Self::Hmac(HmacSha256::new(key)),
        }
    }

    /// The hash of each task's data, several at a time where the processor can.
    pub(crate) fn digest_all(tasks: &mut [HashTask<'_>]) {
        sha256_each(tasks.iter_mut().filter_map(|HashTask { hash, data, digest }| match hash {
            Self::Plain => Some(([*data], &mut **digest)),
            _ => None,
        }));
        HmacSha256::authenticate_each(tasks.iter_mut().filter_map(|HashTask { hash, data, digest }| match hash {
            Self::Hmac(hmac) => Some((hmac, [*data], &mut **digest)),
            _ => None,
        }));
        PrefixedBlake2b::digest_each(tasks.iter_mut().filter_map(|HashTask { hash, data, digest }| match hash {
            Self::Blake2b(blake2b) => Some((blake2b, [*data], &mut **digest)),
            _ => None,
        }));
    }

    /// The hash of `data`.
    pub(crate) fn digest(&self, data: &[u8]) -> [u8; 32] {
        match self {
            Self::Plain => sha256(&[data]),
            Self::Hmac(hmac) => hmac.authenticate(&[data]),
            Self::Blake2b(blake2b) => blake2b.digest(&[data]),
        }
    }
}

/// Data to be hashed, by which hash, and where the result goes.
pub(crate) struct HashTask<'a> {
    pub(crate) hash: &'a KeyedHash,
    pub(crate) data: &'a [u8],
    pub(crate) digest: &'a mut [u8; 32],
}
