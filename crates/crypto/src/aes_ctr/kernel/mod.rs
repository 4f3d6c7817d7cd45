//! Kernels that not every CPU can run, and what keys are expanded into for them and for the bitsliced forms.
#![allow(unsafe_code)]

pub(super) mod round_keys;
pub(super) mod sliced_keys;
pub(super) mod substitution;

use nanoprobe_cpu::{Features, detected};

use super::{Counter, in_batches};

/// Expanded keys, and what enciphers batches with them.
///
/// # Safety
///
/// `apply` uses nothing beyond the baseline but what `NEEDS` names.
pub(super) unsafe trait Kernel<const BATCH: usize> {
    /// What it uses beyond the baseline.
    const NEEDS: Features;

    /// Expands the key.
    fn new(key: &[u8; 32]) -> Self;

    /// XORs the key stream that starts at `counter` over batches.
    ///
    /// # Safety
    ///
    /// The CPU has what it needs.
    unsafe fn apply(&self, counter: Counter, batches: &mut [[u8; BATCH]]);
}

/// A kernel's keys, which exist only where the CPU can run it.
#[derive(Clone)]
pub(super) struct Usable<K>(K);

impl<K> Usable<K> {
    /// Expands the key where the CPU can run the kernel.
    pub(super) fn new<const BATCH: usize>(key: &[u8; 32]) -> Option<Self>
    where
        K: Kernel<BATCH>,
    {
        detected().contains(K::NEEDS).then(|| Self(K::new(key)))
    }

    /// XORs the key stream that starts at `counter` over `bytes`.
    pub(super) fn apply<const BATCH: usize>(&self, counter: Counter, bytes: &mut [u8])
    where
        K: Kernel<BATCH>,
    {
        // SAFETY: what the kernel needs was found when the key was expanded.
        in_batches(counter, bytes, |counter, batches| unsafe { self.0.apply(counter, batches) });
    }
}
