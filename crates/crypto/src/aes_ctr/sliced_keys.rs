//! Round keys for the forms that work on bits: vector number b holds bit b of every byte.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Counter;
use super::round_keys::RoundKeys;
use super::substitution::CONSTANT;

/// How many blocks go together, in bytes.
pub(super) const BATCH: usize = 128;

/// Round keys as the vectors of bits that are XORed to the state. Wiped on drop.
#[derive(Clone)]
#[repr(C, align(16))]
pub(super) struct SlicedKeys(pub(super) [[[u8; 16]; 8]; 15]);

impl SlicedKeys {
    /// Arranges them, with the constant that the circuit leaves out; `place` tells where in a vector the byte of a row and
    /// a column stands.
    pub(super) fn new(round_keys: &RoundKeys, place: impl Fn(usize, usize) -> usize) -> Self {
        let mut sliced = Self([[[0; 16]; 8]; 15]);
        for (round, (vectors, key)) in sliced.0.iter_mut().zip(&round_keys.0).enumerate() {
            for (position, byte) in key.iter().enumerate() {
                let (row, column) = (position % 4, position / 4);
                let place = place(row, (column + (ALREADY_SHIFTED + round) * row) % 4);
                let byte = if round == 0 { *byte } else { byte ^ CONSTANT };
                for (bit, vector) in vectors.iter_mut().enumerate() {
                    vector[place] = (byte >> bit & 1).wrapping_neg();
                }
            }
        }
        sliced
    }
}

impl Drop for SlicedKeys {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SlicedKeys {}

/// By how many rounds' ShiftRows the counters are ahead: these and 14 more are whole turns.
const ALREADY_SHIFTED: usize = 2;

/// Eight blocks in succession, with rows 1 and 3 two columns off: these are the odd bytes of either half.
#[inline(always)]
pub(super) fn counters(first: Counter) -> [[u8; 16]; 8] {
    const EVEN_ROWS: u64 = u64::from_le_bytes([0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0]);
    let mut blocks = [[0; 16]; 8];
    let left = u64::from_le_bytes(first.high.to_be_bytes());
    for (number, block) in (0..).zip(&mut blocks) {
        let right = u64::from_le_bytes(first.low.wrapping_add(number).to_be_bytes());
        block[..8].copy_from_slice(&(left & EVEN_ROWS | right & !EVEN_ROWS).to_le_bytes());
        block[8..].copy_from_slice(&(right & EVEN_ROWS | left & !EVEN_ROWS).to_le_bytes());
    }
    blocks
}
