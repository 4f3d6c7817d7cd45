//! Round keys for the forms that work on bits: vector number b holds bit b of every byte.

use core::array;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::round_keys::RoundKeys;
use super::substitution::CONSTANT;
use crate::aes_ctr::Counter;

/// How many blocks go together, in bytes.
pub(crate) const BATCH: usize = 128;

/// Round keys as the vectors of bits that are XORed to the state. Wiped on drop.
#[derive(Clone)]
#[repr(C, align(16))]
pub(crate) struct SlicedKeys(pub(crate) [[[u8; 16]; 8]; 15]);

impl SlicedKeys {
    /// Expands the key, with the constant that the circuit leaves out; `place` tells where in a vector the byte of a row and
    /// a column stands.
    pub(crate) fn new(key: &[u8; 32], place: impl Fn(usize, usize) -> usize) -> Self {
        let round_keys = RoundKeys::new(key);
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
pub(crate) fn counters(first: Counter) -> [[u8; 16]; 8] {
    const EVEN_ROWS: u128 = 0x00ff_00ff_00ff_00ff_00ff_00ff_00ff_00ff;
    array::from_fn(|number| {
        let block = u128::from_le_bytes(first.plus(number as u64).block());
        (block & EVEN_ROWS | block.rotate_left(64) & !EVEN_ROWS).to_le_bytes()
    })
}
