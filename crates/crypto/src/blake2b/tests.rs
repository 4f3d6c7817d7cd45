use std::vec::Vec;

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use proptest::prelude::*;

use super::*;

const PREFIX: [u8; 128] = [0x5a; 128];

fn expected(message: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::new().chain_update(PREFIX).chain_update(message).finalize().into()
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect()
}

fn each<'a, Parts: AsRef<[&'a [u8]]>>(
    prefixed: &PrefixedBlake2b,
    messages: impl Iterator<Item = (Parts, &'a mut [u8; 32])>,
) {
    PrefixedBlake2b::digest_each(messages.map(|(parts, digest)| (prefixed, parts, digest)));
}

fn together(messages: &[&[u8]]) -> Vec<[u8; 32]> {
    let mut digests = std::vec![[0; 32]; messages.len()];
    each(&PrefixedBlake2b::new(&PREFIX), messages.iter().map(|&message| [message]).zip(&mut digests));
    digests
}

#[test]
fn all_lengths_beside_each_other_agree() {
    const LENGTHS: [usize; 10] = [0, 1, 127, 128, 129, 255, 256, 257, 384, 513];
    let bytes = bytes(600);
    // Each place of the list has other bytes, so that an exchange of lanes shows.
    let messages = LENGTHS.map(|length| [0, 1, 2, 3, 4].map(|place| &bytes[place * 5..place * 5 + length]));
    let answers = messages.map(|places| places.map(expected));
    for count in 0..=5_u32 {
        for list in 0..10_usize.pow(count.min(4)) {
            let length = |place: u32| if place == 4 { (list * 7) % 10 } else { list / 10_usize.pow(place) % 10 };
            let chosen: Vec<_> = (0..count).map(|place| messages[length(place)][place as usize]).collect();
            let answers: Vec<_> = (0..count).map(|place| answers[length(place)][place as usize]).collect();
            assert_eq!(
                together(&chosen),
                answers,
                "{:?}",
                chosen.iter().map(|message| message.len()).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn one_message_of_every_length_agrees() {
    let bytes = bytes(800);
    let prefixed = PrefixedBlake2b::new(&PREFIX);
    for length in 0..bytes.len() {
        let expected = expected(&bytes[..length]);
        assert_eq!(prefixed.digest(&[&bytes[..length]]), expected, "{length}");
        assert_eq!(prefixed.digest(&[&bytes[..length / 3], &[], &bytes[length / 3..length]]), expected, "{length}");
    }
}

#[test]
fn every_place_of_a_cut_agrees_in_all_lanes() {
    let bytes = bytes(520);
    let expected = expected(&bytes);
    let prefixed = PrefixedBlake2b::new(&PREFIX);
    for cut in 0..=bytes.len() {
        let mut digests = [[0; 32]; 4];
        let places = [cut, bytes.len() - cut, cut / 2, 128];
        let messages = places.map(|place| [&bytes[..place], &bytes[place..place], &bytes[place..]]);
        each(&prefixed, messages.into_iter().zip(&mut digests));
        assert_eq!(digests, [expected; 4], "{cut}");
    }
}

#[test]
fn a_message_over_many_runs_beside_short_ones_agrees() {
    let bytes = bytes(300_000);
    let mut messages: Vec<&[u8]> = std::vec![&bytes];
    messages.extend(bytes.chunks(7_001));
    messages.push(&bytes[..200_000]);
    let answers: Vec<_> = messages.iter().map(|message| expected(message)).collect();
    assert_eq!(together(&messages), answers);
}

#[test]
fn each_message_has_its_own_prefix() {
    let bytes = bytes(1_000);
    let prefixes = [[1; 128], [2; 128], [3; 128]].map(|prefix| PrefixedBlake2b::new(&prefix));
    let mut digests = [[0; 32]; 9];
    let tasks = digests.iter_mut().enumerate().map(|(n, digest)| (&prefixes[n % 3], [&bytes[..n * 100]], digest));
    PrefixedBlake2b::digest_each(tasks);
    for (n, digest) in digests.iter().enumerate() {
        assert_eq!(*digest, prefixes[n % 3].digest(&[&bytes[..n * 100]]), "{n}");
    }
}

#[test]
fn every_form_agrees_at_every_length_alone_and_together() {
    let bytes = bytes(400);
    for &form in Blake2bForm::ALL {
        let prefixed = PrefixedBlake2b::with(form, &PREFIX);
        for length in 0..bytes.len() {
            let lengths = [length, length / 2, 0, 400 - length, 128];
            let messages = lengths.map(|length| [&bytes[..length / 5], &bytes[length / 5..length]]);
            let answers = lengths.map(|length| expected(&bytes[..length]));
            let mut digests = [[0; 32]; 5];
            each(&prefixed, messages.into_iter().zip(&mut digests));
            assert_eq!(digests, answers, "{form:?} {length}");
            assert_eq!(messages.map(|message| prefixed.digest(&message)), answers, "{form:?} {length}");
        }
    }
}

#[test]
fn every_alignment_and_number_of_blocks_agrees_with_the_portable_form() {
    let bytes = bytes(128 * 9);
    for start in 0..128 {
        let (blocks, _) = bytes[start..].as_chunks();
        for count in 0..=blocks.len() {
            let states = Blake2bForm::ALL.iter().map(|form| {
                let (mut state, mut counter) = (INITIAL, 1 << 40);
                form.compress(&mut state, &mut counter, &blocks[..count], Step::WHOLE);
                (state, counter)
            });
            let (mut state, mut counter) = (INITIAL, 1 << 40);
            portable::compress(&mut state, &mut counter, &blocks[..count], Step::WHOLE);
            for given in states {
                assert_eq!(given, (state, counter), "{start} {count}");
            }
        }
    }
}

proptest! {
    #[test]
    fn lists_of_messages_in_parts_agree(list in prop::collection::vec(prop::collection::vec(0..700_usize, 0..5), 0..12)) {
        let bytes = bytes(4_000);
        let mut start = 0;
        let messages: Vec<Vec<&[u8]>> = list.iter().map(|lengths| lengths.iter().map(|&length| {
            start = (start + 97) % 3_000;
            &bytes[start..start + length]
        }).collect()).collect();
        let mut digests = std::vec![[0; 32]; messages.len()];
        each(&PrefixedBlake2b::new(&PREFIX), messages.iter().map(|parts| parts.as_slice()).zip(&mut digests));
        for (parts, digest) in messages.iter().zip(digests) {
            prop_assert_eq!(digest, expected(&parts.concat()));
        }
    }
}
