//! The test with NEON, which every 64-bit ARM has: four positions an instruction.
//!
//! To bring lanes together takes longer than to test a group, so four groups go into one answer. By the model of an A72
//! that makes 0.6 cycles a byte, and 2.2 for what the compiler makes of the portable form.
#![allow(unsafe_code)]

use core::arch::aarch64::{uint32x4_t, vandq_u32, vdupq_n_u32, veorq_u32, vld1q_u32, vminq_u32, vminvq_u32};

use nanoprobe_cpu::{Feature, Features};

use super::{GROUP, portable};

/// Numbers in a register.
const LANES: usize = 4;

/// Groups an answer.
const TOGETHER: usize = 4;

pub(super) const NEEDS: Features = Features::NONE.with(Feature::Neon);

/// As [`portable::test`].
pub(super) fn test(new: &[[u32; GROUP]], old: &[[u32; GROUP]], masks: &[u32; GROUP]) -> Option<usize> {
    let mask = registers(masks);
    let (new, new_rest) = new.as_chunks::<TOGETHER>();
    let (old, old_rest) = old.as_chunks::<TOGETHER>();
    for (index, (new, old)) in new.iter().zip(old).enumerate() {
        if any(new, old, &mask)
            && let Some(group) = portable::test(new, old, masks)
        {
            return Some(index * TOGETHER + group);
        }
    }
    Some(new.len() * TOGETHER + portable::test(new_rest, old_rest, masks)?)
}

/// Whether any position is a cut.
#[inline]
fn any(new: &[[u32; GROUP]; TOGETHER], old: &[[u32; GROUP]; TOGETHER], masks: &[uint32x4_t; GROUP / LANES]) -> bool {
    // SAFETY: NEON belongs to the target, and these touch registers alone.
    unsafe {
        let mut smallest = [vdupq_n_u32(u32::MAX); 4];
        for (new, old) in new.iter().zip(old) {
            let (new, old) = (registers(new), registers(old));
            for index in 0..GROUP / LANES {
                let bits = vandq_u32(veorq_u32(new[index], old[index]), masks[index]);
                // The smallest number of a lane is zero exactly when one of them is.
                smallest[index % 4] = vminq_u32(smallest[index % 4], bits);
            }
        }
        let [first, second, third, fourth] = smallest;
        vminvq_u32(vminq_u32(vminq_u32(first, second), vminq_u32(third, fourth))) == 0
    }
}

#[inline]
fn registers(group: &[u32; GROUP]) -> [uint32x4_t; GROUP / LANES] {
    let (lanes, _) = group.as_chunks::<LANES>();
    // SAFETY: each chunk is four numbers, 16 bytes.
    core::array::from_fn(|index| unsafe { vld1q_u32(lanes[index].as_ptr()) })
}
