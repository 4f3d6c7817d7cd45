//! SHA-256: chunk ids without a key, and beneath HMAC and PBKDF2 those of the older encryption modes.
//!
//! One file per instruction set with equal signatures. Instructions for SHA-256 wait for each other in one message; so whoever
//! has several messages hands them in together.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod lanes;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use nanoprobe_cpu::{Choice, Features, Form};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::forms::known_message;
pub(crate) use lanes::finish_each;

pub(crate) const BLOCK_BYTES: usize = 64;

/// A way to compute SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sha256Form {
    /// The SHA extensions of x86: two rounds an instruction.
    #[cfg(target_arch = "x86_64")]
    ShaNi,
    /// The cryptographic extension of ARMv8: four rounds an instruction.
    #[cfg(target_arch = "aarch64")]
    Sha2,
    /// Words in registers, the message beside them.
    Portable,
}

impl Form for Sha256Form {
    const ALL: &'static [Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::ShaNi,
        #[cfg(target_arch = "aarch64")]
        Self::Sha2,
        Self::Portable,
    ];

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::ShaNi => "sha_ni",
            #[cfg(target_arch = "aarch64")]
            Self::Sha2 => "sha2",
            Self::Portable => "portable",
        }
    }

    fn needs(self) -> Features {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::ShaNi => x86::NEEDS,
            #[cfg(target_arch = "aarch64")]
            Self::Sha2 => aarch64::NEEDS,
            Self::Portable => Features::NONE,
        }
    }

    fn choice() -> &'static Choice<Self> {
        &CHOICE
    }

    fn is_right(self) -> bool {
        let message = known_message();
        let mut hash = Sha256::with(self);
        hash.update(&message[..200]);
        hash.update(&message[200..]);
        let mut together = [[0; 32]; 2];
        let tasks = [&message[..], &message[7..]].into_iter().zip(&mut together);
        each_with(self, tasks.map(|(message, digest)| ([message], digest)));
        hash.finish() == KNOWN_ANSWER && together == [KNOWN_ANSWER, KNOWN_ANSWER_FROM_7]
    }
}

impl Sha256Form {
    /// Absorbs whole blocks; by the portable form where the CPU cannot run this one.
    pub(crate) fn compress(self, state: &mut [u32; 8], blocks: &[[u8; BLOCK_BYTES]]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::ShaNi => x86::compress([state], [blocks]),
            #[cfg(target_arch = "aarch64")]
            Self::Sha2 => aarch64::compress([state], [blocks]),
            Self::Portable => portable::compress([state], [blocks]),
        }
    }

    /// Absorbs equally many whole blocks into each of two states.
    fn compress_two(self, states: [&mut [u32; 8]; 2], blocks: [&[[u8; BLOCK_BYTES]]; 2]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::ShaNi => x86::compress(states, blocks),
            #[cfg(target_arch = "aarch64")]
            Self::Sha2 => aarch64::compress(states, blocks),
            Self::Portable => portable::compress(states, blocks),
        }
    }
}

static CHOICE: Choice<Sha256Form> = Choice::undecided();

/// SHA-256 of the concatenation of `parts`.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finish()
}

/// SHA-256 of each message, given as its parts and where its digest goes. Any number of messages of any lengths; two of like
/// length, or many with the longest first, go fastest.
pub fn sha256_each<'data, 'digest, Parts: AsRef<[&'data [u8]]>>(
    messages: impl IntoIterator<Item = (Parts, &'digest mut [u8; 32])>,
) {
    each_with(Sha256Form::chosen(), messages.into_iter());
}

fn each_with<'data, 'digest, Parts: AsRef<[&'data [u8]]>>(
    form: Sha256Form,
    messages: impl Iterator<Item = (Parts, &'digest mut [u8; 32])>,
) {
    let messages = messages.map(|(parts, digest)| (Zeroizing::new(INITIAL), 0, parts, digest));
    finish_each(form, messages, |state, digest| *digest = digest_of(state));
}

/// Streaming SHA-256. Wiped on drop.
#[derive(Clone)]
pub struct Sha256 {
    form: Sha256Form,
    state: [u32; 8],
    /// Bytes of a block that is not whole yet.
    gathered: [u8; BLOCK_BYTES],
    absorbed_bytes: u64,
}

impl Sha256 {
    /// An empty hash.
    pub fn new() -> Self {
        Self::with(Sha256Form::chosen())
    }

    /// An empty hash by one form.
    pub fn with(form: Sha256Form) -> Self {
        Self::behind(form, &INITIAL, 0)
    }

    /// A hash that goes on where whole blocks have been absorbed.
    pub(crate) fn behind(form: Sha256Form, state: &[u32; 8], absorbed_bytes: u64) -> Self {
        Self { form, state: *state, gathered: [0; BLOCK_BYTES], absorbed_bytes }
    }

    /// Absorbs bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let filled = self.filled();
        self.absorbed_bytes = self.absorbed_bytes.wrapping_add(bytes.len() as u64);
        if filled > 0 {
            let (head, rest) = bytes.split_at(bytes.len().min(BLOCK_BYTES - filled));
            self.gathered[filled..filled + head.len()].copy_from_slice(head);
            if filled + head.len() < BLOCK_BYTES {
                return;
            }
            self.form.compress(&mut self.state, &[self.gathered]);
            bytes = rest;
        }
        let (blocks, tail) = bytes.as_chunks();
        self.form.compress(&mut self.state, blocks);
        self.gathered[..tail.len()].copy_from_slice(tail);
    }

    /// The digest.
    pub fn finish(mut self) -> [u8; 32] {
        let filled = self.filled();
        let bits = self.absorbed_bytes.wrapping_mul(8);
        self.gathered[filled] = 0x80;
        self.gathered[filled + 1..].fill(0);
        if filled >= LENGTH_AT {
            self.form.compress(&mut self.state, &[self.gathered]);
            self.gathered.fill(0);
        }
        self.gathered[LENGTH_AT..].copy_from_slice(&bits.to_be_bytes());
        self.form.compress(&mut self.state, &[self.gathered]);
        digest_of(&self.state)
    }

    /// Bytes gathered; always fewer than a block.
    fn filled(&self) -> usize {
        (self.absorbed_bytes % BLOCK_BYTES as u64) as usize
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sha256 {
    fn drop(&mut self) {
        self.state.zeroize();
        self.gathered.zeroize();
    }
}

impl ZeroizeOnDrop for Sha256 {}

/// The state as bytes.
pub(crate) fn digest_of(state: &[u32; 8]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

/// The number of bits of the message stands here in its last block.
pub(crate) const LENGTH_AT: usize = BLOCK_BYTES - 8;

/// The initial state (FIPS 180-4, section 5.3.3).
pub(crate) const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// One for each round (FIPS 180-4, section 4.2.2).
#[rustfmt::skip]
const CONSTANTS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// Of the message in `is_right`.
const KNOWN_ANSWER: [u8; 32] = [
    0xf1, 0x8f, 0x06, 0x80, 0x9d, 0x04, 0x13, 0x40, 0xe6, 0xe4, 0xc7, 0x2e, 0xe5, 0x31, 0x26, 0xdd, 0x02, 0x9d, 0xad,
    0x9e, 0x97, 0xee, 0xfd, 0xb9, 0x42, 0x00, 0xf2, 0x92, 0x7a, 0x6c, 0x3a, 0xbd,
];

/// Of the same without its first seven bytes.
const KNOWN_ANSWER_FROM_7: [u8; 32] = [
    0xfb, 0xb9, 0xbc, 0xf1, 0x45, 0xab, 0x28, 0x44, 0x35, 0x34, 0xdb, 0x98, 0x43, 0xb3, 0x53, 0x0a, 0x9b, 0xfb, 0x8b,
    0x14, 0x04, 0x08, 0xc6, 0xfd, 0x80, 0xc1, 0x8e, 0xa3, 0xbc, 0x8b, 0xaa, 0xc0,
];

#[cfg(test)]
mod tests;
