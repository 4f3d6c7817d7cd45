use std::vec::Vec;

use aes::Aes256;
use aes::cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;
use proptest::prelude::*;

use super::*;

/// What the `aes` and `ctr` libraries make of it.
fn expected(key: &[u8; 32], counter: u64, bytes: &[u8]) -> Vec<u8> {
    let mut enciphered = bytes.to_vec();
    Ctr128BE::<Aes256>::new(key.into(), &u128::from(counter).to_be_bytes().into()).apply_keystream(&mut enciphered);
    enciphered
}

fn message(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect()
}

const KEY: [u8; 32] = *b"thirty-two bytes of a secret key";

#[test]
fn every_length_agrees_with_the_library() {
    let message = message(600);
    for &form in Aes256CtrForm::ALL {
        let cipher = Aes256Ctr::with(form, &KEY);
        for length in 0..message.len() {
            let mut bytes = message[..length].to_vec();
            cipher.apply(length as u64 * 3, &mut bytes);
            assert_eq!(bytes, expected(&KEY, length as u64 * 3, &message[..length]), "{form:?} {length}");
        }
    }
}

#[test]
fn every_alignment_agrees_with_the_library() {
    let message = message(600);
    for &form in Aes256CtrForm::ALL {
        let cipher = Aes256Ctr::with(form, &KEY);
        for start in 0..33 {
            for length in [1, 16, 31, 127, 128, 129, 255, 256, 257, 500] {
                let mut bytes = message.clone();
                let part = start..start + length;
                cipher.apply(7, &mut bytes[part.clone()]);
                assert_eq!(bytes[part.clone()], expected(&KEY, 7, &message[part.clone()]), "{form:?} {part:?}");
                assert_eq!(bytes[..start], message[..start]);
                assert_eq!(bytes[part.end..], message[part.end..]);
            }
        }
    }
}

#[test]
fn counters_around_the_borders_of_their_bytes_agree_with_the_library() {
    let message = message(600);
    for &form in Aes256CtrForm::ALL {
        let cipher = Aes256Ctr::with(form, &KEY);
        for border in [1_u64 << 8, 1 << 16, 1 << 31, 1 << 32, 1 << 40, 1 << 63, 0] {
            for before in 0..40 {
                let counter = border.wrapping_sub(before);
                let mut bytes = message.clone();
                cipher.apply(counter, &mut bytes);
                assert_eq!(bytes, expected(&KEY, counter, &message), "{form:?} {counter:#x}");
            }
        }
    }
}

#[test]
fn every_form_gives_the_known_answer() {
    for form in Aes256CtrForm::ALL {
        assert!(form.is_right(), "{form:?}");
    }
}

proptest! {
    #[test]
    fn any_key_and_counter_agree_with_the_library(
        key: [u8; 32], counter: u64, bytes in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        for &form in Aes256CtrForm::ALL {
            let mut enciphered = bytes.clone();
            Aes256Ctr::with(form, &key).apply(counter, &mut enciphered);
            prop_assert_eq!(enciphered, expected(&key, counter, &bytes));
        }
    }
}
