//! `obfuscate`: zeros after the compressed data hide its size from whoever sees the repository.
//!
//! Layout after the codec's two bytes: size(4, big-endian) | the inner frame, size bytes | zeros.

use crate::{Error, LARGEST_DATA_BYTES};

/// Bytes of the inner frame's size.
pub(crate) const SIZE_BYTES: usize = 4;

/// Borg keeps padded chunks this far below the largest object.
const MARGIN_BYTES: usize = 1024;

/// How much padding is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obfuscation {
    /// Level 1 to 6: a multiple of the size, seldom a large one.
    Relative { level: u8 },
    /// Level 110 to 123: random up to 1 KiB … 8 MiB.
    Padding { level: u8 },
    /// Level 250: up to the next size with few significant bits (PADMÉ), at most 12 % more.
    Padme,
}

impl Obfuscation {
    pub(crate) fn from_level(level: i32) -> Option<Self> {
        match level {
            1..=6 => Some(Self::Relative { level: level as u8 }),
            110..=123 => Some(Self::Padding { level: level as u8 }),
            250 => Some(Self::Padme),
            _ => None,
        }
    }

    pub(crate) fn level(self) -> u8 {
        match self {
            Self::Relative { level } | Self::Padding { level } => level,
            Self::Padme => 250,
        }
    }

    /// The number of zeros after an inner frame of `inner_bytes`.
    pub(crate) fn padding_bytes(self, inner_bytes: usize) -> Result<usize, Error> {
        let room = (LARGEST_DATA_BYTES - MARGIN_BYTES).saturating_sub(inner_bytes);
        let padding = match self {
            Self::Relative { level } => relative(level, random()?, inner_bytes),
            Self::Padding { level } => ((1_u32 << (level - 100)) as f64 * random()?) as usize,
            Self::Padme => padme(inner_bytes),
        };
        Ok(padding.min(room))
    }
}

/// In 90 % of cases up to 10^(level-2) of the size, in 9 % up to ten times that, and so on, four decades.
fn relative(level: u8, random: f64, inner_bytes: usize) -> usize {
    let factor = 0.001 * 10_f64.powi(level.into());
    (inner_bytes as f64 * (factor / random.max(0.0001))) as usize
}

fn padme(inner_bytes: usize) -> usize {
    let Some(exponent) = inner_bytes.checked_ilog2().filter(|&exponent| exponent > 0) else { return 0 };
    let significant_bits = exponent.ilog2() + 1;
    let mask = (1_usize << (exponent - significant_bits)) - 1;
    inner_bytes.wrapping_neg() & mask
}

/// Uniform in 0..1, from the system's generator.
fn random() -> Result<f64, Error> {
    let bits = getrandom::u64().map_err(|_| Error::NoRandomness)?;
    Ok((bits >> 11) as f64 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padme_rounds_to_few_significant_bits() {
        for (size, padded) in [
            (0, 0),
            (1, 1),
            (2, 2),
            (3, 3),
            (8, 8),
            (9, 10),
            (17, 18),
            (100, 104),
            (1000, 1024),
            (1_000_001, 1_015_808),
        ] {
            assert_eq!(size + padme(size), padded, "{size}");
        }
    }

    #[test]
    fn relative_padding_spans_four_decades() {
        assert_eq!(relative(1, 1.0, 1000), 10);
        assert_eq!(relative(1, 0.0, 1000), 100_000);
        assert_eq!(relative(6, 0.5, 1000), 2_000_000);
    }

    #[test]
    fn padding_stays_below_the_largest_object() {
        for level in (1..=6).chain(110..=123).chain([250]) {
            let obfuscation = Obfuscation::from_level(level).unwrap();
            assert_eq!(i32::from(obfuscation.level()), level);
            for inner in [0, 1, 5000, LARGEST_DATA_BYTES - MARGIN_BYTES - 1, LARGEST_DATA_BYTES] {
                let padding = obfuscation.padding_bytes(inner).unwrap();
                assert!(inner + padding <= (LARGEST_DATA_BYTES - MARGIN_BYTES).max(inner), "{level} {inner} {padding}");
            }
        }
        let largest = (0..200).map(|_| Obfuscation::Padding { level: 110 }.padding_bytes(9).unwrap()).max().unwrap();
        assert!((512..1024).contains(&largest), "{largest}");
    }
}
