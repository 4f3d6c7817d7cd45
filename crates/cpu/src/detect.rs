//! Asks the machine, once, and remembers what was withdrawn.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use crate::feature::Features;

/// What this CPU has and the system lets programs use. Asked once.
pub fn detected() -> Features {
    const ASKED: u32 = 1 << 31;
    static FOUND: AtomicU32 = AtomicU32::new(0);
    let mut found = FOUND.load(Ordering::Relaxed);
    if found & ASKED == 0 {
        found = machine::features().bits() | ASKED;
        FOUND.store(found, Ordering::Relaxed);
    }
    Features::from_bits(found)
}

static WITHDRAWN: AtomicU32 = AtomicU32::new(0);

/// What the program may use: what was detected, less what was withdrawn.
pub fn allowed() -> Features {
    detected().without(Features::from_bits(WITHDRAWN.load(Ordering::Relaxed)))
}

/// Takes features away from the program, for good. Primitives that have chosen their form keep it: it is for the start.
pub fn withdraw(features: Features) {
    WITHDRAWN.fetch_or(features.bits(), Ordering::Relaxed);
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod machine {
    #[cfg(target_arch = "x86")]
    use core::arch::x86::__cpuid_count;
    #[cfg(target_arch = "x86_64")]
    use core::arch::x86_64::__cpuid_count;

    use crate::feature::{Feature, Features};

    cpufeatures::new!(aes, "aes", "sse4.1");
    cpufeatures::new!(pclmulqdq, "pclmulqdq", "sse4.1");
    cpufeatures::new!(sha_ni, "sha", "ssse3", "sse4.1");
    cpufeatures::new!(avx2, "avx2");
    cpufeatures::new!(avx512, "avx512f", "avx512bw", "avx512vl");

    /// On 256-bit vectors; the library knows it only beside 512-bit ones. Leaf 7, ECX, bit 9.
    fn vaes() -> bool {
        aes::get() && avx2::get() && __cpuid_count(7, 0).ecx >> 9 & 1 == 1
    }

    pub(super) fn features() -> Features {
        let asked = [
            (Feature::Aes, aes::get()),
            (Feature::Pclmulqdq, pclmulqdq::get()),
            (Feature::ShaNi, sha_ni::get()),
            (Feature::Avx2, avx2::get()),
            (Feature::Vaes, vaes()),
            (Feature::Avx512, avx512::get()),
        ];
        asked.into_iter().filter_map(|(feature, is_there)| is_there.then_some(feature)).collect()
    }
}

/// Linux tells it in the auxiliary vector, in the bits of its ABI of each architecture (`asm/hwcap.h`).
#[cfg(all(any(target_arch = "aarch64", target_arch = "arm"), target_os = "linux"))]
mod machine {
    use core::ffi::c_ulong;

    use crate::feature::{Feature, Features};

    const CAPABILITIES: c_ulong = 16;
    #[cfg(target_arch = "arm")]
    const MORE_CAPABILITIES: c_ulong = 26;

    #[cfg(target_arch = "aarch64")]
    const BITS: [(Feature, c_ulong, u32); 6] = [
        (Feature::Neon, CAPABILITIES, 1),
        (Feature::Aes, CAPABILITIES, 3),
        (Feature::Pmull, CAPABILITIES, 4),
        (Feature::Sha2, CAPABILITIES, 6),
        (Feature::Crc32, CAPABILITIES, 7),
        (Feature::Sha512, CAPABILITIES, 21),
    ];
    #[cfg(target_arch = "arm")]
    const BITS: [(Feature, c_ulong, u32); 5] = [
        (Feature::Neon, CAPABILITIES, 12),
        (Feature::Aes, MORE_CAPABILITIES, 0),
        (Feature::Pmull, MORE_CAPABILITIES, 1),
        (Feature::Sha2, MORE_CAPABILITIES, 3),
        (Feature::Crc32, MORE_CAPABILITIES, 4),
    ];

    unsafe extern "C" {
        /// Of the C library that every Linux program is linked with.
        fn getauxval(kind: c_ulong) -> c_ulong;
    }

    pub(super) fn features() -> Features {
        // SAFETY: takes and returns plain numbers; 0 where the kernel says nothing.
        let is_there = |kind, bit| unsafe { getauxval(kind) } >> bit & 1 == 1;
        BITS.into_iter().filter_map(|(feature, kind, bit)| is_there(kind, bit).then_some(feature)).collect()
    }
}

#[cfg(not(any(
    target_arch = "x86",
    target_arch = "x86_64",
    all(any(target_arch = "aarch64", target_arch = "arm"), target_os = "linux")
)))]
mod machine {
    use super::Features;

    pub(super) fn features() -> Features {
        Features::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::Feature;

    /// The kernel lists the same names; it may list fewer of x86 when it was told to hide some.
    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_detected_is_what_the_kernel_lists() {
        // Emulators of one program show the machine's own list.
        if cfg!(not(target_arch = "x86_64")) {
            return;
        }
        let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = listed.lines().find_map(|line| line.strip_prefix("flags")).unwrap();
        let has = |name: &str| flags.split_whitespace().any(|flag| flag == name);
        for feature in Feature::ALL {
            let is_listed = match feature {
                Feature::Avx512 => has("avx512f") && has("avx512bw") && has("avx512vl"),
                Feature::Vaes => has("vaes") && has("avx2"),
                feature => has(feature.name()),
            };
            assert_eq!(detected().contains(Features::NONE.with(feature)), is_listed, "{}", feature.name());
        }
    }

    #[test]
    fn what_is_withdrawn_is_not_allowed() {
        let all = detected();
        assert!(all.contains(allowed()));
        for feature in all.iter().take(1) {
            withdraw(Features::NONE.with(feature));
            assert_eq!(allowed(), all.without(Features::NONE.with(feature)));
            assert_eq!(detected(), all);
        }
    }
}
