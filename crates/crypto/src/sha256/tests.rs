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
            portable::compress([&mut expected], [&blocks[..count]]);
            for state in states {
                assert_eq!(state, expected, "{start} {count}");
            }
        }
    }
}

fn together(form: Sha256Form, messages: &[Vec<&[u8]>]) -> Vec<[u8; 32]> {
    let mut digests = std::vec![[0; 32]; messages.len()];
    each_with(form, messages.iter().map(|parts| parts.as_slice()).zip(&mut digests));
    digests
}

#[test]
fn all_lengths_beside_each_other_agree() {
    const LENGTHS: [usize; 12] = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 200, 500];
    let bytes = bytes(600);
    for &form in Sha256Form::ALL {
        for list in 0..12_usize.pow(3) {
            let lengths = [list % 12, list / 12 % 12, list / 144].map(|place| LENGTHS[place]);
            // Each place of the list has other bytes, so that an exchange of lanes shows.
            let messages = [0, 1, 2].map(|place| &bytes[place * 5..place * 5 + lengths[place]]);
            let parts = messages.map(|message| std::vec![&message[..message.len() / 3], &message[message.len() / 3..]]);
            assert_eq!(together(form, &parts), messages.map(expected), "{form:?} {lengths:?}");
        }
    }
}

proptest! {
    #[test]
    fn lists_of_messages_in_parts_agree(list in prop::collection::vec(prop::collection::vec(0..400_usize, 0..5), 0..12)) {
        let bytes = bytes(4_000);
        let mut start = 0;
        let messages: Vec<Vec<&[u8]>> = list.iter().map(|lengths| lengths.iter().map(|&length| {
            start = (start + 97) % 3_000;
            &bytes[start..start + length]
        }).collect()).collect();
        let answers: Vec<_> = messages.iter().map(|parts| expected(&parts.concat())).collect();
        for &form in Sha256Form::ALL {
            prop_assert_eq!(together(form, &messages), answers.clone());
        }
    }

    #[test]
    fn pieces_give_the_hash_of_the_whole(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12)) {
        let parts: Vec<_> = pieces.iter().map(|piece| piece.as_slice()).collect();
        for &form in Sha256Form::ALL {
            prop_assert_eq!(with(form, &parts), expected(&pieces.concat()));
        }
    }
}
