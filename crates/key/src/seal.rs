//! From compressed data to stored object: take counter blocks, encrypt in place, authenticate. Nothing here can decrypt.

use std::sync::{Arc, Mutex, PoisonError};

use nanoprobe_format::envelope::{EncryptedMut, KeyType, MAC_BYTES, counter_blocks};

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
        match &self.encryptor {
            Some(encryptor) => {
                let (authenticated, mac) = encryptor.encrypt(self.key_type, object)?;
                *mac = encryptor.cipher.authentication.digest(authenticated);
            }
            None => *object.first_mut().ok_or(Error::NoRoom)? = self.key_type.byte(),
        }
        Ok(())
    }

    /// As [`Sealer::seal`] for each object in turn, with several MACs made at once. After an error none of
    /// them is to be stored.
    pub fn seal_each<'object>(&self, objects: impl IntoIterator<Item = &'object mut [u8]>) -> Result<(), Error> {
        let mut objects = objects.into_iter();
        let Some(encryptor) = &self.encryptor else {
            return objects.try_for_each(|object| self.seal(object));
        };
        let mut result = Ok(());
        let encrypted = objects
            .map_while(|object| encryptor.encrypt(self.key_type, object).map_err(|error| result = Err(error)).ok());
        encryptor.cipher.authentication.digest_each(encrypted);
        result
    }

    /// Room that this mode's envelope needs: 1 or 41 bytes.
    pub fn envelope_bytes(&self) -> usize {
        self.key_type.envelope_bytes()
    }
}

impl Encryptor {
    /// All of sealing but the MAC: gives what it covers, and its place.
    fn encrypt<'object>(
        &self,
        key_type: KeyType,
        object: &'object mut [u8],
    ) -> Result<(&'object [u8], &'object mut [u8; MAC_BYTES]), Error> {
        let mut parts = EncryptedMut::split(object).ok_or(Error::NoRoom)?;
        // At least one block, so that every object has an IV of its own. The lock is held for the range only.
        let blocks = counter_blocks(parts.body().len()).max(1);
        let iv = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).take(blocks)?;
        *parts.key_type = key_type.byte();
        parts.set_iv(iv);
        self.cipher.encryption.apply(iv, parts.body());
        Ok(parts.into_authenticated())
    }
}
