//! The test with NEON on 32-bit ARM: four positions an instruction. Rust has no stable intrinsics for it, so it is
//! assembly; no NEON instruction is run where the CPU has not said that it has them.
#![allow(unsafe_code)]

use nanoprobe_cpu::{Feature, Features, detected};

use super::{GROUP, portable};

/// Groups an answer: what the caller hands over is tested in runs of so many.
const TOGETHER: usize = 8;

pub(super) const NEEDS: Features = Features::NONE.with(Feature::Neon);

/// As [`portable::test`].
pub(super) fn test(new: &[[u32; GROUP]], old: &[[u32; GROUP]], masks: &[u32; GROUP]) -> Option<usize> {
    if !detected().contains(NEEDS) {
        return portable::test(new, old, masks);
    }
    for (index, (new, old)) in new.chunks(TOGETHER).zip(old.chunks(TOGETHER)).enumerate() {
        let groups = new.len().min(old.len());
        // SAFETY: NEON is there; the function reads as many groups of both as it is told, and the masks.
        let any = unsafe { nanoprobe_buzhash_test(new.as_ptr(), old.as_ptr(), masks, groups) } != 0;
        if any && let Some(group) = portable::test(new, old, masks) {
            return Some(index * TOGETHER + group);
        }
    }
    None
}

unsafe extern "C" {
    /// Not zero when some position of `groups` groups is a cut. At least one group.
    fn nanoprobe_buzhash_test(
        new: *const [u32; GROUP],
        old: *const [u32; GROUP],
        masks: *const [u32; GROUP],
        groups: usize,
    ) -> u32;
}

// The masks stay in q8 to q15. VTST gives all ones where a number has a bit under the mask; q0 collects what all had.
// d8 to d15 belong to the caller.
core::arch::global_asm!(
    ".pushsection .text.nanoprobe_buzhash_test, \"ax\", %progbits",
    ".fpu neon",
    ".arm",
    ".p2align 4",
    ".type nanoprobe_buzhash_test, %function",
    ".hidden nanoprobe_buzhash_test",
    ".globl nanoprobe_buzhash_test",
    "nanoprobe_buzhash_test:",
    "push {{r4, lr}}",
    "vpush {{d8-d15}}",
    "vld1.32 {{d16-d19}}, [r2]!",
    "vld1.32 {{d20-d23}}, [r2]!",
    "vld1.32 {{d24-d27}}, [r2]!",
    "vld1.32 {{d28-d31}}, [r2]",
    "vmov.i8 q0, #255",
    "2:",
    "vld1.32 {{d2-d5}}, [r0]!",
    "vld1.32 {{d6-d9}}, [r1]!",
    "veor q1, q1, q3",
    "vld1.32 {{d10-d13}}, [r0]!",
    "veor q2, q2, q4",
    "vtst.32 q1, q1, q8",
    "vtst.32 q2, q2, q9",
    "vld1.32 {{d6-d9}}, [r1]!",
    "vand q0, q0, q1",
    "veor q5, q5, q3",
    "vand q0, q0, q2",
    "veor q6, q6, q4",
    "vld1.32 {{d2-d5}}, [r0]!",
    "vtst.32 q5, q5, q10",
    "vtst.32 q6, q6, q11",
    "vld1.32 {{d6-d9}}, [r1]!",
    "vand q0, q0, q5",
    "veor q1, q1, q3",
    "vand q0, q0, q6",
    "veor q2, q2, q4",
    "vld1.32 {{d10-d13}}, [r0]!",
    "vtst.32 q1, q1, q12",
    "vtst.32 q2, q2, q13",
    "vld1.32 {{d6-d9}}, [r1]!",
    "vand q0, q0, q1",
    "veor q5, q5, q3",
    "vand q0, q0, q2",
    "veor q6, q6, q4",
    "subs r3, r3, #1",
    "vtst.32 q5, q5, q14",
    "vtst.32 q6, q6, q15",
    "vand q0, q0, q5",
    "vand q0, q0, q6",
    "bne 2b",
    "vand d0, d0, d1",
    "vmov r0, r1, d0",
    "and r0, r0, r1",
    "mvn r0, r0",
    "vpop {{d8-d15}}",
    // Back into Thumb too, where it came from; `bx` is not known in link-time optimization on all targets.
    "pop {{r4, pc}}",
    ".size nanoprobe_buzhash_test, . - nanoprobe_buzhash_test",
    ".popsection",
);
