//! The primitives Borg 1.4 uses. Everything here is pure and allocates nothing.
#![no_std]

/// SHA-256 of the concatenation of `parts`.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    todo!()
}

/// HMAC-SHA256 with the key schedule done once.
#[derive(Clone)]
pub struct HmacSha256 {}

impl HmacSha256 {
    /// Absorbs the key.
    pub fn new(key: &[u8]) -> Self {
        todo!()
    }
    /// The MAC over the concatenation of `parts`.
    pub fn authenticate(&self, parts: &[&[u8]]) -> [u8; 32] {
        todo!()
    }
}

/// BLAKE2b-256 over a secret 128-byte prefix and the data (Borg does not use BLAKE2's keyed mode).
#[derive(Clone)]
pub struct PrefixedBlake2b {}

impl PrefixedBlake2b {
    /// Absorbs the prefix, one whole block, once.
    pub fn new(prefix: &[u8; 128]) -> Self {
        todo!()
    }
    /// The digest of prefix ‖ `parts`.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        todo!()
    }
}

/// HMAC-SHA512, for HKDF and TAM.
pub fn hmac_sha512(key: &[u8], parts: &[&[u8]]) -> [u8; 64] {
    todo!()
}

/// HKDF-SHA512 (extract and expand) into `output`, at most 64 bytes.
pub fn hkdf_sha512(input_key: &[u8], salt: &[u8], info: &[u8], output: &mut [u8; 64]) {
    todo!()
}

/// PBKDF2-HMAC-SHA256.
pub fn pbkdf2_sha256(passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8; 32]) {
    todo!()
}

/// AES-256 in counter mode; the counter counts 16-byte blocks and its upper 64 bits are zero.
#[derive(Clone)]
pub struct Aes256Ctr {}

impl Aes256Ctr {
    /// Expands the key.
    pub fn new(key: &[u8; 32]) -> Self {
        todo!()
    }
    /// XORs the key stream that starts at block `counter` over `bytes`.
    pub fn apply(&self, counter: u64, bytes: &mut [u8]) {
        todo!()
    }
}

/// Continues a CRC-32 (IEEE) that began with `crc` = 0.
pub fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    todo!()
}

/// Streaming XXH64 with seed 0.
#[derive(Clone)]
pub struct Xxh64 {}

impl Xxh64 {
    /// An empty hash.
    pub fn new() -> Self {
        todo!()
    }
    /// Absorbs bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        todo!()
    }
    /// The hash of what was absorbed so far.
    pub fn digest(&self) -> u64 {
        todo!()
    }
}

/// Compares secrets without telling by time where they differ.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    todo!()
}
