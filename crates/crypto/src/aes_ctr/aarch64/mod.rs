//! 64-bit ARM: the forms, and a file each.

mod aes;
mod neon;

use nanoprobe_cpu::Features;

use super::kernel::{Kernel, Usable};
use super::{Counter, bitsliced};
use aes::Aes;
use neon::Neon;

/// A way to compute AES-256-CTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aes256CtrForm {
    /// A round of a block in two instructions.
    Aes,
    /// Eight blocks as bits, with vectors that every 64-bit ARM has.
    Neon,
}

impl Aes256CtrForm {
    pub(super) const FASTEST_FIRST: &[Self] = &[Self::Aes, Self::Neon];

    pub(super) fn name_and_needs(self) -> (&'static str, Features) {
        match self {
            Self::Aes => ("aes", Aes::NEEDS),
            Self::Neon => ("bitsliced neon", Features::NONE),
        }
    }
}

/// What the key was expanded into, arranged for one form.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // There is one a session.
pub(super) enum Schedule {
    Aes(Usable<Aes>),
    Neon(bitsliced::Keys),
}

impl Schedule {
    pub(super) fn new(form: Aes256CtrForm, key: &[u8; 32]) -> Self {
        let schedule = match form {
            Aes256CtrForm::Aes => Usable::new(key).map(Self::Aes),
            Aes256CtrForm::Neon => None,
        };
        schedule.unwrap_or_else(|| Self::Neon(bitsliced::Keys::new(key)))
    }

    pub(super) fn apply(&self, counter: Counter, bytes: &mut [u8]) {
        match self {
            Self::Aes(keys) => keys.apply(counter, bytes),
            Self::Neon(keys) => keys.apply::<Neon>(counter, bytes),
        }
    }
}
