//! FastCDC (Xia et al. 2020): a gear hash, a strict mask below the average size and a loose one above, two bytes a step.
//!
//! Cuts are those of the `fastcdc` crate, version 2020 with normalization level 1, given the same gear table; the tests
//! hold the two together. The crate itself needs std and would hash a chunk anew whenever more of it has been read.
//!
//! The gear table comes from the key: one number XORed over a public table, as elsewhere, would let sizes tell more.
//! Even so, keyed tables hinder fingerprinting by chunk sizes but do not prevent it.

use crate::Stream;
use crate::parameters::power;

pub(crate) struct FastCdc {
    minimum: usize,
    average: usize,
    maximum: usize,
    strict: u64,
    loose: u64,
    gear: [u64; 256],
    /// Bytes of the current chunk that have been hashed or skipped, at least the minimum, always even.
    position: usize,
    hash: u64,
    /// The hash is still that of an earlier position.
    is_hash_due: bool,
}

impl FastCdc {
    pub(crate) fn new(minimum: u8, average: u8, maximum: u8, seed: u32, gear: Option<&[u64; 256]>) -> Self {
        // One bit more and one bit less than the average asks for: normalization level 1.
        let average = average.clamp(6, 24);
        Self {
            minimum: power(minimum.max(1)),
            average: power(average),
            maximum: power(maximum.max(minimum).max(1)),
            strict: MASKS[usize::from(average) + 1 - FIRST_MASK_BITS],
            loose: MASKS[usize::from(average) - 1 - FIRST_MASK_BITS],
            gear: gear.copied().unwrap_or_else(|| spread(seed)),
            position: 0,
            hash: 0,
            is_hash_due: false,
        }
    }

    pub(crate) fn restart(&mut self) {
        self.position = 0;
        self.hash = 0;
        self.is_hash_due = false;
    }

    /// The first `known` bytes of this chunk hold no cut; an odd last one was not tested.
    pub(crate) fn skip(&mut self, known: usize) {
        let position = known.min(self.maximum) & !1;
        if position > self.position.max(self.minimum) {
            self.position = position;
            self.is_hash_due = true;
        }
    }

    pub(crate) fn next_cut(&mut self, window: &[u8], stream: Stream) -> Option<usize> {
        let limit = window.len().min(self.maximum);
        let found = self.scan(&window[..limit]);
        let cut = stream.cut(found, limit, self.maximum)?;
        self.restart();
        Some(cut)
    }

    /// Goes on through `bytes`, which begin where the chunk begins, in whole pairs: a last odd byte is never a cut.
    fn scan(&mut self, bytes: &[u8]) -> Option<usize> {
        if bytes.len() <= self.minimum {
            return None;
        }
        self.position = self.position.max(self.minimum);
        if self.is_hash_due {
            self.hash = self.hash_before(bytes.get(..self.position)?);
            self.is_hash_due = false;
        }
        let strict_end = self.average.min(bytes.len());
        if self.position < strict_end
            && let Some(cut) = self.pairs(&bytes[..strict_end], self.strict)
        {
            return Some(cut);
        }
        self.pairs(bytes, self.loose)
    }

    /// The hash when `bytes` have been read. Each byte moves those before it one bit on, so that 64 are all of it; and
    /// what lies before the minimum is in no hash.
    fn hash_before(&self, bytes: &[u8]) -> u64 {
        let hashed = &bytes[self.minimum.max(bytes.len().saturating_sub(64))..];
        hashed.iter().fold(0, |hash: u64, &byte| (hash << 1).wrapping_add(self.gear[usize::from(byte)]))
    }

    #[inline]
    fn pairs(&mut self, bytes: &[u8], mask: u64) -> Option<usize> {
        let (pairs, _) = bytes.get(self.position..)?.as_chunks::<2>();
        let mut hash = self.hash;
        for (index, [first, second]) in pairs.iter().enumerate() {
            // The first of the pair is tested one bit further left: one shift less a pair.
            hash = (hash << 2).wrapping_add(self.gear[usize::from(*first)] << 1);
            if hash & (mask << 1) == 0 {
                return Some(self.position + 2 * index);
            }
            hash = hash.wrapping_add(self.gear[usize::from(*second)]);
            if hash & mask == 0 {
                return Some(self.position + 2 * index + 1);
            }
        }
        self.hash = hash;
        self.position += 2 * pairs.len();
        None
    }
}

/// A table from 32 bits, by the SplitMix64 sequence.
fn spread(seed: u32) -> [u64; 256] {
    let mut state = u64::from(seed);
    core::array::from_fn(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// The number of bits of `MASKS[0]`.
const FIRST_MASK_BITS: usize = 5;

/// Masks of 5 to 25 bits, spread as the authors of FastCDC and its users spread them.
const MASKS: [u64; 21] = [
    0x0000_0000_0180_4110,
    0x0000_0000_0180_3110,
    0x0000_0000_1803_5100,
    0x0000_0018_0003_5300,
    0x0000_0190_0035_3000,
    0x0000_5900_0353_0000,
    0x0000_d900_0353_0000,
    0x0000_d901_0353_0000,
    0x0000_d903_0353_0000,
    0x0000_d903_1353_0000,
    0x0000_d90f_0353_0000,
    0x0000_d903_0353_7000,
    0x0000_d907_0353_7000,
    0x0000_d907_0753_7000,
    0x0000_d917_0753_7000,
    0x0000_d917_4753_7000,
    0x0000_d917_6753_7000,
    0x0000_d937_6753_7000,
    0x0000_d937_7753_7000,
    0x0000_d937_7757_7000,
    0x0000_db37_7757_7000,
];
