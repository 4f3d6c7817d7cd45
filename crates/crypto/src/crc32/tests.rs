use proptest::prelude::*;

use super::*;

/// The definition, a bit at a time.
fn plain(crc: u32, bytes: &[u8]) -> u32 {
    let mut remainder = !crc;
    for &byte in bytes {
        remainder ^= u32::from(byte);
        for _ in 0..8 {
            remainder = (remainder >> 1) ^ (0xedb8_8320 * (remainder & 1));
        }
    }
    !remainder
}

fn message(length: usize) -> std::vec::Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect()
}

#[test]
fn every_length_and_alignment_agrees_with_the_definition() {
    let bytes = message(400);
    for start in 0..17 {
        for end in start..bytes.len() {
            let expected = plain(7, &bytes[start..end]);
            for &form in Crc32Form::ALL {
                assert_eq!(crc32_with(form, 7, &bytes[start..end]), expected, "{form:?} {start}..{end}");
            }
        }
    }
}

#[test]
fn lengths_around_the_kernels_blocks_agree() {
    let bytes = message((1 << 16) + 80);
    for block in [512, 4096, 1 << 16] {
        for length in block - 70..=block + 70 {
            assert_eq!(crc32(0, &bytes[1..=length]), portable::update(0, &bytes[1..=length]), "{length}");
        }
    }
}

proptest! {
    #[test]
    fn pieces_give_the_hash_of_the_whole(bytes in prop::collection::vec(any::<u8>(), 0..3000), at in any::<prop::sample::Index>()) {
        let at = at.index(bytes.len() + 1);
        let whole = plain(0, &bytes);
        prop_assert_eq!(crc32(crc32(0, &bytes[..at]), &bytes[at..]), whole);
        prop_assert_eq!(portable::update(portable::update(0, &bytes[..at]), &bytes[at..]), whole);
    }
}
