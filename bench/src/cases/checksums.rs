//! CRC-32 of log entries and XXH64 of index files.

use std::hint::black_box;

use nanoprobe_cpu::Form;
use nanoprobe_crypto::{Crc32Form, Xxh64, crc32_with};

use super::forms::usable;
use crate::{
    case::{Case, Group, Pass},
    inputs::noise,
};

const SIZES: [usize; 2] = [4 << 10, 1 << 20];

pub(super) fn add(cases: &mut Vec<Case>) {
    for (form, chosen) in usable::<Crc32Form>() {
        for bytes in SIZES {
            let case = Case::new(Group::Checksum, "crc32", bytes, move || {
                Pass::new(bytes, move || crc32_with(form, 0, black_box(noise(bytes))))
            });
            cases.push(case.form(form.name(), chosen));
        }
    }
    for bytes in SIZES {
        cases.push(Case::new(Group::Checksum, "xxh64", bytes, move || {
            Pass::new(bytes, move || {
                let mut hash = Xxh64::new();
                hash.update(black_box(noise(bytes)));
                hash.digest()
            })
        }));
    }
}
