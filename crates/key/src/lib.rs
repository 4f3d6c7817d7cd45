//! The only crate that sees secrets: id hash, seal and open, key files, passphrases, nonces, authentication.

use nanoprobe_format::Id;

/// Room in front of every object: type, MAC, IV for encrypted modes.
pub const ENVELOPE_BYTES: usize = 41;

/// The seven modes of `init --encryption`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    None,
    Authenticated,
    AuthenticatedBlake2,
    Repokey,
    RepokeyBlake2,
    Keyfile,
    KeyfileBlake2,
}

/// Where keys and security data live (Borg's `BORG_*_DIR` rules are applied by the command line).
#[derive(Clone, Debug)]
pub struct Directories {
    /// Key files.
    pub keys: std::path::PathBuf,
    /// One directory a repository id.
    pub security: std::path::PathBuf,
    /// `BORG_KEY_FILE`.
    pub key_file: Option<std::path::PathBuf>,
}

/// An unlocked key.
pub struct Key {}

impl Key {
    /// The mode.
    pub fn mode(&self) -> Mode {
        todo!()
    }
    /// Names data.
    pub fn id(&self, data: &[u8]) -> Id {
        todo!()
    }
    /// Seed of the buzhash table.
    pub fn chunk_seed(&self) -> u32 {
        todo!()
    }
    /// Gear table for FastCDC, derived from the key.
    pub fn gear(&self) -> [u64; 256] {
        todo!()
    }
    /// What reads objects; cheap to clone, one a worker.
    pub fn opener(&self) -> Opener {
        todo!()
    }
    /// TAM over raw msgpack whose 64 TAM bytes are zero.
    pub fn tam(&self, context: TamContext, salt: &[u8; 64], packed: &[u8]) -> [u8; 64] {
        todo!()
    }
}

/// What a TAM vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TamContext {
    Manifest,
    Archive,
}

/// Turns stored objects into plain data.
pub struct Opener {}

impl Opener {
    /// Checks type and MAC, decrypts, decompresses, compares the id (`None` only for the manifest).
    /// `data` is replaced. The output is bounded by Borg's largest object.
    pub fn open(&mut self, id: Option<&Id>, object: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        todo!()
    }
}

/// Turns compressed data into stored objects. Has no way to decrypt. Clones share one nonce reservation.
#[derive(Clone)]
pub struct Sealer {}

impl Sealer {
    /// `object` holds `envelope_bytes()` bytes of room and then compressed data; it is sealed in place.
    pub fn seal(&self, object: &mut [u8]) -> Result<(), Error> {
        todo!()
    }
    /// Room that this mode's envelope needs: 1 or 41 bytes.
    pub fn envelope_bytes(&self) -> usize {
        todo!()
    }
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {}
