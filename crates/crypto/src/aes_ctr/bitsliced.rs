//! AES-256 of eight blocks at once without cryptographic instructions: vector number b holds bit b of every byte, its byte
//! p belongs to byte p of the blocks and its bit n to block n. So SubBytes is a circuit, and MixColumns shuffles bytes.
//!
//! ShiftRows is left out ("fixslicing": A. Adomnicai and T. Peyrin, "Fixslicing AES-like ciphers", TCHES 2021). After r
//! rounds the bytes of row i stand r·i columns too far right, which MixColumns and the round keys take into account; the
//! counters start two columns off, so that after 14 rounds every byte is in its place.
//!
//! RAM: 1,920 bytes of round keys.

use core::ops::{BitAnd, BitXor};

use super::kernel::sliced_keys::{BATCH, SlicedKeys, counters};
use super::kernel::substitution::substitute;
use super::{Counter, in_batches};

/// Sixteen bytes of bits, and what an instruction set does with them.
pub(super) trait Vector: Copy + BitAnd<Output = Self> + BitXor<Output = Self> {
    /// Reads sixteen bytes.
    fn load(bytes: &[u8; 16]) -> Self;

    /// Writes sixteen bytes.
    fn store(self, bytes: &mut [u8; 16]);

    /// In every group of `2 * BITS` bits, exchanges the upper half of `low` for the lower half of `high`.
    fn exchange<const BITS: i32>(low: Self, high: Self) -> (Self, Self);

    /// Of every byte, that which is `ROWS` below and `COLUMNS` to the right, both around the edge. Byte 4c + r of a block
    /// stands in row r and column c.
    fn turn<const ROWS: u32, const COLUMNS: u32>(self) -> Self;
}

/// Round keys with byte 4c + r of a block in row r and column c, as it is in a block. Wiped on drop.
#[derive(Clone)]
pub(super) struct Keys(SlicedKeys);

impl Keys {
    /// Expands the key.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(SlicedKeys::new(key, |row, column| 4 * column + row))
    }

    /// XORs the key stream that starts at `counter` over `bytes`.
    pub(super) fn apply<V: Vector>(&self, counter: Counter, bytes: &mut [u8]) {
        in_batches(counter, bytes, |counter, batches| apply::<V>(&self.0, counter, batches));
    }
}

fn apply<V: Vector>(keys: &SlicedKeys, mut counter: Counter, batches: &mut [[u8; BATCH]]) {
    for batch in batches {
        let stream = encrypt::<V>(keys, counters(counter).map(|block| V::load(&block)));
        let (blocks, _) = batch.as_chunks_mut::<16>();
        for (block, stream) in blocks.iter_mut().zip(stream) {
            (V::load(block) ^ stream).store(block);
        }
        counter = counter.plus(8);
    }
}

#[inline(always)]
fn encrypt<V: Vector>(SlicedKeys(keys): &SlicedKeys, blocks: [V; 8]) -> [V; 8] {
    let mut state = add_key(transpose(blocks), &keys[0]);
    let (turns, _) = keys[1..13].as_chunks::<4>();
    for turn in turns {
        state = add_key(mix_columns::<V, 3, 2>(substitute(state)), &turn[0]);
        state = add_key(mix_columns::<V, 0, 0>(substitute(state)), &turn[1]);
        state = add_key(mix_columns::<V, 1, 2>(substitute(state)), &turn[2]);
        state = add_key(mix_columns::<V, 2, 0>(substitute(state)), &turn[3]);
    }
    state = add_key(mix_columns::<V, 3, 2>(substitute(state)), &keys[13]);
    transpose(add_key(substitute(state), &keys[14]))
}

#[inline(always)]
fn add_key<V: Vector>(mut state: [V; 8], key: &[[u8; 16]; 8]) -> [V; 8] {
    for (bits, key) in state.iter_mut().zip(key) {
        *bits = *bits ^ V::load(key);
    }
    state
}

/// MixColumns, where what stands one row further down in the same column is `ONCE` columns to the right, and `TWICE` in
/// two rows. A byte becomes 2·itself + 3·next + next but one + last of its column.
#[inline(always)]
fn mix_columns<V: Vector, const ONCE: u32, const TWICE: u32>(state: [V; 8]) -> [V; 8] {
    let next = state.map(|bits| bits.turn::<1, ONCE>());
    let mut sum = state;
    for (bits, next) in sum.iter_mut().zip(next) {
        *bits = *bits ^ next;
    }
    // Twice a byte: its bits one place up, and the highest of them comes back as x⁴ + x³ + x + 1.
    let highest = sum[7];
    let doubled = [highest, sum[0] ^ highest, sum[1], sum[2] ^ highest, sum[3] ^ highest, sum[4], sum[5], sum[6]];
    let mut mixed = doubled;
    for (bits, (sum, next)) in mixed.iter_mut().zip(sum.into_iter().zip(next)) {
        *bits = *bits ^ next ^ sum.turn::<2, TWICE>();
    }
    mixed
}

/// Bit b of block n becomes bit n of vector b, and the reverse.
#[inline(always)]
fn transpose<V: Vector>(mut vectors: [V; 8]) -> [V; 8] {
    for (low, high) in [(0, 4), (1, 5), (2, 6), (3, 7)] {
        (vectors[low], vectors[high]) = V::exchange::<4>(vectors[low], vectors[high]);
    }
    for (low, high) in [(0, 2), (1, 3), (4, 6), (5, 7)] {
        (vectors[low], vectors[high]) = V::exchange::<2>(vectors[low], vectors[high]);
    }
    for (low, high) in [(0, 1), (2, 3), (4, 5), (6, 7)] {
        (vectors[low], vectors[high]) = V::exchange::<1>(vectors[low], vectors[high]);
    }
    vectors
}
