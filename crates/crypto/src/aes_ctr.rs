//! AES-256 in counter mode, as Borg's envelope uses it: a 16-byte big-endian counter of blocks. Only the encryption
//! schedule is kept: counter mode deciphers with it too.

use aes::Aes256Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;

/// AES-256 in counter mode; the counter counts 16-byte blocks and its upper 64 bits are zero. Wiped on drop.
#[derive(Clone)]
pub struct Aes256Ctr {
    schedule: Aes256Enc,
}

impl Aes256Ctr {
    /// Expands the key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { schedule: Aes256Enc::new(key.into()) }
    }

    /// XORs the key stream that starts at block `counter` over `bytes`.
    pub fn apply(&self, counter: u64, bytes: &mut [u8]) {
        let mut first_block = [0; 16];
        first_block[8..].copy_from_slice(&counter.to_be_bytes());
        let stream = CtrCore::<&Aes256Enc, Ctr128BE>::inner_iv_init(&self.schedule, &first_block.into());
        // 2^128 blocks cannot run out: the error cannot occur.
        let applied = stream.try_apply_keystream_partial(bytes.into());
        debug_assert!(applied.is_ok());
    }
}
