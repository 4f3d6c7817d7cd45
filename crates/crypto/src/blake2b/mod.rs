//! BLAKE2b-256 as Borg keys it: the 128-byte key is the first block of the message, not BLAKE2's own key parameter.
//! Both the chunk id and the MAC of the `-blake2` modes are made so.
//!
//! One file per instruction set with equal signatures. One message is a single chain of dependent steps, which leaves most of
//! a large CPU idle; so whoever has several messages hands them in together.
//!
//! RAM: 100 bytes a keyed hash, and some 3 KiB of stack while several messages are hashed.

#[cfg(target_arch = "arm")]
mod armv7;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod message;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use core::array;

use nanoprobe_cpu::{Choice, Features, Form};
use zeroize::Zeroizing;

use crate::forms::known_message;
use message::{Message, Step, digest_of, finish};

const BLOCK_BYTES: usize = 128;

/// A way to compute BLAKE2b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blake2bForm {
    /// Four messages side by side, or the four columns of one.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The four columns of a message side by side.
    #[cfg(target_arch = "arm")]
    Neon,
    /// Words of 64 bits; the fastest on 64-bit ARM, whose vectors are slower.
    Portable,
}

impl Form for Blake2bForm {
    const ALL: &'static [Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "arm")]
        Self::Neon,
        Self::Portable,
    ];

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "arm")]
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    fn needs(self) -> Features {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::NEEDS,
            #[cfg(target_arch = "arm")]
            Self::Neon => armv7::NEEDS,
            Self::Portable => Features::NONE,
        }
    }

    fn choice() -> &'static Choice<Self> {
        &CHOICE
    }

    /// Messages that fill lanes, leave them at different times, and end on and beside the border of a block.
    fn is_right(self) -> bool {
        let bytes = known_message();
        let Some(prefix) = bytes.first_chunk() else { return false };
        let prefixed = PrefixedBlake2b::with(self, prefix);
        let messages = [&bytes[3..], &bytes[1..129], &bytes[..257], &bytes[7..8], &bytes[..127], &bytes[2..386], &[]];
        let mut together = [[0; 32]; 7];
        let tasks = messages.iter().map(array::from_ref).zip(&mut together);
        PrefixedBlake2b::digest_each(tasks.map(|(parts, digest)| (&prefixed, parts, digest)));
        let alone = messages.map(|message| prefixed.digest(&[message]));
        alone == together && prefixed.digest(&[alone.as_flattened()]) == KNOWN_ANSWER
    }
}

impl Blake2bForm {
    /// Absorbs blocks into one state; by the portable form where the CPU cannot run this one.
    fn compress(self, state: &mut [u64; 8], counter: &mut u64, blocks: &[[u8; BLOCK_BYTES]], step: Step) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => match x86::Avx2::detect() {
                Some(avx2) => avx2.one(state, counter, blocks, step),
                None => portable::compress(state, counter, blocks, step),
            },
            #[cfg(target_arch = "arm")]
            Self::Neon => armv7::compress(state, counter, blocks, step),
            Self::Portable => portable::compress(state, counter, blocks, step),
        }
    }
}

static CHOICE: Choice<Blake2bForm> = Choice::undecided();

/// BLAKE2b-256 over a secret 128-byte prefix and the data. The state is wiped on drop.
#[derive(Clone)]
pub struct PrefixedBlake2b {
    form: Blake2bForm,
    /// The state behind the prefix.
    prefixed: Zeroizing<[u64; 8]>,
    /// The digest of the prefix alone, which is then the last block.
    of_nothing: Zeroizing<[u8; 32]>,
}

impl PrefixedBlake2b {
    /// Absorbs the prefix, one whole block, once.
    pub fn new(prefix: &[u8; 128]) -> Self {
        Self::with(Blake2bForm::chosen(), prefix)
    }

    /// Absorbs the prefix; by one form.
    pub fn with(form: Blake2bForm, prefix: &[u8; 128]) -> Self {
        let behind = |last| {
            let mut state = Zeroizing::new(INITIAL);
            state[0] ^= PARAMETERS;
            form.compress(&mut state, &mut 0, array::from_ref(prefix), Step { last, ..Step::WHOLE });
            state
        };
        Self { form, prefixed: behind(0), of_nothing: Zeroizing::new(digest_of(&behind(u64::MAX))) }
    }

    /// The digest of prefix ‖ `parts`.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut digest = *self.of_nothing;
        if !is_empty(parts) {
            finish(self.form, Message::new(parts, &mut digest), self.prefixed.clone(), BLOCK_BYTES as u64);
        }
        digest
    }

    /// The digest of each message, given as what is in front of it, its parts, and where its digest goes. Any number of
    /// messages of any lengths; four of like length, or many with the longest first, go fastest.
    pub fn digest_each<'prefix, 'data, 'digest, Parts: AsRef<[&'data [u8]]>>(
        messages: impl IntoIterator<Item = (&'prefix Self, Parts, &'digest mut [u8; 32])>,
    ) {
        let messages = messages.into_iter();
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = x86::Avx2::detect() {
            return lanes::digest_each(
                avx2,
                messages.filter_map(|(prefix, parts, digest)| {
                    if prefix.form == Blake2bForm::Avx2 && !is_empty(parts.as_ref()) {
                        return Some((&*prefix.prefixed, parts, digest));
                    }
                    *digest = prefix.digest(parts.as_ref());
                    None
                }),
            );
        }
        for (prefix, parts, digest) in messages {
            *digest = prefix.digest(parts.as_ref());
        }
    }
}

fn is_empty(parts: &[&[u8]]) -> bool {
    parts.iter().all(|part| part.is_empty())
}

/// BLAKE2b's initial values (RFC 7693, section 2.6).
const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// The first parameter word: no key of BLAKE2's own, one message that is not part of a tree, 32 bytes of digest.
const PARAMETERS: u64 = 0x0101_0020;

/// The order in which each round takes the words of the block (RFC 7693, section 2.7); the last two rounds start over.
const SCHEDULE: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// Of the messages in `is_right`.
const KNOWN_ANSWER: [u8; 32] = [
    0x25, 0xb6, 0xfc, 0x27, 0x11, 0xcf, 0x2b, 0x53, 0x40, 0xa7, 0x7c, 0xcf, 0x0f, 0xff, 0x11, 0x3e, 0x5b, 0x6f, 0x8f,
    0xae, 0x18, 0xeb, 0x3d, 0x81, 0xa2, 0xf4, 0xcd, 0x96, 0xf8, 0xe7, 0x7f, 0x51,
];

#[cfg(test)]
mod tests;
