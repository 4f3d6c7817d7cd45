//! The secrets of a repository: what the inner map of the key blob holds. Wiped when dropped.

use nanoprobe_format::key_blob::PlainKey;
use zeroize::Zeroizing;

use crate::{Error, Mode};

/// Keys of one repository.
#[derive(Clone)]
pub(crate) struct Secrets {
    pub(crate) repository_id: [u8; 32],
    pub(crate) encryption: Zeroizing<[u8; 32]>,
    pub(crate) authentication: Zeroizing<Vec<u8>>,
    pub(crate) identification: Zeroizing<Vec<u8>>,
    pub(crate) chunk_seed: i32,
    pub(crate) tam_required: Option<bool>,
}

impl Secrets {
    /// New ones, as many random bytes as Borg takes for the mode.
    pub(crate) fn random(mode: Mode, repository_id: [u8; 32]) -> Result<Self, Error> {
        let mut encryption = Zeroizing::new([0; 32]);
        getrandom::fill(encryption.as_mut_slice())?;
        Ok(Self {
            repository_id,
            encryption,
            authentication: random_key(mode)?,
            identification: random_key(mode)?,
            chunk_seed: getrandom::u32()?.cast_signed(),
            tam_required: Some(true),
        })
    }

    /// Copies what was parsed.
    pub(crate) fn from_plain(plain: &PlainKey<'_>) -> Self {
        Self {
            repository_id: *plain.repository_id,
            encryption: Zeroizing::new(*plain.enc_key),
            authentication: Zeroizing::new(plain.enc_hmac_key.to_vec()),
            identification: Zeroizing::new(plain.id_key.to_vec()),
            chunk_seed: plain.chunk_seed,
            tam_required: plain.tam_required,
        }
    }

    /// A view to be emitted.
    pub(crate) fn plain(&self) -> PlainKey<'_> {
        PlainKey {
            repository_id: &self.repository_id,
            enc_key: &self.encryption,
            enc_hmac_key: &self.authentication,
            id_key: &self.identification,
            chunk_seed: self.chunk_seed,
            tam_required: self.tam_required,
        }
    }

    /// Whether the keys have the lengths that `mode` needs.
    pub(crate) fn fit(&self, mode: Mode) -> bool {
        let length = key_bytes(mode);
        self.identification.len() == length && self.authentication.len() == length
    }
}

const fn key_bytes(mode: Mode) -> usize {
    if mode.is_blake2() { 128 } else { 32 }
}

/// BLAKE2b has 64 bytes of state: its keys are 64 random bytes, filled up to one block.
fn random_key(mode: Mode) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut key = Zeroizing::new(vec![0; key_bytes(mode)]);
    let random = key.len().min(64);
    getrandom::fill(&mut key[..random])?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_where_borg_is_and_zero_where_borg_is() {
        let [one, other] = [0; 2].map(|_| Secrets::random(Mode::RepokeyBlake2, [1; 32]).unwrap());
        assert_ne!(one.encryption, other.encryption);
        assert_ne!(one.chunk_seed, other.chunk_seed);
        for (one, other) in [(&one.authentication, &other.authentication), (&one.identification, &other.identification)]
        {
            assert_ne!(one[..32], other[..32]);
            assert_ne!(one[32..64], other[32..64]);
            assert_eq!(one[64..], [0; 64]);
        }
        assert_ne!(one.authentication, one.identification);
        let short = Secrets::random(Mode::Keyfile, [1; 32]).unwrap();
        assert_eq!((short.authentication.len(), short.identification.len()), (32, 32));
        assert!(short.fit(Mode::Repokey) && !short.fit(Mode::RepokeyBlake2));
    }
}
