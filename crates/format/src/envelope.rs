//! The envelope around every stored object.
//!
//! | bytes | encrypted modes | `none`, `authenticated*` |
//! |---|---|---|
//! | 0 | key type | key type |
//! | 1..33 | MAC over everything after it | payload … |
//! | 33..41 | IV: number of the first counter block, big-endian | |
//! | 41.. | ciphertext of the compressed data | |
//!
//! The MAC does not cover the type byte, so that a reader has to compare it with its own key's type.

/// The type byte alone: room in front of an object of `none` and the authenticated modes.
pub const PLAIN_BYTES: usize = 1;
/// Length of a MAC.
pub const MAC_BYTES: usize = 32;
/// Length of a stored IV: the lower half; the upper half is always zero.
pub const IV_BYTES: usize = 8;
/// Room in front of an object of the encrypted modes.
pub const ENCRYPTED_BYTES: usize = PLAIN_BYTES + MAC_BYTES + IV_BYTES;
/// What one count of the counter covers.
pub const BLOCK_BYTES: usize = 16;

/// The first byte of every object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KeyType {
    /// Key in a file of the user's.
    Keyfile = 0x00,
    /// Key derived from the passphrase alone; long gone, its objects are read as [`KeyType::Repokey`].
    Passphrase = 0x01,
    /// No key.
    None = 0x02,
    /// Key in the repository's `config`.
    Repokey = 0x03,
    /// As [`KeyType::Keyfile`], with BLAKE2b.
    KeyfileBlake2 = 0x04,
    /// As [`KeyType::Repokey`], with BLAKE2b.
    RepokeyBlake2 = 0x05,
    /// Ids are keyed, data is not encrypted; BLAKE2b.
    AuthenticatedBlake2 = 0x06,
    /// Ids are keyed, data is not encrypted.
    Authenticated = 0x07,
}

impl KeyType {
    /// The type that a stored byte stands for.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x00 => Self::Keyfile,
            0x01 => Self::Passphrase,
            0x02 => Self::None,
            0x03 => Self::Repokey,
            0x04 => Self::KeyfileBlake2,
            0x05 => Self::RepokeyBlake2,
            0x06 => Self::AuthenticatedBlake2,
            0x07 => Self::Authenticated,
            _ => return None,
        })
    }

    /// The stored byte.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// Whether objects carry MAC and IV.
    pub const fn is_encrypted(self) -> bool {
        !matches!(self, Self::None | Self::Authenticated | Self::AuthenticatedBlake2)
    }

    /// Room in front of the payload: 1 or 41 bytes.
    pub const fn envelope_bytes(self) -> usize {
        if self.is_encrypted() { ENCRYPTED_BYTES } else { PLAIN_BYTES }
    }
}

/// Counter blocks that so many bytes need.
pub const fn counter_blocks(bytes: usize) -> u64 {
    bytes.div_ceil(BLOCK_BYTES) as u64
}

/// A view of an encrypted object.
#[derive(Clone, Copy, Debug)]
pub struct Encrypted<'a> {
    /// The type byte, not authenticated.
    pub key_type: u8,
    /// The MAC.
    pub mac: &'a [u8; MAC_BYTES],
    /// What the MAC covers: IV and ciphertext.
    pub authenticated: &'a [u8],
    /// First counter block.
    pub iv: u64,
    /// The encrypted compressed data.
    pub ciphertext: &'a [u8],
}

impl<'a> Encrypted<'a> {
    /// `None` when the bytes are too few to be an envelope.
    pub fn parse(object: &'a [u8]) -> Option<Self> {
        let (&key_type, rest) = object.split_first()?;
        let (mac, authenticated) = rest.split_first_chunk()?;
        let (&iv, ciphertext) = authenticated.split_first_chunk()?;
        Some(Self { key_type, mac, authenticated, iv: u64::from_be_bytes(iv), ciphertext })
    }
}

/// The parts of an encrypted object, to be filled or decrypted in place.
#[derive(Debug)]
pub struct EncryptedMut<'a> {
    /// The type byte.
    pub key_type: &'a mut u8,
    /// The MAC.
    pub mac: &'a mut [u8; MAC_BYTES],
    authenticated: &'a mut [u8],
}

impl<'a> EncryptedMut<'a> {
    /// `None` when the bytes are too few to be an envelope.
    pub fn split(object: &'a mut [u8]) -> Option<Self> {
        let (key_type, rest) = object.split_first_mut()?;
        let (mac, authenticated) = rest.split_first_chunk_mut()?;
        (authenticated.len() >= IV_BYTES).then_some(Self { key_type, mac, authenticated })
    }

    /// Stores the number of the first counter block.
    pub fn set_iv(&mut self, iv: u64) {
        if let Some(bytes) = self.authenticated.first_chunk_mut() {
            *bytes = iv.to_be_bytes();
        }
    }

    /// Compressed data or its ciphertext.
    pub fn body(&mut self) -> &mut [u8] {
        self.authenticated.get_mut(IV_BYTES..).unwrap_or_default()
    }

    /// What the MAC covers: IV and ciphertext.
    pub fn authenticated(&self) -> &[u8] {
        self.authenticated
    }

    /// The MAC, to be filled, and what it covers.
    pub fn into_authentication(self) -> (&'a mut [u8; MAC_BYTES], &'a [u8]) {
        (self.mac, self.authenticated)
    }

    /// As [`EncryptedMut::body`], for as long as the object lives.
    pub fn into_body(self) -> &'a mut [u8] {
        self.authenticated.get_mut(IV_BYTES..).unwrap_or_default()
    }
}

/// A view of an object that is not encrypted.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'a> {
    /// The type byte.
    pub key_type: u8,
    /// Compressed data.
    pub payload: &'a [u8],
}

impl<'a> Plain<'a> {
    /// `None` when there is not even a type byte.
    pub fn parse(object: &'a [u8]) -> Option<Self> {
        let (&key_type, payload) = object.split_first()?;
        Some(Self { key_type, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_where_borg_puts_them() {
        let mut object = [0u8; 45];
        for (number, byte) in object.iter_mut().enumerate() {
            *byte = number as u8;
        }
        let view = Encrypted::parse(&object).unwrap();
        assert_eq!((view.key_type, view.mac[0], view.mac[31]), (0, 1, 32));
        assert_eq!(view.iv, 0x2122_2324_2526_2728);
        assert_eq!(view.authenticated, &object[33..]);
        assert_eq!(view.ciphertext, [41, 42, 43, 44]);
        let mut parts = EncryptedMut::split(&mut object).unwrap();
        assert_eq!((parts.mac[0], parts.authenticated()[0], parts.body()[0]), (1, 33, 41));
        parts.set_iv(0x0102_0304_0506_0708);
        assert_eq!(Encrypted::parse(&object).unwrap().iv, 0x0102_0304_0506_0708);
    }

    #[test]
    fn short_objects_are_none() {
        let object = [0u8; ENCRYPTED_BYTES];
        for length in 0..ENCRYPTED_BYTES {
            assert!(Encrypted::parse(&object[..length]).is_none());
        }
        assert!(Encrypted::parse(&object).unwrap().ciphertext.is_empty());
        assert!(Plain::parse(&[]).is_none());
    }

    #[test]
    fn types_are_their_bytes() {
        for byte in 0..=u8::MAX {
            match KeyType::from_byte(byte) {
                Some(key_type) => assert_eq!(key_type.byte(), byte),
                None => assert!(byte > 7),
            }
        }
        assert_eq!(KeyType::Repokey.envelope_bytes(), 41);
        assert_eq!(KeyType::Authenticated.envelope_bytes(), 1);
    }

    #[test]
    fn blocks_round_up() {
        assert_eq!([0, 1, 16, 17].map(counter_blocks), [0, 1, 1, 2]);
    }
}
