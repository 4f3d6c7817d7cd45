//! Hash and test for 64-bit ARM, which has NEON everywhere: four positions a vector instruction.
//!
//! Both are assembly, because what they cost is an order of instructions that compilers do not find. A Cortex-A53 begins
//! two instructions a cycle, only one of them a load or store, and none before those that stand before it: so look-ups of
//! later bytes stand between the steps of earlier ones, across groups. By the models of that processor and of an A72,
//! which orders by itself, to hash a byte takes 2.0 cycles on both, and 3.6 and 2.0 as the compiler makes it of the
//! portable form; to test a position 1.0 and 0.5, and 1.5 and 0.6 with intrinsics.
#![allow(unsafe_code)]

use core::slice;

use nanoprobe_cpu::{Feature, Features};

use super::GROUP;

core::arch::global_asm!(include_str!("aarch64.s"), options(raw));

unsafe extern "C" {
    /// Makes the D's of `groups` groups, at least one, and gives the last.
    fn nanoprobe_buzhash_hash(
        bytes: *const [u8; GROUP],
        slots: *mut [u32; GROUP],
        groups: usize,
        last: u32,
        table: *const [u32; 256],
    ) -> u32;

    /// Not zero when some position of `groups` groups is a cut. At least one group.
    fn nanoprobe_buzhash_test(
        new: *const [u32; GROUP],
        old: *const [u32; GROUP],
        masks: *const [u32; GROUP],
        groups: usize,
    ) -> u32;
}

pub(super) const NEEDS: Features = Features::NONE.with(Feature::Neon);

/// As [`portable::hash`](super::portable::hash).
pub(super) fn hash(bytes: &[[u8; GROUP]], slots: &mut [[u32; GROUP]], last: u32, table: &[u32; 256]) -> u32 {
    let groups = bytes.len().min(slots.len());
    if groups == 0 {
        return last;
    }
    // SAFETY: there are as many groups of both, at least one, and the table has a number for each byte. Nothing else is
    // read or written.
    unsafe { nanoprobe_buzhash_hash(bytes.as_ptr(), slots.as_mut_ptr(), groups, last, table) }
}

/// As [`portable::test`](super::portable::test). Cuts are rare: all groups have one answer, and only where there is one
/// are they asked singly.
pub(super) fn test(new: &[[u32; GROUP]], old: &[[u32; GROUP]], masks: &[u32; GROUP]) -> Option<usize> {
    if !any(new, old, masks) {
        return None;
    }
    new.iter().zip(old).position(|(new, old)| any(slice::from_ref(new), slice::from_ref(old), masks))
}

/// Whether any position is a cut.
fn any(new: &[[u32; GROUP]], old: &[[u32; GROUP]], masks: &[u32; GROUP]) -> bool {
    let groups = new.len().min(old.len());
    // SAFETY: NEON belongs to the target; there are as many groups of both, at least one, and nothing else but the masks
    // is read.
    groups != 0 && unsafe { nanoprobe_buzhash_test(new.as_ptr(), old.as_ptr(), masks, groups) } != 0
}
