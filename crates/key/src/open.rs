//! From stored object to plain data: type, MAC, decrypt, decompress, id, in this order.
//!
//! RAM: one buffer of an object's size ([`Opener::open`] only) and the contexts of the decompressor, kept from call to call.

use nanoprobe_compress::Decompressor;
use nanoprobe_crypto::equal;
use nanoprobe_format::{
    Id,
    envelope::{Encrypted, EncryptedMut, PLAIN_BYTES},
};

use crate::{Error, IntegrityError, Mode, error::Name, id_hash::KeyedHash, key::Cipher};

/// Most plain bytes of one object: Borg's `MAX_OBJECT_SIZE`. Unauthenticated bytes reach the decompressor in some modes.
pub const MOST_PLAIN_BYTES: usize = 20 << 20;

/// Turns stored objects into plain data. Holds nothing that encrypts.
pub struct Opener {
    mode: Mode,
    id_hash: KeyedHash,
    cipher: Option<Cipher>,
    decompressor: Decompressor,
    copy: Vec<u8>,
}

impl Opener {
    pub(crate) fn new(mode: Mode, id_hash: KeyedHash, cipher: Option<Cipher>) -> Self {
        Self { mode, id_hash, cipher, decompressor: Decompressor::new(), copy: Vec::new() }
    }

    /// Checks type and MAC, decrypts, decompresses, compares the id (`None` only for the manifest).
    /// `data` is replaced. The output is bounded by [`MOST_PLAIN_BYTES`].
    pub fn open(&mut self, id: Option<&Id>, object: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        let mut copy = std::mem::take(&mut self.copy);
        copy.clear();
        copy.extend_from_slice(object);
        let result = self.open_in_place(id, &mut copy, data);
        self.copy = copy;
        result
    }

    /// As [`Opener::open`], without its buffer: `object` is decrypted where it lies and worthless afterwards.
    pub fn open_in_place(&mut self, id: Option<&Id>, object: &mut [u8], data: &mut Vec<u8>) -> Result<(), Error> {
        let framed = unseal(self.mode, self.cipher.as_ref(), id, object)?;
        self.decompressor.decompress(framed, MOST_PLAIN_BYTES, data)?;
        match id {
            Some(id) if !equal(&self.id_hash.digest(data), &id.0) => Err(IntegrityError::Id(*id).into()),
            _ => Ok(()),
        }
    }
}

impl Clone for Opener {
    /// Another worker's opener, with buffers of its own.
    fn clone(&self) -> Self {
        Self::new(self.mode, self.id_hash.clone(), self.cipher.clone())
    }
}

/// Checks type and MAC and decrypts in place; gives the compressed data.
pub(crate) fn unseal<'a>(
    mode: Mode,
    cipher: Option<&Cipher>,
    id: Option<&Id>,
    object: &'a mut [u8],
) -> Result<&'a [u8], IntegrityError> {
    let name = Name(id.copied());
    if !object.first().is_some_and(|&byte| mode.accepts(byte)) {
        return Err(match mode {
            Mode::Authenticated | Mode::AuthenticatedBlake2 => IntegrityError::PlainEnvelope(name),
            _ => IntegrityError::Envelope(name),
        });
    }
    let Some(cipher) = cipher else {
        return Ok(&object[PLAIN_BYTES..]);
    };
    let iv = verified_iv(cipher, object).ok_or(IntegrityError::Mac(name))?;
    let body = EncryptedMut::split(object).ok_or(IntegrityError::Mac(name))?.into_body();
    cipher.encryption.apply(iv, body);
    Ok(body)
}

/// The IV of an encrypted object whose MAC is right.
pub(crate) fn verified_iv(cipher: &Cipher, object: &[u8]) -> Option<u64> {
    let view = Encrypted::parse(object)?;
    equal(&cipher.authentication.digest(view.authenticated), view.mac).then_some(view.iv)
}
