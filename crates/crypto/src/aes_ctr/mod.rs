//! AES-256 in counter mode, as Borg's envelope uses it: a 16-byte big-endian counter of blocks. Deciphering is the same.
//!
//! A directory an architecture, with the list of its forms, and in it a file an instruction set. None of them looks anything
//! up by a secret byte or branches on one.
//!
//! RAM: 240 bytes of round keys where the CPU knows AES, 1,920 where it does not.

#[cfg_attr(target_arch = "x86_64", path = "x86_64/mod.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64/mod.rs")]
#[cfg_attr(all(target_arch = "arm", target_os = "linux"), path = "arm/mod.rs")]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64", all(target_arch = "arm", target_os = "linux"))),
    path = "other.rs"
)]
mod architecture;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod bitsliced;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
mod kernel;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod library;

use nanoprobe_cpu::{Choice, Features, Form};

use crate::crc32::{Crc32Form, crc32_with};
pub use architecture::Aes256CtrForm;
use architecture::Schedule;

impl Form for Aes256CtrForm {
    const ALL: &'static [Self] = Self::FASTEST_FIRST;

    fn name(self) -> &'static str {
        self.name_and_needs().0
    }

    fn needs(self) -> Features {
        self.name_and_needs().1
    }

    fn choice() -> &'static Choice<Self> {
        &CHOICE
    }

    fn is_right(self) -> bool {
        // Long enough for every loop of the kernels, with a ragged end, over the border of the counter's halves.
        let mut message = [0x5a; 1_003];
        Aes256Ctr::with(self, &[0xc3; 32]).apply(u64::MAX - 40, &mut message);
        crc32_with(Crc32Form::Portable, 0, &message) == 0x16d7_bf9d
    }
}

static CHOICE: Choice<Aes256CtrForm> = Choice::undecided();

/// AES-256 in counter mode; the counter counts 16-byte blocks and its upper 64 bits are zero. Wiped on drop.
#[derive(Clone)]
pub struct Aes256Ctr {
    schedule: Schedule,
}

impl Aes256Ctr {
    /// Expands the key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self::with(Aes256CtrForm::chosen(), key)
    }

    /// The same for one form; for the last of all where the CPU cannot run it.
    pub fn with(form: Aes256CtrForm, key: &[u8; 32]) -> Self {
        Self { schedule: Schedule::new(form, key) }
    }

    /// XORs the key stream that starts at block `counter` over `bytes`.
    pub fn apply(&self, counter: u64, bytes: &mut [u8]) {
        // Behind the last number of the lower half the upper half counts one up: Borg counts in 128 bits.
        let left = (u128::from(u64::MAX - counter) + 1) * 16;
        let at = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let (bytes, rest) = bytes.split_at_mut(at);
        self.schedule.apply(Counter { high: 0, low: counter }, bytes);
        if !rest.is_empty() {
            self.schedule.apply(Counter { high: 1, low: 0 }, rest);
        }
    }
}

/// The number of a first block. Within one call of a kernel its lower half does not run over.
#[derive(Clone, Copy)]
struct Counter {
    high: u64,
    low: u64,
}

impl Counter {
    /// So many blocks on.
    #[inline(always)]
    fn plus(self, blocks: u64) -> Self {
        Self { low: self.low.wrapping_add(blocks), ..self }
    }

    /// As it is enciphered.
    #[inline(always)]
    fn block(self) -> [u8; 16] {
        (u128::from(self.high) << 64 | u128::from(self.low)).to_be_bytes()
    }
}

/// Hands whole batches to a kernel, then a copy of the rest with bytes nobody needs behind it.
fn in_batches<const BATCH: usize>(
    counter: Counter,
    bytes: &mut [u8],
    mut apply: impl FnMut(Counter, &mut [[u8; BATCH]]),
) {
    let (batches, rest) = bytes.as_chunks_mut::<BATCH>();
    apply(counter, batches);
    if !rest.is_empty() {
        let mut last = [0; BATCH];
        last[..rest.len()].copy_from_slice(rest);
        apply(counter.plus((batches.len() * BATCH / 16) as u64), core::slice::from_mut(&mut last));
        rest.copy_from_slice(&last[..rest.len()]);
        // The key stream behind the rest is that of the next message.
        last = [0; BATCH];
        zeroize::optimization_barrier(&last);
    }
}

#[cfg(test)]
mod tests;
