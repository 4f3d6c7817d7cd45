//! Which instructions make the D's and test the positions. All forms find the same cuts.

use nanoprobe_cpu::{Choice, Features, Form};

use super::{GROUP, portable};

/// A way to hash and test positions for buzhash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuzhashForm {
    /// Eight positions an instruction.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Four positions an instruction.
    #[cfg(any(target_arch = "aarch64", target_arch = "arm"))]
    Neon,
    /// Whatever the compiler makes of plain Rust.
    Portable,
}

impl Form for BuzhashForm {
    const ALL: &'static [Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(any(target_arch = "aarch64", target_arch = "arm"))]
        Self::Neon,
        Self::Portable,
    ];

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(any(target_arch = "aarch64", target_arch = "arm"))]
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    fn needs(self) -> Features {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => super::x86::NEEDS,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => super::aarch64::NEEDS,
            #[cfg(target_arch = "arm")]
            Self::Neon => super::armv7::NEEDS,
            Self::Portable => Features::NONE,
        }
    }

    fn choice() -> &'static Choice<Self> {
        &CHOICE
    }

    /// The D's of all bytes, beside the portable form. A cut at the last position of a group, none anywhere, and two of which only the first counts: at every place of
    /// more groups than are tested together.
    fn is_right(self) -> bool {
        const GROUPS: usize = 19;
        let masks = core::array::from_fn(|index| 0x001f_ffff_u32.rotate_right(index as u32 + 1));
        let old: [[u32; GROUP]; GROUPS] = core::array::from_fn(|group| {
            core::array::from_fn(|index| ((group * GROUP + index) as u32).wrapping_mul(0x9e37_79b1))
        });
        // Numbers enough for a table, and bytes.
        let table = old.as_flattened().first_chunk().unwrap_or(&[0; 256]);
        let bytes = old.map(|group| group.map(|number| (number >> 24) as u8));
        let mut hashed = [[[0; GROUP]; GROUPS]; 2];
        let [by_this, by_portable] = &mut hashed;
        if self.hash(&bytes, by_this, 1, table) != portable::hash(&bytes, by_portable, 1, table)
            || by_this != by_portable
        {
            return false;
        }
        // A single bit that is under the mask at all places keeps each from being a cut.
        let mut new =
            old.map(|group| core::array::from_fn(|index| group[index] ^ 1_u32.rotate_right(index as u32 + 1)));
        if self.test(&new, &old, &masks).is_some() {
            return false;
        }
        (0..GROUPS).rev().all(|group| {
            let index = GROUP - 1 - group;
            new[group][index] = old[group][index] ^ !masks[index];
            self.test(&new, &old, &masks) == Some(group)
        })
    }
}

static CHOICE: Choice<BuzhashForm> = Choice::undecided();

impl BuzhashForm {
    /// Whether the ordinary rolling hash is faster than the kernel in this form.
    pub(super) const fn rolls(self) -> bool {
        cfg!(target_arch = "arm") && matches!(self, Self::Portable)
    }

    /// Makes the D's of whole groups, of which the first begins at a multiple of `GROUP`. `last` is the D before them.
    pub(super) fn hash(self, bytes: &[[u8; GROUP]], slots: &mut [[u32; GROUP]], last: u32, table: &[u32; 256]) -> u32 {
        match self {
            #[cfg(target_arch = "aarch64")]
            Self::Neon => super::aarch64::hash(bytes, slots, last, table),
            _ => portable::hash(bytes, slots, last, table),
        }
    }

    /// The first group of `new` in which some position is a cut; `old` are the D's a window before them. By the portable
    /// form where the CPU cannot run this one.
    pub(super) fn test(self, new: &[[u32; GROUP]], old: &[[u32; GROUP]], masks: &[u32; GROUP]) -> Option<usize> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => super::x86::test(new, old, masks),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => super::aarch64::test(new, old, masks),
            #[cfg(target_arch = "arm")]
            Self::Neon => super::armv7::test(new, old, masks),
            Self::Portable => portable::test(new, old, masks),
        }
    }
}
