//! Architectures that there are no kernels for.

use nanoprobe_cpu::Features;

use super::{Counter, library};

/// A way to compute AES-256-CTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aes256CtrForm {
    /// The `aes` library, which has nothing but software for this architecture.
    Library,
}

impl Aes256CtrForm {
    pub(super) const FASTEST_FIRST: &[Self] = &[Self::Library];

    pub(super) fn name_and_needs(self) -> (&'static str, Features) {
        ("portable", Features::NONE)
    }
}

/// What the key was expanded into.
#[derive(Clone)]
pub(super) struct Schedule(library::Keys);

impl Schedule {
    pub(super) fn new(_: Aes256CtrForm, key: &[u8; 32]) -> Self {
        Self(library::Keys::new(key))
    }

    pub(super) fn apply(&self, counter: Counter, bytes: &mut [u8]) {
        self.0.apply(counter, bytes);
    }
}
