//! The chunkers that look at the data, by the parameters that users give. Blocks of equal size (`fixed`) are found without a
//! look at them, in no time that could be measured.

use std::hint::black_box;

use nanoprobe_chunker::{BuzhashForm, Chunker, Parameters};
use nanoprobe_cpu::Form;

use super::forms::usable;

use crate::{
    case::{Case, Group, Pass},
    chunks::chunks,
    inputs::{NOISE_BYTES, noise},
};

/// Borg's default.
pub(crate) const DEFAULT: &str = "buzhash,19,23,21,4095";
pub(crate) const FASTCDC: &str = "fastcdc,19,21,23";

/// Also Borg's for the item stream, and one that hashes nearly every byte.
const BUZHASHES: [&str; 3] = [DEFAULT, "buzhash,15,19,17,4095", "buzhash,6,23,21,4095"];

pub(super) fn add(cases: &mut Vec<Case>) {
    for name in BUZHASHES {
        for (form, chosen) in usable::<BuzhashForm>() {
            let case = case(name, move || Chunker::with_form(parameters(name), SEED, None, form));
            cases.push(case.form(form.name(), chosen));
        }
    }
    cases.push(case(FASTCDC, || Chunker::new(parameters(FASTCDC), SEED, None)));
}

fn case(name: &str, chunker: impl Fn() -> Chunker + Sync + 'static) -> Case {
    Case::new(Group::Chunk, name, NOISE_BYTES, move || {
        let mut chunker = chunker();
        Pass::new(NOISE_BYTES, move || chunks(&mut chunker, black_box(noise(NOISE_BYTES))).count())
    })
}

pub(super) const SEED: u32 = 0x5eed;

pub(super) fn parameters(text: &str) -> Parameters {
    text.parse().expect("valid parameters")
}
