//! The list of primitives that have forms: for whoever wants to know what became of each, and for a warning where one computes
//! wrongly.

use nanoprobe_cpu::FormVisitor;

use crate::{Aes256CtrForm, Blake2bForm, Crc32Form, Sha256Form};

/// Shows the forms of each primitive.
pub fn visit_forms(visitor: &mut impl FormVisitor) {
    visitor.visit::<Aes256CtrForm>("AES-256-CTR");
    visitor.visit::<Sha256Form>("SHA-256");
    visitor.visit::<Blake2bForm>("BLAKE2b");
    visitor.visit::<Crc32Form>("CRC-32");
}

/// What forms give known answers to: long enough for every loop of the kernels, and for a ragged start and end.
pub(crate) fn known_message() -> [u8; 411] {
    core::array::from_fn(|index| ((index * 167) >> 2) as u8)
}

#[cfg(test)]
mod tests {
    use nanoprobe_cpu::{Form, Standing};

    use super::*;

    struct OneOfEach;

    impl FormVisitor for OneOfEach {
        fn visit<F: Form>(&mut self, primitive: &'static str) {
            let chosen = F::ALL.iter().filter(|form| form.standing() == Standing::Chosen);
            assert_eq!(chosen.count(), 1, "{primitive}");
            assert_eq!(F::wrong().map(F::name).next(), None, "{primitive}");
        }
    }

    #[test]
    fn every_primitive_has_one_form_in_use_and_none_is_wrong() {
        visit_forms(&mut OneOfEach);
    }
}
