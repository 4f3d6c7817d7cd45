//! BLAKE2b's compression with NEON, for 32-bit ARM: three times as fast as the portable form on a Cortex-A7.
//!
//! Words of 64 bits fill the 32 registers d0 to d31: the state in d0 to d15, twelve words of the message in d16 to d27, and
//! four others, which are loaded where a round wants them or hold what is being rotated. Most of these cores compute 64 bits
//! at a time, so diagonals are taken word by word, without turning rows; a pair of words is one instruction where the pair
//! lies in one register q. Rust has no stable intrinsics for this, hence assembly.
#![allow(unsafe_code)]

use core::arch::global_asm;

use nanoprobe_cpu::{Feature, Features, detected};

use super::message::Step;
use super::{BLOCK_BYTES, INITIAL, portable};

/// What the kernel uses beyond the baseline.
pub(super) const NEEDS: Features = Features::NONE.with(Feature::Neon);

/// Absorbs blocks into one state; `counter` counts the bytes absorbed.
pub(super) fn compress(state: &mut [u64; 8], counter: &mut u64, blocks: &[[u8; BLOCK_BYTES]], step: Step) {
    if !detected().contains(NEEDS) {
        return portable::compress(state, counter, blocks, step);
    }
    if blocks.is_empty() {
        return;
    }
    let mut fixed = Fixed { initial: INITIAL, counter: *counter, added: step.added, last: step.last };
    // SAFETY: NEON has just been found; the pointers are to a state, to as many blocks as are told, at least one, and to what
    // the assembly expects; it keeps to the procedure call standard.
    unsafe { nanoprobe_blake2b_neon(state, blocks.as_ptr(), blocks.len(), &mut fixed) }
    *counter = fixed.counter;
}

/// What the assembly reads for each block, in this order.
#[repr(C)]
struct Fixed {
    initial: [u64; 8],
    counter: u64,
    added: u64,
    last: u64,
}

unsafe extern "C" {
    fn nanoprobe_blake2b_neon(state: *mut [u64; 8], blocks: *const [u8; BLOCK_BYTES], count: usize, fixed: *mut Fixed);
}

/// The register of a word of the message.
#[rustfmt::skip]
macro_rules! word {
    (0) => {"d16"}; (1) => {"d17"}; (2) => {"d18"}; (3) => {"d19"}; (4) => {"d20"}; (5) => {"d21"}; (6) => {"d22"};
    (7) => {"d23"}; (8) => {"d24"}; (9) => {"d25"}; (10) => {"d26"}; (11) => {"d27"}; (12) => {"d28"}; (13) => {"d29"};
    (14) => {"d30"}; (15) => {"d31"};
}

/// The load of a word that is not in its register all the time.
#[rustfmt::skip]
macro_rules! fetch {
    (12) => {"vldr d28, [sp]\n"}; (13) => {"vldr d29, [sp, #8]\n"}; (14) => {"vldr d30, [sp, #16]\n"};
    (15) => {"vldr d31, [sp, #24]\n"}; ($other:tt) => {""};
}

/// An instruction with two operands, the first of which is replaced, for several pairs.
macro_rules! each {
    ($instruction:literal, $($a:literal $b:expr),*) => {
        concat!($($instruction, " ", $a, ", ", $a, ", ", $b, "\n",)*)
    };
}

/// Half a round: four columns, whose rows are in pairs of registers d; each step for all of them before the next.
macro_rules! columns {
    ($x0:tt $y0:tt $x1:tt $y1:tt $x2:tt $y2:tt $x3:tt $y3:tt) => {
        concat!(
            fetch!($x0), fetch!($x1), fetch!($x2), fetch!($x3), fetch!($y0), fetch!($y1), fetch!($y2), fetch!($y3),
            each!("vadd.i64", "d0" word!($x0), "d1" word!($x1), "d2" word!($x2), "d3" word!($x3)),
            each!("vadd.i64", "q0" "q2", "q1" "q3"),
            each!("veor", "q6" "q0", "q7" "q1"),
            "vrev64.32 q6, q6\n", "vrev64.32 q7, q7\n",
            each!("vadd.i64", "q4" "q6", "q5" "q7"),
            each!("veor", "q2" "q4", "q3" "q5"),
            each!("vadd.i64", "d0" word!($y0), "d1" word!($y1), "d2" word!($y2), "d3" word!($y3)),
            "vext.8 d4, d4, d4, #3\n", "vext.8 d5, d5, d5, #3\n", "vext.8 d6, d6, d6, #3\n", "vext.8 d7, d7, d7, #3\n",
            each!("vadd.i64", "q0" "q2", "q1" "q3"),
            each!("veor", "q6" "q0", "q7" "q1"),
            "vext.8 d12, d12, d12, #2\n", "vext.8 d13, d13, d13, #2\n",
            "vext.8 d14, d14, d14, #2\n", "vext.8 d15, d15, d15, #2\n",
            each!("vadd.i64", "q4" "q6", "q5" "q7"),
            "veor q14, q2, q4\n", "veor q15, q3, q5\n",
            "vadd.i64 q2, q14, q14\n", "vadd.i64 q3, q15, q15\n",
            "vsri.64 q2, q14, #63\n", "vsri.64 q3, q15, #63\n",
        )
    };
}

/// The other half: four diagonals.
macro_rules! diagonals {
    ($x0:tt $y0:tt $x1:tt $y1:tt $x2:tt $y2:tt $x3:tt $y3:tt) => {
        concat!(
            fetch!($x0), fetch!($x1), fetch!($x2), fetch!($x3), fetch!($y0), fetch!($y1), fetch!($y2), fetch!($y3),
            each!("vadd.i64", "d0" word!($x0), "d1" word!($x1), "d2" word!($x2), "d3" word!($x3)),
            each!("vadd.i64", "d0" "d5", "d1" "d6", "d2" "d7", "d3" "d4"),
            each!("veor", "d15" "d0", "d12" "d1", "d13" "d2", "d14" "d3"),
            "vrev64.32 q6, q6\n", "vrev64.32 q7, q7\n",
            each!("vadd.i64", "d10" "d15", "d11" "d12", "d8" "d13", "d9" "d14"),
            each!("veor", "d5" "d10", "d6" "d11", "d7" "d8", "d4" "d9"),
            each!("vadd.i64", "d0" word!($y0), "d1" word!($y1), "d2" word!($y2), "d3" word!($y3)),
            "vext.8 d5, d5, d5, #3\n", "vext.8 d6, d6, d6, #3\n", "vext.8 d7, d7, d7, #3\n", "vext.8 d4, d4, d4, #3\n",
            each!("vadd.i64", "d0" "d5", "d1" "d6", "d2" "d7", "d3" "d4"),
            each!("veor", "d15" "d0", "d12" "d1", "d13" "d2", "d14" "d3"),
            "vext.8 d15, d15, d15, #2\n", "vext.8 d12, d12, d12, #2\n",
            "vext.8 d13, d13, d13, #2\n", "vext.8 d14, d14, d14, #2\n",
            each!("vadd.i64", "d10" "d15", "d11" "d12", "d8" "d13", "d9" "d14"),
            "veor d29, d5, d10\n", "veor d30, d6, d11\n", "veor d31, d7, d8\n", "veor d28, d4, d9\n",
            "vadd.i64 q2, q14, q14\n", "vadd.i64 q3, q15, q15\n",
            "vsri.64 q2, q14, #63\n", "vsri.64 q3, q15, #63\n",
        )
    };
}

/// A round, with the words of the message in this order (RFC 7693, section 2.7).
macro_rules! round {
    ($a:tt $b:tt $c:tt $d:tt $e:tt $f:tt $g:tt $h:tt, $i:tt $j:tt $k:tt $l:tt $m:tt $n:tt $o:tt $p:tt) => {
        concat!(columns!($a $b $c $d $e $f $g $h), diagonals!($i $j $k $l $m $n $o $p))
    };
}

global_asm!(
    ".pushsection .text.nanoprobe_blake2b_neon, \"ax\", %progbits",
    ".arm",
    ".fpu neon",
    ".p2align 4",
    ".hidden nanoprobe_blake2b_neon",
    ".globl nanoprobe_blake2b_neon",
    ".type nanoprobe_blake2b_neon, %function",
    "nanoprobe_blake2b_neon:",
    "push {{r4, lr}}",
    "vpush {{d8-d15}}",
    // Room for the four words, which `vldr` wants at a multiple of four; the standard keeps the stack so.
    "sub sp, sp, #32",
    "1:",
    "vld1.64 {{d0-d3}}, [r0]!",
    "vld1.64 {{d8-d11}}, [r3]!",
    "vld1.64 {{d12-d15}}, [r3]!",
    "vld1.64 {{d28-d30}}, [r3]",
    "vadd.i64 d28, d28, d29",
    "vst1.64 {{d28}}, [r3]",
    "sub r3, r3, #64",
    "veor d12, d12, d28",
    "veor d14, d14, d30",
    "vld1.64 {{d4-d7}}, [r0]",
    "sub r0, r0, #32",
    "vld1.8 {{d16-d19}}, [r1]!",
    "vld1.8 {{d20-d23}}, [r1]!",
    "vld1.8 {{d24-d27}}, [r1]!",
    "vld1.8 {{d28-d31}}, [r1]!",
    "vst1.64 {{d28-d31}}, [sp]",
    round!(0 1 2 3 4 5 6 7, 8 9 10 11 12 13 14 15),
    round!(14 10 4 8 9 15 13 6, 1 12 0 2 11 7 5 3),
    round!(11 8 12 0 5 2 15 13, 10 14 3 6 7 1 9 4),
    round!(7 9 3 1 13 12 11 14, 2 6 5 10 4 0 15 8),
    round!(9 0 5 7 2 4 10 15, 14 1 11 12 6 8 3 13),
    round!(2 12 6 10 0 11 8 3, 4 13 7 5 15 14 1 9),
    round!(12 5 1 15 14 13 4 10, 0 7 6 3 9 2 8 11),
    round!(13 11 7 14 12 1 3 9, 5 0 15 4 8 6 2 10),
    round!(6 15 14 9 11 3 0 8, 12 2 13 7 1 4 10 5),
    round!(10 2 8 4 7 6 1 5, 15 11 9 14 3 12 13 0),
    round!(0 1 2 3 4 5 6 7, 8 9 10 11 12 13 14 15),
    round!(14 10 4 8 9 15 13 6, 1 12 0 2 11 7 5 3),
    "vld1.64 {{d16-d19}}, [r0]!",
    "vld1.64 {{d20-d23}}, [r0]",
    "sub r0, r0, #32",
    each!("veor", "q0" "q4", "q1" "q5", "q2" "q6", "q3" "q7"),
    each!("veor", "q0" "q8", "q1" "q9", "q2" "q10", "q3" "q11"),
    "vst1.64 {{d0-d3}}, [r0]!",
    "vst1.64 {{d4-d7}}, [r0]",
    "sub r0, r0, #32",
    "subs r2, r2, #1",
    "bne 1b",
    // What of the message or of the state is left on the stack is wiped.
    "vmov.i32 q0, #0",
    "vmov.i32 q1, #0",
    "vst1.64 {{d0-d3}}, [sp]!",
    "vpop {{d8-d15}}",
    // Back into Thumb too, where it came from; `bx` is not known in link-time optimization on all targets.
    "pop {{r4, pc}}",
    ".size nanoprobe_blake2b_neon, . - nanoprobe_blake2b_neon",
    ".popsection",
);
