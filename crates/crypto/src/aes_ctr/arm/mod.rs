//! 32-bit ARM under Linux, which tells what the CPU has: the forms, and a file each.

mod aes;
mod neon;

use nanoprobe_cpu::Features;

use super::kernel::{Kernel, Usable};
use super::{Counter, library};
use aes::Aes;
use neon::Neon;

/// A way to compute AES-256-CTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aes256CtrForm {
    /// A round of a block in two instructions.
    Aes,
    /// Eight blocks as bits, with vectors that some have.
    Neon,
    /// The `aes` library, which has nothing but software for this architecture.
    Library,
}

impl Aes256CtrForm {
    pub(super) const FASTEST_FIRST: &[Self] = &[Self::Aes, Self::Neon, Self::Library];

    pub(super) fn name_and_needs(self) -> (&'static str, Features) {
        match self {
            Self::Aes => ("aes", Aes::NEEDS),
            Self::Neon => ("bitsliced neon", Neon::NEEDS),
            Self::Library => ("portable", Features::NONE),
        }
    }
}

/// What the key was expanded into, arranged for one form.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // There is one a session.
pub(super) enum Schedule {
    Aes(Usable<Aes>),
    Neon(Usable<Neon>),
    Library(library::Keys),
}

impl Schedule {
    pub(super) fn new(form: Aes256CtrForm, key: &[u8; 32]) -> Self {
        let schedule = match form {
            Aes256CtrForm::Aes => Usable::new(key).map(Self::Aes),
            Aes256CtrForm::Neon => Usable::new(key).map(Self::Neon),
            Aes256CtrForm::Library => None,
        };
        schedule.unwrap_or_else(|| Self::Library(library::Keys::new(key)))
    }

    pub(super) fn apply(&self, counter: Counter, bytes: &mut [u8]) {
        match self {
            Self::Aes(keys) => keys.apply(counter, bytes),
            Self::Neon(keys) => keys.apply(counter, bytes),
            Self::Library(keys) => keys.apply(counter, bytes),
        }
    }
}
