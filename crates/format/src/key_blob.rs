//! The key blob: what a key file and `config` hold once base64 is undone.
//!
//! Outside: a msgpack map {algorithm, data, hash, iterations, salt, version}. `data` is the inner map encrypted under a
//! key derived from the passphrase; `hash` is a MAC over the inner map's plain bytes.
//! Inside: {chunk_seed, enc_hmac_key, enc_key, id_key, repository_id, tam_required, version}.
//! Neither is authenticated when it is read, so every length and number is checked here or by the caller.

use core::fmt;

use embedded_io::Write;

use crate::msgpack::{self, Reader, Writer};

/// What can be wrong with a key blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the msgpack that it should be.
    #[error(transparent)]
    Msgpack(#[from] msgpack::Error),
    /// A field is not there or has an impossible length.
    #[error("key blob without a valid field {0}")]
    Field(&'static str),
    /// Written by another generation of Borg.
    #[error("key version {0} is not supported by this borg version.")]
    Version(u64),
    /// Not `sha256`.
    #[error("encrypted key algorithm is not supported by this borg version.")]
    Algorithm,
}

/// The outer map.
#[derive(Clone, Copy, Debug)]
pub struct EncryptedKey<'a> {
    /// Of PBKDF2; the caller puts a limit to it.
    pub iterations: u32,
    /// Of PBKDF2.
    pub salt: &'a [u8],
    /// HMAC-SHA256 over the plain inner map.
    pub hash: &'a [u8; 32],
    /// The encrypted inner map.
    pub data: &'a [u8],
}

impl<'a> EncryptedKey<'a> {
    /// Reads the outer map; what follows it is ignored, as Borg does.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let (mut version, mut iterations) = (None, None);
        let (mut algorithm, mut salt, mut hash, mut data) = (None, None, None, None);
        let mut reader = Reader::new(bytes);
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"version" => version = Some(reader.number::<u64>()?),
                b"iterations" => iterations = Some(reader.number::<u32>()?),
                b"algorithm" => algorithm = Some(reader.raw()?),
                b"salt" => salt = Some(reader.raw()?),
                b"hash" => hash = Some(reader.raw()?),
                b"data" => data = Some(reader.raw()?),
                _ => drop(reader.skip()?),
            }
        }
        check_version(version)?;
        if algorithm.ok_or(Error::Field("algorithm"))? != b"sha256" {
            return Err(Error::Algorithm);
        }
        Ok(Self {
            iterations: iterations.ok_or(Error::Field("iterations"))?,
            salt: salt.ok_or(Error::Field("salt"))?,
            hash: hash.and_then(|hash| hash.try_into().ok()).ok_or(Error::Field("hash"))?,
            data: data.ok_or(Error::Field("data"))?,
        })
    }

    /// Emits the outer map.
    pub fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.map(6)?;
        writer.raw(b"algorithm")?;
        writer.raw(b"sha256")?;
        writer.raw(b"data")?;
        writer.raw(self.data)?;
        writer.raw(b"hash")?;
        writer.raw(self.hash)?;
        writer.raw(b"iterations")?;
        writer.unsigned(u64::from(self.iterations))?;
        writer.raw(b"salt")?;
        writer.raw(self.salt)?;
        writer.raw(b"version")?;
        writer.unsigned(1)
    }
}

/// The inner map: all secrets of a repository.
#[derive(Clone, Copy)]
pub struct PlainKey<'a> {
    /// The repository that the key was made for.
    pub repository_id: &'a [u8; 32],
    /// AES-256 key.
    pub enc_key: &'a [u8; 32],
    /// Key of the MAC over objects: 32 bytes, 128 with BLAKE2b.
    pub enc_hmac_key: &'a [u8],
    /// Key of the id hash: 32 bytes, 128 with BLAKE2b.
    pub id_key: &'a [u8],
    /// Seed of the buzhash table.
    pub chunk_seed: i32,
    /// Whether a manifest without TAM is refused; old keys do not say.
    pub tam_required: Option<bool>,
}

impl<'a> PlainKey<'a> {
    /// Reads the inner map; what follows it is an error.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let (mut version, mut chunk_seed, mut tam_required) = (None, None, None);
        let (mut repository_id, mut enc_key, mut enc_hmac_key, mut id_key) = (None, None, None, None);
        let mut reader = Reader::new(bytes);
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"version" => version = Some(reader.number::<u64>()?),
                b"repository_id" => repository_id = Some(reader.raw()?),
                b"enc_key" => enc_key = Some(reader.raw()?),
                b"enc_hmac_key" => enc_hmac_key = Some(reader.raw()?),
                b"id_key" => id_key = Some(reader.raw()?),
                b"chunk_seed" => chunk_seed = Some(reader.number::<i32>()?),
                b"tam_required" => tam_required = Some(reader.boolean()?),
                _ => drop(reader.skip()?),
            }
        }
        check_version(version)?;
        Ok(Self {
            repository_id: repository_id.and_then(|id| id.try_into().ok()).ok_or(Error::Field("repository_id"))?,
            enc_key: enc_key.and_then(|key| key.try_into().ok()).ok_or(Error::Field("enc_key"))?,
            enc_hmac_key: enc_hmac_key
                .filter(|key| matches!(key.len(), 32 | 128))
                .ok_or(Error::Field("enc_hmac_key"))?,
            id_key: id_key.filter(|key| matches!(key.len(), 32 | 128)).ok_or(Error::Field("id_key"))?,
            chunk_seed: chunk_seed.ok_or(Error::Field("chunk_seed"))?,
            tam_required,
        })
    }

    /// Emits the inner map.
    pub fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.map(6 + usize::from(self.tam_required.is_some()))?;
        writer.raw(b"chunk_seed")?;
        writer.signed(i64::from(self.chunk_seed))?;
        writer.raw(b"enc_hmac_key")?;
        writer.raw(self.enc_hmac_key)?;
        writer.raw(b"enc_key")?;
        writer.raw(self.enc_key)?;
        writer.raw(b"id_key")?;
        writer.raw(self.id_key)?;
        writer.raw(b"repository_id")?;
        writer.raw(self.repository_id)?;
        if let Some(tam_required) = self.tam_required {
            writer.raw(b"tam_required")?;
            writer.boolean(tam_required)?;
        }
        writer.raw(b"version")?;
        writer.unsigned(1)
    }
}

impl fmt::Debug for PlainKey<'_> {
    /// Shows nothing of what is inside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainKey(secret)")
    }
}

fn check_version(version: Option<u64>) -> Result<(), Error> {
    match version.ok_or(Error::Field("version"))? {
        1 => Ok(()),
        version => Err(Error::Version(version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: PlainKey<'_> = PlainKey {
        repository_id: &[1; 32],
        enc_key: &[2; 32],
        enc_hmac_key: &[3; 128],
        id_key: &[4; 128],
        chunk_seed: -5,
        tam_required: Some(true),
    };

    /// Emits into `room` and gives what was written.
    fn emitted(room: &mut [u8; 1024], emit: impl FnOnce(&mut Writer<&mut [u8]>)) -> &[u8] {
        let mut writer = Writer::new(&mut room[..]);
        emit(&mut writer);
        let left = writer.into_inner().len();
        &room[..1024 - left]
    }

    #[test]
    fn inner_map_comes_back() {
        let mut room = [0; 1024];
        let bytes = emitted(&mut room, |writer| SAMPLE.emit(writer).unwrap());
        let plain = PlainKey::parse(bytes).unwrap();
        assert_eq!((plain.chunk_seed, plain.tam_required), (-5, Some(true)));
        assert_eq!((plain.id_key, plain.enc_hmac_key), (&[4u8; 128][..], &[3u8; 128][..]));
        for length in 0..bytes.len() {
            assert!(PlainKey::parse(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn outer_map_comes_back() {
        let outer = EncryptedKey { iterations: 100_000, salt: &[7; 32], hash: &[8; 32], data: &[9; 300] };
        let mut room = [0; 1024];
        let bytes = emitted(&mut room, |writer| outer.emit(writer).unwrap());
        let parsed = EncryptedKey::parse(bytes).unwrap();
        assert_eq!((parsed.iterations, parsed.salt, parsed.data), (100_000, outer.salt, outer.data));
        for length in 0..bytes.len() {
            assert!(EncryptedKey::parse(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn another_version_is_refused() {
        let mut room = [0; 1024];
        let length = emitted(&mut room, |writer| SAMPLE.emit(writer).unwrap()).len();
        room[length - 1] = 2;
        assert_eq!(PlainKey::parse(&room[..length]).unwrap_err(), Error::Version(2));
    }

    #[test]
    fn keys_of_odd_length_are_refused() {
        let mut room = [0; 1024];
        let bytes = emitted(&mut room, |writer| PlainKey { id_key: &[4; 31], ..SAMPLE }.emit(writer).unwrap());
        assert_eq!(PlainKey::parse(bytes).unwrap_err(), Error::Field("id_key"));
    }

    #[test]
    fn no_damage_panics() {
        let outer = EncryptedKey { iterations: 100_000, salt: &[7; 32], hash: &[8; 32], data: &[9; 300] };
        let mut room = [0; 1024];
        let length = emitted(&mut room, |writer| outer.emit(writer).unwrap()).len();
        let mut inner_room = [0; 1024];
        let inner_length = emitted(&mut inner_room, |writer| SAMPLE.emit(writer).unwrap()).len();
        for bytes in [&mut room[..length], &mut inner_room[..inner_length]] {
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                // Whatever comes out borrows from what went in.
                if let Ok(outer) = EncryptedKey::parse(bytes) {
                    assert!(outer.data.len() + outer.salt.len() < bytes.len());
                }
                let _ = PlainKey::parse(bytes);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}
