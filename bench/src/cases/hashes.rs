//! The id of a chunk and the MAC over it, in each of Borg's families of modes.

use std::hint::black_box;

use nanoprobe_cpu::Form;
use nanoprobe_crypto::{Blake2bForm, HmacSha256, PrefixedBlake2b, Sha256, Sha256Form};

use super::{SIZES, forms::usable};
use crate::{
    case::{Case, Group, Pass},
    inputs::noise,
};

pub(crate) const HMAC_SHA256: &str = "hmac-sha256";
pub(crate) const BLAKE2B: &str = "blake2b";

/// What a byte passes: an id and a MAC are made side by side.
pub(crate) const HMAC_SHA256_PAIR: &str = "hmac-sha256, 2 at once";
pub(crate) const BLAKE2B_PAIR: &str = "blake2b, 2 at once";

pub(super) fn add(cases: &mut Vec<Case>) {
    for (form, chosen) in usable::<Sha256Form>() {
        for bytes in SIZES {
            let case = Case::new(Group::Hash, "sha256", bytes, move || {
                Pass::new(bytes, move || {
                    let mut hash = Sha256::with(form);
                    hash.update(black_box(noise(bytes)));
                    hash.finish()
                })
            });
            cases.push(case.form(form.name(), chosen));
        }
        for bytes in SIZES {
            let case = Case::new(Group::Hash, HMAC_SHA256, bytes, move || {
                let hmac = HmacSha256::with(form, &[1; 32]);
                Pass::new(bytes, move || hmac.authenticate(&[black_box(noise(bytes))]))
            });
            cases.push(case.form(form.name(), chosen));
        }
        for bytes in SIZES {
            let case = Case::new(Group::Hash, HMAC_SHA256_PAIR, bytes, move || {
                let hmac = HmacSha256::with(form, &[1; 32]);
                Pass::new(bytes, move || {
                    let mut macs = [[0; 32]; 2];
                    let messages = noise(bytes).chunks(bytes / 2).map(|message| [black_box(message)]).zip(&mut macs);
                    HmacSha256::authenticate_each(messages.map(|(parts, mac)| (&hmac, parts, mac)));
                    macs[0]
                })
            });
            cases.push(case.form(form.name(), chosen));
        }
    }
    for (form, chosen) in usable::<Blake2bForm>() {
        for bytes in SIZES {
            let case = Case::new(Group::Hash, BLAKE2B, bytes, move || {
                let blake2b = PrefixedBlake2b::with(form, &[1; 128]);
                Pass::new(bytes, move || blake2b.digest(&[black_box(noise(bytes))]))
            });
            cases.push(case.form(form.name(), chosen));
        }
        cases.extend(SIZES.map(|bytes| together(BLAKE2B_PAIR, 2, bytes, form).form(form.name(), chosen)));
        cases.push(together("blake2b, 4 at once", 4, 256 << 10, form).form(form.name(), chosen));
    }
}

/// `count` messages that share `bytes`.
fn together(name: &str, count: usize, bytes: usize, form: Blake2bForm) -> Case {
    Case::new(Group::Hash, name, bytes, move || {
        let blake2b = PrefixedBlake2b::with(form, &[1; 128]);
        let mut digests = vec![[0; 32]; count];
        Pass::new(bytes, move || {
            let messages = noise(bytes).chunks(bytes / count).map(|message| [black_box(message)]).zip(&mut digests);
            PrefixedBlake2b::digest_each(messages.map(|(parts, digest)| (&blake2b, parts, digest)));
            digests[0]
        })
    })
}
