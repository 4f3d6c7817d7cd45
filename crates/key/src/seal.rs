//! From compressed data to stored object: take counter blocks, encrypt in place, authenticate. Nothing here can decrypt.

use std::sync::{Arc, Mutex, PoisonError};

use nanoprobe_format::envelope::{EncryptedMut, KeyType, counter_blocks};

use crate::{Error, key::Cipher, nonces::Nonces};

/// Turns compressed data into stored objects. Has no way to decrypt. Clones share one nonce reservation.
#[derive(Clone)]
pub struct Sealer {
    key_type: KeyType,
    encryptor: Option<Arc<Encryptor>>,
}

struct Encryptor {
    cipher: Cipher,
    nonces: Mutex<Nonces>,
}

impl Sealer {
    /// For the modes without encryption.
    pub(crate) fn plain(key_type: KeyType) -> Self {
        Self { key_type, encryptor: None }
    }

    /// For the encrypted modes.
    pub(crate) fn encrypting(key_type: KeyType, cipher: Cipher, nonces: Nonces) -> Self {
        Self { key_type, encryptor: Some(Arc::new(Encryptor { cipher, nonces: Mutex::new(nonces) })) }
    }

    /// `object` holds [`Sealer::envelope_bytes`] bytes of room and then compressed data; it is sealed in place.
    ///
    /// The first call, and one every few GiB, reserves nonces durably in the repository, which must be locked exclusively.
    /// To repeat a failed upload, send the same sealed bytes again.
    pub fn seal(&self, object: &mut [u8]) -> Result<(), Error> {
        if object.len() < self.envelope_bytes() {
            return Err(Error::NoRoom);
        }
        let Some(encryptor) = &self.encryptor else {
            object[0] = self.key_type.byte();
            return Ok(());
        };
        // At least one block, so that every object has an IV of its own. The lock is held for the range only.
        let blocks = counter_blocks(object.len() - self.envelope_bytes()).max(1);
        let iv = encryptor.nonces.lock().unwrap_or_else(PoisonError::into_inner).take(blocks)?;
        let mut parts = EncryptedMut::split(object).ok_or(Error::NoRoom)?;
        *parts.key_type = self.key_type.byte();
        parts.set_iv(iv);
        encryptor.cipher.encryption.apply(iv, parts.body());
        *parts.mac = encryptor.cipher.authentication.digest(parts.authenticated());
        Ok(())
    }

    /// Room that this mode's envelope needs: 1 or 41 bytes.
    pub fn envelope_bytes(&self) -> usize {
        self.key_type.envelope_bytes()
    }
}
