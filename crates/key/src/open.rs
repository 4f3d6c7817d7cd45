//! From stored object to plain data: type, MAC, decrypt, decompress, id, in this order.
//!
//! RAM: one buffer of an object's size ([`Opener::open`] only) and the contexts of the decompressor, kept from call to call.

use nanoprobe_compress::Decompressor;
use nanoprobe_crypto::equal;
use nanoprobe_format::{
    Id,
    envelope::{Encrypted, EncryptedMut, PLAIN_BYTES},
};

use crate::{
    Error, IntegrityError, Mode,
    error::Name,
    id_hash::{HashTask, KeyedHash},
    key::Cipher,
};

/// Most plain bytes of one object: Borg's `MAX_OBJECT_SIZE`. Unauthenticated bytes reach the decompressor in some modes.
pub const MOST_PLAIN_BYTES: usize = 20 << 20;

/// Turns stored objects into plain data. Holds nothing that encrypts.
pub struct Opener {
    mode: Mode,
    id_hash: KeyedHash,
    cipher: Option<Cipher>,
    decompressor: Decompressor,
    copy: Vec<u8>,
    digests: Vec<[u8; 32]>,
}

impl Opener {
    pub(crate) fn new(mode: Mode, id_hash: KeyedHash, cipher: Option<Cipher>) -> Self {
        Self { mode, id_hash, cipher, decompressor: Decompressor::new(), copy: Vec::new(), digests: Vec::new() }
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

    /// Checks type and MAC and decrypts `object` where it lies. Gives it still compressed, so that nothing compares it with
    /// its name.
    pub fn unseal_in_place<'o>(&self, id: &Id, object: &'o mut [u8]) -> Result<&'o [u8], Error> {
        Ok(unseal(self.mode, self.cipher.as_ref(), Some(id), object)?)
    }
}

/// An object that is opened together with others.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Its name.
    pub id: Id,
    /// Where it lies among the objects, start and end; `None` when it is not at hand.
    pub object: Option<(u32, u32)>,
    /// Where its data came to lie; `None` when it is not sound or there was no room.
    pub data: Option<(u32, u32)>,
}

/// Objects that lie side by side, and where their data go.
pub struct Batch<'a> {
    /// One for each object, in the order in which data are to lie.
    pub openings: &'a mut [Opening],
    /// Decrypted where they lie, and worthless afterwards.
    pub objects: &'a mut [u8],
    /// Replaced. Of several objects, data are added only as far as the capacity goes.
    pub data: &'a mut Vec<u8>,
}

impl Opener {
    /// As [`Opener::open_in_place`] for many objects: first the MACs of all, several at a time where the processor can, then
    /// data one after another, then the names of all. Whoever wants to know what is wrong with an object opens it alone.
    pub fn open_all(&mut self, batches: &mut [Batch<'_>]) {
        self.forget_unauthentic(batches);
        for Batch { openings, objects, data } in batches.iter_mut() {
            data.clear();
            let is_alone = openings.len() == 1;
            for opening in openings.iter_mut() {
                opening.data = None;
                let Some(object) = opening.object.and_then(|range| objects.get_mut(indices(range))) else { continue };
                let Ok(framed) = decrypt(self.mode, self.cipher.as_ref(), Name(Some(opening.id)), object) else {
                    continue;
                };
                let start = data.len();
                let plain = if is_alone { &mut **data } else { &mut self.copy };
                if self.decompressor.decompress(framed, MOST_PLAIN_BYTES, plain).is_err() {
                    continue;
                }
                if !is_alone {
                    if start + self.copy.len() > data.capacity() {
                        continue;
                    }
                    data.extend_from_slice(&self.copy);
                }
                opening.data = Some((start as u32, data.len() as u32));
            }
        }
        self.forget_misnamed(batches);
    }

    /// Takes the objects away whose MAC is wrong.
    fn forget_unauthentic(&mut self, batches: &mut [Batch<'_>]) {
        let Some(cipher) = &self.cipher else { return };
        let found = batches.iter().flat_map(|Batch { openings, objects, .. }| {
            openings
                .iter()
                .map(|opening| opening.object.and_then(|range| Encrypted::parse(objects.get(indices(range))?)))
        });
        self.digests.resize(batches.iter().map(|batch| batch.openings.len()).sum(), [0; 32]);
        let tasks = found.clone().zip(&mut self.digests).filter_map(|(object, digest)| {
            Some(HashTask { hash: &cipher.authentication, data: object?.authenticated, digest })
        });
        KeyedHash::digest_all(&mut tasks.collect::<Vec<_>>());
        let are_right: Vec<bool> = found
            .zip(&self.digests)
            .map(|(object, digest)| object.is_some_and(|object| equal(digest, object.mac)))
            .collect();
        for (opening, is_right) in batches.iter_mut().flat_map(|batch| batch.openings.iter_mut()).zip(are_right) {
            opening.object = opening.object.filter(|_| is_right);
        }
    }

    /// Takes the data away that are not what their name says.
    fn forget_misnamed(&mut self, batches: &mut [Batch<'_>]) {
        self.digests.resize(batches.iter().map(|batch| batch.openings.len()).sum(), [0; 32]);
        let found = batches.iter().flat_map(|Batch { openings, data, .. }| {
            openings.iter().map(|opening| opening.data.and_then(|range| data.get(indices(range))))
        });
        let tasks = found
            .zip(&mut self.digests)
            .filter_map(|(data, digest)| Some(HashTask { hash: &self.id_hash, data: data?, digest }));
        KeyedHash::digest_all(&mut tasks.collect::<Vec<_>>());
        for (opening, digest) in batches.iter_mut().flat_map(|batch| batch.openings.iter_mut()).zip(&self.digests) {
            opening.data = opening.data.filter(|_| equal(digest, &opening.id.0));
        }
    }
}

fn indices((start, end): (u32, u32)) -> std::ops::Range<usize> {
    start as usize..end as usize
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
    if let Some(cipher) = cipher
        && object.first().is_some_and(|&byte| mode.accepts(byte))
    {
        verified_iv(cipher, object).ok_or(IntegrityError::Mac(name))?;
    }
    decrypt(mode, cipher, name, object)
}

/// As [`unseal`], of an object whose MAC was checked.
fn decrypt<'a>(
    mode: Mode,
    cipher: Option<&Cipher>,
    name: Name,
    object: &'a mut [u8],
) -> Result<&'a [u8], IntegrityError> {
    if !object.first().is_some_and(|&byte| mode.accepts(byte)) {
        return Err(match mode {
            Mode::Authenticated | Mode::AuthenticatedBlake2 => IntegrityError::PlainEnvelope(name),
            _ => IntegrityError::Envelope(name),
        });
    }
    let Some(cipher) = cipher else {
        return Ok(&object[PLAIN_BYTES..]);
    };
    let iv = Encrypted::parse(object).ok_or(IntegrityError::Mac(name))?.iv;
    let body = EncryptedMut::split(object).ok_or(IntegrityError::Mac(name))?.into_body();
    cipher.encryption.apply(iv, body);
    Ok(body)
}

/// The IV of an encrypted object whose MAC is right.
pub(crate) fn verified_iv(cipher: &Cipher, object: &[u8]) -> Option<u64> {
    let view = Encrypted::parse(object)?;
    equal(&cipher.authentication.digest(view.authenticated), view.mac).then_some(view.iv)
}
