//! What became of each form of each primitive on this machine: for whoever wants to know, and for a warning where one computes
//! wrongly.

use nanoprobe_cpu::{Form, Standing};

use crate::{Aes256CtrForm, Blake2bForm, Crc32Form, Sha256Form};

/// Tells the primitive's name, the form's, and what became of it; the fastest form of each first.
pub fn each_form(mut tell: impl FnMut(&'static str, &'static str, Standing)) {
    all::<Aes256CtrForm>("AES-256-CTR", &mut tell);
    all::<Sha256Form>("SHA-256", &mut tell);
    all::<Blake2bForm>("BLAKE2b", &mut tell);
    all::<Crc32Form>("CRC-32", &mut tell);
}

fn all<F: Form>(primitive: &'static str, tell: &mut impl FnMut(&'static str, &'static str, Standing)) {
    for form in F::ALL {
        tell(primitive, form.name(), form.standing());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_primitive_has_one_form_in_use_and_none_is_wrong() {
        let mut chosen = std::collections::BTreeMap::new();
        each_form(|primitive, form, standing| {
            assert_ne!(standing, Standing::Wrong, "{primitive} {form}");
            *chosen.entry(primitive).or_insert(0) += u32::from(standing == Standing::Chosen);
        });
        assert!(chosen.values().all(|&count| count == 1), "{chosen:?}");
    }
}
