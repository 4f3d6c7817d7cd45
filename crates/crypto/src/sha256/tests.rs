use std::vec::Vec;

use proptest::prelude::*;
use sha2::Digest;

use super::*;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect()
}

fn expected(message: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(message).into()
}

fn with(form: Sha256Form, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::with(form);
    for part in parts {
        hash.update(part);
    }
    hash.finish()
}

#[test]
fn every_length_agrees_in_every_form() {
    let bytes = bytes(400);
    for length in 0..bytes.len() {
        let message = &bytes[..length];
        let expected = expected(message);
        for &form in Sha256Form::ALL {
            assert_eq!(with(form, &[message]), expected, "{form:?} {length}");
            assert_eq!(
                with(form, &[&message[..length / 3], &[], &message[length / 3..]]),
                expected,
                "{form:?} {length}"
            );
        }
    }
}

#[test]
fn every_number_of_blocks_and_alignment_agrees_with_the_portable_form() {
    let bytes = bytes(64 * 40 + 64);
    for start in 0..64 {
        let (blocks, _) = bytes[start..].as_chunks();
        for count in 0..=40 {
            let states = Sha256Form::ALL.iter().map(|form| {
                let mut state = INITIAL;
                form.compress(&mut state, &blocks[..count]);
                state
            });
            let mut expected = INITIAL;
            portable::compress(&mut expected, &blocks[..count]);
            for state in states {
                assert_eq!(state, expected, "{start} {count}");
            }
        }
    }
}

proptest! {
    #[test]
    fn pieces_give_the_hash_of_the_whole(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12)) {
        let parts: Vec<_> = pieces.iter().map(|piece| piece.as_slice()).collect();
        for &form in Sha256Form::ALL {
            prop_assert_eq!(with(form, &parts), expected(&pieces.concat()));
        }
    }
}
