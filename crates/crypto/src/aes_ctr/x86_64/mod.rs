//! x86-64: the forms, and a file each.

mod aes_ni;
mod sse2;
mod vaes;

use nanoprobe_cpu::Features;

use super::kernel::{Kernel, Usable};
use super::{Counter, bitsliced};
use aes_ni::AesNi;
use sse2::Sse2;
use vaes::Vaes;

/// A way to compute AES-256-CTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aes256CtrForm {
    /// A round of two blocks an instruction.
    Vaes,
    /// A round of a block an instruction.
    AesNi,
    /// Eight blocks as bits, with what every 64-bit x86 has.
    Sse2,
}

impl Aes256CtrForm {
    pub(super) const FASTEST_FIRST: &[Self] = &[Self::Vaes, Self::AesNi, Self::Sse2];

    pub(super) fn name_and_needs(self) -> (&'static str, Features) {
        match self {
            Self::Vaes => ("vaes", Vaes::NEEDS),
            Self::AesNi => ("aes", AesNi::NEEDS),
            Self::Sse2 => ("bitsliced sse2", Features::NONE),
        }
    }
}

/// What the key was expanded into, arranged for one form.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // There is one a session.
pub(super) enum Schedule {
    Vaes(Usable<Vaes>),
    AesNi(Usable<AesNi>),
    Sse2(bitsliced::Keys),
}

impl Schedule {
    pub(super) fn new(form: Aes256CtrForm, key: &[u8; 32]) -> Self {
        let schedule = match form {
            Aes256CtrForm::Vaes => Usable::new(key).map(Self::Vaes),
            Aes256CtrForm::AesNi => Usable::new(key).map(Self::AesNi),
            Aes256CtrForm::Sse2 => None,
        };
        schedule.unwrap_or_else(|| Self::Sse2(bitsliced::Keys::new(key)))
    }

    pub(super) fn apply(&self, counter: Counter, bytes: &mut [u8]) {
        match self {
            Self::Vaes(keys) => keys.apply(counter, bytes),
            Self::AesNi(keys) => keys.apply(counter, bytes),
            Self::Sse2(keys) => keys.apply::<Sse2>(counter, bytes),
        }
    }
}
