//! What a key is expanded into (FIPS 197, section 5.2), once a session and without look-ups by secret bytes: the same for
//! all forms, which then arrange it as they need it.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::substitution::substitute_bytes;

/// Round keys of AES-256, one for the input and one for each of 14 rounds. Wiped on drop.
#[derive(Clone)]
#[repr(C, align(16))]
pub(crate) struct RoundKeys(pub(crate) [[u8; 16]; 15]);

impl RoundKeys {
    /// Expands the key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let mut keys = Self([[0; 16]; 15]);
        let (words, _) = keys.0.as_flattened_mut().as_chunks_mut::<4>();
        let (given, _) = key.as_chunks::<4>();
        words[..8].copy_from_slice(given);
        let mut round_constant = 1;
        for index in 8..words.len() {
            let mut word = u32::from_le_bytes(words[index - 1]);
            if index.is_multiple_of(8) {
                word = substitute_bytes(word.rotate_right(8)) ^ round_constant;
                round_constant <<= 1;
            } else if index % 8 == 4 {
                word = substitute_bytes(word);
            }
            words[index] = (word ^ u32::from_le_bytes(words[index - 8])).to_le_bytes();
        }
        keys
    }
}

impl Drop for RoundKeys {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for RoundKeys {}

#[cfg(test)]
mod tests {
    use super::RoundKeys;

    /// FIPS 197, appendix A.3: the last round key.
    #[test]
    fn the_key_of_the_standard_is_expanded_as_there() {
        let key = 0x603d_eb10_15ca_71be_2b73_aef0_857d_7781_u128.to_be_bytes();
        let more = 0x1f35_2c07_3b61_08d7_2d98_10a3_0914_dff4_u128.to_be_bytes();
        let keys = RoundKeys::new([key, more].as_flattened().try_into().unwrap());
        assert_eq!(keys.0[2], 0x9ba3_5411_8e69_25af_a51a_8b5f_2067_fcde_u128.to_be_bytes());
        assert_eq!(keys.0[14], 0xfe48_90d1_e618_8d0b_046d_f344_706c_631e_u128.to_be_bytes());
    }
}
