//! SHA-256 and HMAC-SHA256: chunk ids without and with a key, and the MAC of the older encryption modes.

use hmac::{KeyInit, Mac};
use sha2::Digest;

/// SHA-256 of the concatenation of `parts`.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finish()
}

/// Streaming SHA-256.
#[derive(Clone, Default)]
pub struct Sha256 {
    state: sha2::Sha256,
}

impl Sha256 {
    /// An empty hash.
    pub fn new() -> Self {
        Self::default()
    }

    /// Absorbs bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
    }

    /// The digest.
    pub fn finish(self) -> [u8; 32] {
        self.state.finalize().into()
    }
}

/// HMAC-SHA256 with the key schedule done once. The schedule is wiped on drop.
#[derive(Clone)]
pub struct HmacSha256 {
    keyed: hmac::Hmac<sha2::Sha256>,
}

impl HmacSha256 {
    /// Absorbs the key, of any length.
    pub fn new(key: &[u8]) -> Self {
        // HMAC takes a key of any length, so the error cannot occur; an empty key stands in for it without a panic.
        let keyed = hmac::Hmac::new_from_slice(key).unwrap_or_else(|_| hmac::Hmac::new(&Default::default()));
        Self { keyed }
    }

    /// The MAC over the concatenation of `parts`.
    pub fn authenticate(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.keyed.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}
