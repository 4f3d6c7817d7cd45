//! From stored object to plain data: type, MAC, decrypt, decompress, id, in this order.
//!
//! RAM: one buffer of an object's size ([`Opener::open`] only) and the contexts of the decompressor, kept from call to call.

use std::ops::Range;

use nanoprobe_compress::Decompressor;
use nanoprobe_crypto::equal;
use nanoprobe_format::{
    Id,
    envelope::{Encrypted, EncryptedMut, MAC_BYTES, PLAIN_BYTES},
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

    /// Opens several objects in place, each with all the checks of [`Opener::open`], and hashes several at once. Their data
    /// comes one behind the other into `plain`, which does not grow; an object that is damaged or has no room gets none.
    pub fn open_each(&mut self, objects: &mut [StoredObject<'_>], plain: &mut Vec<u8>) {
        plain.clear();
        if let Some(cipher) = &self.cipher {
            cipher.authentication.digest_each(objects.iter_mut().filter_map(|stored| {
                let view = Encrypted::parse(stored.object)?;
                Some((view.authenticated, &mut stored.digest))
            }));
        }
        let mut data = std::mem::take(&mut self.copy);
        for stored in objects.iter_mut() {
            stored.plain = None;
            let opened = unseal_by(self.mode, self.cipher.as_ref(), Some(&stored.id), stored.object, &stored.digest)
                .is_ok_and(|framed| self.decompressor.decompress(framed, MOST_PLAIN_BYTES, &mut data).is_ok());
            if opened && data.len() <= plain.capacity() - plain.len() {
                stored.plain = Some(plain.len()..plain.len() + data.len());
                plain.extend_from_slice(&data);
            }
        }
        self.copy = data;
        self.id_hash.digest_each(objects.iter_mut().filter_map(|stored| {
            let data = &plain[stored.plain.clone()?];
            Some((data, &mut stored.digest))
        }));
        for stored in objects {
            stored.plain.take_if(|_| !equal(&stored.digest, &stored.id.0));
        }
    }
}

/// One of several objects that are opened together.
pub struct StoredObject<'object> {
    id: Id,
    object: &'object mut [u8],
    /// What its MAC, and later its id, has to be.
    digest: [u8; 32],
    plain: Option<Range<usize>>,
}

impl<'object> StoredObject<'object> {
    /// An object and the id it was asked by.
    pub fn new(id: Id, object: &'object mut [u8]) -> Self {
        Self { id, object, digest: [0; 32], plain: None }
    }

    /// Where its data is, once it was opened and is what it claims to be.
    pub fn plain(&self) -> Option<Range<usize>> {
        self.plain.clone()
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
    let mac = cipher.and_then(|cipher| mac(cipher, object)).unwrap_or_default();
    unseal_by(mode, cipher, id, object, &mac)
}

/// As [`unseal`], where the MAC that the object has to have is known.
fn unseal_by<'a>(
    mode: Mode,
    cipher: Option<&Cipher>,
    id: Option<&Id>,
    object: &'a mut [u8],
    mac: &[u8; MAC_BYTES],
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
    let iv = iv_by(object, mac).ok_or(IntegrityError::Mac(name))?;
    let body = EncryptedMut::split(object).ok_or(IntegrityError::Mac(name))?.into_body();
    cipher.encryption.apply(iv, body);
    Ok(body)
}

/// The IV of an encrypted object whose MAC is right.
pub(crate) fn verified_iv(cipher: &Cipher, object: &[u8]) -> Option<u64> {
    iv_by(object, &mac(cipher, object)?)
}

fn iv_by(object: &[u8], mac: &[u8; MAC_BYTES]) -> Option<u64> {
    let view = Encrypted::parse(object)?;
    equal(mac, view.mac).then_some(view.iv)
}

/// The MAC that an object has to have; `None` where it is too short for one.
fn mac(cipher: &Cipher, object: &[u8]) -> Option<[u8; MAC_BYTES]> {
    Some(cipher.authentication.digest(Encrypted::parse(object)?.authenticated))
}
