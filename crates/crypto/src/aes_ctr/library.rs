//! The `aes` and `ctr` libraries, on architectures for which they have one form only: constant-time software, which knows
//! no CPU features. (On others they choose by themselves, and could not be told to do without an instruction.)

use aes::Aes256Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;

use super::{Counter, in_batches};

/// How many blocks go together, in bytes.
const BATCH: usize = 32;

/// The key schedule. The library wipes it on drop.
#[derive(Clone)]
pub(super) struct Keys(Aes256Enc);

impl Keys {
    /// Expands the key.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        const fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        const { wiped::<Aes256Enc>() };
        Self(Aes256Enc::new(key.into()))
    }

    /// XORs the key stream that starts at `counter` over `bytes`.
    pub(super) fn apply(&self, counter: Counter, bytes: &mut [u8]) {
        in_batches::<BATCH>(counter, bytes, |counter, batches| {
            let stream = CtrCore::<&Aes256Enc, Ctr128BE>::inner_iv_init(&self.0, &counter.block().into());
            // 2^128 blocks cannot run out: the error cannot occur.
            let applied = stream.try_apply_keystream_partial(batches.as_flattened_mut().into());
            debug_assert!(applied.is_ok());
        });
    }
}
