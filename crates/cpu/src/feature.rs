//! Names of what CPUs may have. One set for all architectures, so that a mask means the same everywhere.

use core::fmt;
use core::str::FromStr;

/// A group of instructions, named as Linux names it in `/proc/cpuinfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Feature {
    /// AES rounds: AES-NI, or the cryptographic extension of ARMv8.
    Aes,
    /// Carry-less multiplication on x86.
    Pclmulqdq,
    /// SHA-256 on x86, with the SSSE3 and SSE4.1 it is used with.
    ShaNi,
    /// 256-bit vectors of integers on x86.
    Avx2,
    /// AES rounds on 256-bit vectors, on x86; implies AVX2 here.
    Vaes,
    /// 512-bit vectors on x86: F, BW and VL.
    Avx512,
    /// 128-bit vectors on ARM; every 64-bit ARM has them.
    Neon,
    /// Carry-less multiplication on ARM.
    Pmull,
    /// SHA-256 on ARM.
    Sha2,
    /// SHA-512 on ARM.
    Sha512,
    /// CRC-32 on ARM.
    Crc32,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 11] = [
        Self::Aes,
        Self::Pclmulqdq,
        Self::ShaNi,
        Self::Avx2,
        Self::Vaes,
        Self::Avx512,
        Self::Neon,
        Self::Pmull,
        Self::Sha2,
        Self::Sha512,
        Self::Crc32,
    ];

    /// As Linux calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes => "aes",
            Self::Pclmulqdq => "pclmulqdq",
            Self::ShaNi => "sha_ni",
            Self::Avx2 => "avx2",
            Self::Vaes => "vaes",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
            Self::Pmull => "pmull",
            Self::Sha2 => "sha2",
            Self::Sha512 => "sha512",
            Self::Crc32 => "crc32",
        }
    }
}

/// A set of features. As text: names with commas between, or `all`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u32);

impl Features {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// Every feature, of every architecture.
    pub const ALL: Self = Self((1 << Feature::ALL.len()) - 1);

    /// This set and one feature more.
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u32)
    }

    /// What is in this set and not in `others`.
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// What is in both.
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Whether every one of `others` is in this set.
    pub const fn contains(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its features.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(move |&feature| self.contains(Self::NONE.with(feature)))
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<Iterable: IntoIterator<Item = Feature>>(features: Iterable) -> Self {
        features.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Features {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, feature) in self.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            formatter.write_str(feature.name())?;
        }
        Ok(())
    }
}

/// A name that no feature has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such CPU feature")]
pub struct UnknownFeature;

impl FromStr for Features {
    type Err = UnknownFeature;

    fn from_str(text: &str) -> Result<Self, UnknownFeature> {
        if text.trim() == "all" {
            return Ok(Self::ALL);
        }
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let feature = |name| Feature::ALL.into_iter().find(|feature| feature.name() == name).ok_or(UnknownFeature);
        names.map(feature).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn sets_are_read_as_they_are_written() {
        assert_eq!(Features::ALL.to_string().parse(), Ok(Features::ALL));
        assert_eq!("".parse(), Ok(Features::NONE));
        assert_eq!("all".parse(), Ok(Features::ALL));
        assert_eq!(" sha2, aes".parse(), Ok(Features::NONE.with(Feature::Aes).with(Feature::Sha2)));
        assert_eq!("aes,sse9".parse::<Features>(), Err(UnknownFeature));
        let two: Features = "aes,neon".parse().unwrap();
        assert!(two.contains(Features::NONE.with(Feature::Neon)) && !two.contains(Features::ALL));
        assert_eq!(two.without(Features::NONE.with(Feature::Aes)).to_string(), "neon");
    }
}
