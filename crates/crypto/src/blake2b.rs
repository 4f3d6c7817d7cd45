//! BLAKE2b-256 as Borg keys it: the 128-byte key is the first block of the message, not BLAKE2's own key parameter.
//! Both the chunk id and the MAC of the `-blake2` modes are made so.

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

/// BLAKE2b-256 over a secret 128-byte prefix and the data. The state is wiped on drop.
#[derive(Clone)]
pub struct PrefixedBlake2b {
    prefixed: Blake2b<U32>,
}

impl PrefixedBlake2b {
    /// Absorbs the prefix, one whole block, once.
    pub fn new(prefix: &[u8; 128]) -> Self {
        Self { prefixed: Blake2b::new_with_prefix(prefix) }
    }

    /// The digest of prefix ‖ `parts`.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = self.prefixed.clone();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }
}
