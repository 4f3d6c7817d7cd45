//! Encryption, which is also decryption.

use std::hint::black_box;

use nanoprobe_cpu::Form;
use nanoprobe_crypto::{Aes256Ctr, Aes256CtrForm};

use super::{SIZES, forms::usable};
use crate::{
    case::{Case, Group, Pass},
    inputs::noise,
};

pub(crate) const AES256_CTR: &str = "aes256-ctr";

pub(super) fn add(cases: &mut Vec<Case>) {
    for (form, chosen) in usable::<Aes256CtrForm>() {
        for bytes in SIZES {
            let case = Case::new(Group::Cipher, AES256_CTR, bytes, move || {
                let cipher = Aes256Ctr::with(form, &[1; 32]);
                let mut data = noise(bytes).to_vec();
                Pass::new(bytes, move || cipher.apply(black_box(7), black_box(&mut data)))
            });
            cases.push(case.form(form.name(), chosen));
        }
    }
}
