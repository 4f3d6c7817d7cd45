//! AES-256 in counter mode, as Borg's envelope uses it: a 16-byte big-endian counter of blocks. Deciphering is the same.
//!
//! One file per instruction set with equal signatures. None of them looks anything up by a secret byte or branches on one.
//!
//! RAM: 240 bytes of round keys where the CPU knows AES, 1,920 where it does not.

#[cfg(all(target_arch = "arm", target_os = "linux"))]
mod aarch32;
#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod aes_ni;
#[cfg(all(target_arch = "arm", target_os = "linux"))]
mod armv7;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod bitsliced;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod library;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
mod round_keys;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
mod sliced_keys;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
mod substitution;
#[cfg(target_arch = "x86_64")]
mod vaes;

use nanoprobe_cpu::{Choice, Features, Form};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
use round_keys::RoundKeys;

use crate::crc32::{Crc32Form, crc32_with};

/// A way to compute AES-256-CTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aes256CtrForm {
    /// A round of two blocks an instruction.
    #[cfg(target_arch = "x86_64")]
    Vaes,
    /// A round of a block an instruction.
    #[cfg(target_arch = "x86_64")]
    AesNi,
    /// Eight blocks as bits, with what every 64-bit x86 has.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    /// A round of a block in two instructions.
    #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
    Aes,
    /// Eight blocks as bits, with vectors that every 64-bit ARM has and some of the others.
    #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
    Neon,
    /// The `aes` library, which has nothing but software for this architecture.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    Library,
}

impl Form for Aes256CtrForm {
    const ALL: &'static [Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Vaes,
        #[cfg(target_arch = "x86_64")]
        Self::AesNi,
        #[cfg(target_arch = "x86_64")]
        Self::Sse2,
        #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
        Self::Aes,
        #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
        Self::Neon,
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        Self::Library,
    ];

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vaes => "vaes",
            #[cfg(target_arch = "x86_64")]
            Self::AesNi => "aes",
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 => "bitsliced sse2",
            #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
            Self::Aes => "aes",
            #[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
            Self::Neon => "bitsliced neon",
            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            Self::Library => "portable",
        }
    }

    fn needs(self) -> Features {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vaes => vaes::NEEDS,
            #[cfg(target_arch = "x86_64")]
            Self::AesNi => aes_ni::NEEDS,
            #[cfg(target_arch = "aarch64")]
            Self::Aes => aarch64::NEEDS,
            #[cfg(all(target_arch = "arm", target_os = "linux"))]
            Self::Aes => aarch32::NEEDS,
            #[cfg(all(target_arch = "arm", target_os = "linux"))]
            Self::Neon => armv7::NEEDS,
            // Runs everywhere.
            _ => Features::NONE,
        }
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

/// What the key was expanded into, arranged for one form.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // There is one a session.
enum Schedule {
    #[cfg(target_arch = "x86_64")]
    Vaes(vaes::Keys),
    #[cfg(target_arch = "x86_64")]
    AesNi(aes_ni::Keys),
    #[cfg(target_arch = "x86_64")]
    Sse2(bitsliced::Keys),
    #[cfg(target_arch = "aarch64")]
    Aes(aarch64::Keys),
    #[cfg(target_arch = "aarch64")]
    Neon(bitsliced::Keys),
    #[cfg(all(target_arch = "arm", target_os = "linux"))]
    Aes(aarch32::Keys),
    #[cfg(all(target_arch = "arm", target_os = "linux"))]
    Neon(armv7::Keys),
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    Library(library::Keys),
}

impl Schedule {
    #[cfg(target_arch = "x86_64")]
    fn new(form: Aes256CtrForm, key: &[u8; 32]) -> Self {
        let keys = RoundKeys::new(key);
        let schedule = match form {
            Aes256CtrForm::Vaes => vaes::Keys::new(&keys).map(Self::Vaes),
            Aes256CtrForm::AesNi => aes_ni::Keys::new(&keys).map(Self::AesNi),
            Aes256CtrForm::Sse2 => None,
        };
        schedule.unwrap_or_else(|| Self::Sse2(bitsliced::Keys::new(&keys)))
    }

    #[cfg(target_arch = "aarch64")]
    fn new(form: Aes256CtrForm, key: &[u8; 32]) -> Self {
        let keys = RoundKeys::new(key);
        let schedule = match form {
            Aes256CtrForm::Aes => aarch64::Keys::new(&keys).map(Self::Aes),
            Aes256CtrForm::Neon => None,
        };
        schedule.unwrap_or_else(|| Self::Neon(bitsliced::Keys::new(&keys)))
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn new(form: Aes256CtrForm, key: &[u8; 32]) -> Self {
        let schedule = match form {
            #[cfg(all(target_arch = "arm", target_os = "linux"))]
            Aes256CtrForm::Aes => aarch32::Keys::new(&RoundKeys::new(key)).map(Self::Aes),
            #[cfg(all(target_arch = "arm", target_os = "linux"))]
            Aes256CtrForm::Neon => armv7::Keys::new(&RoundKeys::new(key)).map(Self::Neon),
            Aes256CtrForm::Library => None,
        };
        schedule.unwrap_or_else(|| Self::Library(library::Keys::new(key)))
    }

    fn apply(&self, counter: Counter, bytes: &mut [u8]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vaes(keys) => in_batches(counter, bytes, |counter, batches| vaes::apply(keys, counter, batches)),
            #[cfg(target_arch = "x86_64")]
            Self::AesNi(keys) => in_batches(counter, bytes, |counter, batches| aes_ni::apply(keys, counter, batches)),
            #[cfg(target_arch = "x86_64")]
            Self::Sse2(keys) => in_batches(counter, bytes, |counter, batches| sse2::apply(keys, counter, batches)),
            #[cfg(target_arch = "aarch64")]
            Self::Aes(keys) => in_batches(counter, bytes, |counter, batches| aarch64::apply(keys, counter, batches)),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(keys) => in_batches(counter, bytes, |counter, batches| neon::apply(keys, counter, batches)),
            #[cfg(all(target_arch = "arm", target_os = "linux"))]
            Self::Aes(keys) => in_batches(counter, bytes, |counter, batches| aarch32::apply(keys, counter, batches)),
            #[cfg(all(target_arch = "arm", target_os = "linux"))]
            Self::Neon(keys) => in_batches(counter, bytes, |counter, batches| armv7::apply(keys, counter, batches)),
            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            Self::Library(keys) => {
                in_batches(counter, bytes, |counter, batches| library::apply(keys, counter, batches))
            }
        }
    }
}

/// The number of a first block. Within one call of a kernel its lower half does not run over.
#[derive(Clone, Copy)]
struct Counter {
    high: u64,
    low: u64,
}

#[cfg(any(target_arch = "aarch64", all(target_arch = "arm", target_os = "linux")))]
impl Counter {
    /// Eight blocks in succession.
    #[inline(always)]
    fn blocks(self) -> [[u8; 16]; 8] {
        let mut blocks = [[0; 16]; 8];
        for (number, block) in (0..).zip(&mut blocks) {
            block[..8].copy_from_slice(&self.high.to_be_bytes());
            block[8..].copy_from_slice(&self.low.wrapping_add(number).to_be_bytes());
        }
        blocks
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
        let low = counter.low.wrapping_add((batches.len() * BATCH / 16) as u64);
        let mut last = [0; BATCH];
        last[..rest.len()].copy_from_slice(rest);
        apply(Counter { low, ..counter }, core::slice::from_mut(&mut last));
        rest.copy_from_slice(&last[..rest.len()]);
        // The key stream behind the rest is that of the next message.
        last = [0; BATCH];
        zeroize::optimization_barrier(&last);
    }
}

#[cfg(test)]
mod tests;
