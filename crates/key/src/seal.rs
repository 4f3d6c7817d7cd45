//! From compressed data to stored object: take counter blocks, encrypt in place, authenticate. Nothing here can decrypt.

use std::sync::{Arc, Mutex, PoisonError};

use nanoprobe_format::{
    Id,
    envelope::{EncryptedMut, KeyType, counter_blocks},
};

use crate::{
    Error,
    id_hash::{HashTask, KeyedHash},
    key::Cipher,
    nonces::Nonces,
};

/// Turns compressed data into stored objects. Has no way to decrypt. Clones share one nonce reservation.
#[derive(Clone)]
pub struct Sealer {
    key_type: KeyType,
    id_hash: KeyedHash,
    encryptor: Option<Arc<Encryptor>>,
}

struct Encryptor {
    cipher: Cipher,
    nonces: Mutex<Nonces>,
}

impl Sealer {
    /// For the modes without encryption.
    pub(crate) fn plain(key_type: KeyType, id_hash: KeyedHash) -> Self {
        Self { key_type, id_hash, encryptor: None }
    }

    /// For the encrypted modes.
    pub(crate) fn encrypting(key_type: KeyType, id_hash: KeyedHash, cipher: Cipher, nonces: Nonces) -> Self {
        Self { key_type, id_hash, encryptor: Some(Arc::new(Encryptor { cipher, nonces: Mutex::new(nonces) })) }
    }

    /// `object` holds [`Sealer::envelope_bytes`] bytes of room and then compressed data; it is sealed in place.
    ///
    /// The first call, and one every few GiB, reserves nonces durably in the repository, which must be locked exclusively.
    /// To repeat a failed upload, send the same sealed bytes again.
    pub fn seal(&self, object: &mut [u8]) -> Result<(), Error> {
        self.encrypt(object)?;
        KeyedHash::digest_all(self.authentication(object).as_mut_slice());
        Ok(())
    }

    /// The first half of [`Sealer::seal`]: the object lacks its MAC until [`Sealer::name_and_authenticate`] was told of it.
    pub fn encrypt(&self, object: &mut [u8]) -> Result<(), Error> {
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
        Ok(())
    }

    /// Gives chunks their names, as [`Key::id`](crate::Key::id) would, and encrypted objects their MACs: hashes that do not wait
    /// for each other are made several at a time where the processor can.
    pub fn name_and_authenticate<'a>(
        &'a self,
        chunks: impl Iterator<Item = (&'a [u8], &'a mut Id)>,
        encrypted: impl Iterator<Item = &'a mut [u8]>,
    ) {
        let names = chunks.map(|(data, id)| HashTask { hash: &self.id_hash, data, digest: &mut id.0 });
        let mut tasks: Vec<HashTask<'_>> =
            names.chain(encrypted.filter_map(|object| self.authentication(object))).collect();
        KeyedHash::digest_all(&mut tasks);
    }

    /// What gives `object` its MAC; nothing in the modes without encryption.
    fn authentication<'a>(&'a self, object: &'a mut [u8]) -> Option<HashTask<'a>> {
        let encryptor = self.encryptor.as_ref()?;
        let (digest, data) = EncryptedMut::split(object)?.into_authentication();
        Some(HashTask { hash: &encryptor.cipher.authentication, data, digest })
    }

    /// Room that this mode's envelope needs: 1 or 41 bytes.
    pub fn envelope_bytes(&self) -> usize {
        self.key_type.envelope_bytes()
    }
}
