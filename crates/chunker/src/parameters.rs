//! `--chunker-params`, in Borg's spelling and with Borg's limits.

use core::fmt;
use core::str::FromStr;

use crate::Error;

/// How a stream is cut, as `--chunker-params` says it. What [`FromStr`] gives is within Borg's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameters {
    /// Borg's rolling hash: sizes as powers of two, a mask of so many bits, a window in bytes (odd).
    Buzhash {
        /// The smallest chunk has 2^this bytes.
        minimum_exponent: u8,
        /// The largest chunk has 2^this bytes.
        maximum_exponent: u8,
        /// Chunks have about 2^this bytes beyond the smallest.
        mask_bits: u8,
        /// Bytes that decide about one cut.
        window: u32,
    },
    /// Blocks of equal size, after an optional header block.
    Fixed {
        /// Bytes of a block.
        block_bytes: u32,
        /// Bytes before the first block; 0 for none.
        header_bytes: u32,
    },
    /// FastCDC: the same three exponents.
    FastCdc {
        /// The smallest chunk has 2^this bytes.
        minimum_exponent: u8,
        /// Chunks have about 2^this bytes.
        average_exponent: u8,
        /// The largest chunk has 2^this bytes.
        maximum_exponent: u8,
    },
}

/// Borg's limits.
const SMALLEST_EXPONENT: i64 = 6;
const LARGEST_EXPONENT: i64 = 23;
const SMALLEST_BLOCK_BYTES: i64 = 64;
const LARGEST_DATA_BYTES: i64 = 20_971_479;

impl Parameters {
    /// Borg's default for file data: `buzhash,19,23,21,4095`.
    pub const DEFAULT: Self = Self::Buzhash { minimum_exponent: 19, maximum_exponent: 23, mask_bits: 21, window: 4095 };
    /// Borg's parameters for the item metadata stream: `buzhash,15,19,17,4095`.
    pub const ITEMS: Self = Self::Buzhash { minimum_exponent: 15, maximum_exponent: 19, mask_bits: 17, window: 4095 };

    /// The largest chunk these parameters can give, in bytes.
    pub fn maximum_bytes(&self) -> usize {
        match *self {
            Self::Buzhash { maximum_exponent, .. } | Self::FastCdc { maximum_exponent, .. } => power(maximum_exponent),
            Self::Fixed { block_bytes, .. } => block_bytes as usize,
        }
    }

    fn buzhash(fields: [&str; 4]) -> Result<Self, Error> {
        let [minimum, maximum, mask, window] = numbers(fields)?;
        if !(minimum <= mask && mask <= maximum) {
            return Err(Error::Order);
        }
        check_exponents(minimum, maximum)?;
        if window % 2 != 1 {
            return Err(Error::EvenWindow);
        }
        if window + (1 << minimum) + 1 > (1 << maximum) {
            return Err(Error::WindowTooLarge);
        }
        Ok(Self::Buzhash {
            minimum_exponent: minimum as u8,
            maximum_exponent: maximum as u8,
            mask_bits: mask as u8,
            window: window as u32,
        })
    }

    fn fixed(block: &str, header: &str) -> Result<Self, Error> {
        let [block, header] = numbers([block, header])?;
        if block < SMALLEST_BLOCK_BYTES {
            return Err(Error::BlockTooSmall);
        }
        if block > LARGEST_DATA_BYTES || header > LARGEST_DATA_BYTES {
            return Err(Error::BlockTooLarge);
        }
        // Borg takes a negative header for none.
        Ok(Self::Fixed { block_bytes: block as u32, header_bytes: header.max(0) as u32 })
    }

    fn fast_cdc(fields: [&str; 3]) -> Result<Self, Error> {
        let [minimum, average, maximum] = numbers(fields)?;
        check_exponents(minimum, maximum)?;
        if !(minimum <= average && average <= maximum && (8..=22).contains(&average)) {
            return Err(Error::Average);
        }
        Ok(Self::FastCdc {
            minimum_exponent: minimum as u8,
            average_exponent: average as u8,
            maximum_exponent: maximum as u8,
        })
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromStr for Parameters {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut fields = [""; 6];
        let mut count = 0;
        for field in text.trim().split(',') {
            *fields.get_mut(count).ok_or(Error::Invalid)? = field;
            count += 1;
        }
        let is = |name: &str| fields[0].eq_ignore_ascii_case(name);
        match fields[..count] {
            [_, block] if is("fixed") => Self::fixed(block, "0"),
            [_, block, header] if is("fixed") => Self::fixed(block, header),
            [_] if is("default") => Ok(Self::DEFAULT),
            [_, minimum, average, maximum] if is("fastcdc") => Self::fast_cdc([minimum, average, maximum]),
            [_, minimum, maximum, mask, window] if is("buzhash") => Self::buzhash([minimum, maximum, mask, window]),
            // Borg's form from before there were other chunkers.
            [minimum, maximum, mask, window] => Self::buzhash([minimum, maximum, mask, window]),
            _ => Err(Error::Invalid),
        }
    }
}

impl Parameters {
    /// A number that other parameters have not got, but for a chance of one in 2^32; never 0.
    pub fn fingerprint(&self) -> u32 {
        let (kind, numbers) = match *self {
            Self::Buzhash { minimum_exponent, maximum_exponent, mask_bits, window } => {
                (1, [minimum_exponent.into(), maximum_exponent.into(), mask_bits.into(), window])
            }
            Self::Fixed { block_bytes, header_bytes } => (2, [block_bytes, header_bytes, 0, 0]),
            Self::FastCdc { minimum_exponent, average_exponent, maximum_exponent } => {
                (3, [minimum_exponent.into(), average_exponent.into(), maximum_exponent.into(), 0])
            }
        };
        // FNV-1a.
        let bytes = numbers.iter().flat_map(|number: &u32| number.to_le_bytes()).chain([kind]);
        bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)).max(1)
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Buzhash { minimum_exponent, maximum_exponent, mask_bits, window } => {
                write!(formatter, "buzhash,{minimum_exponent},{maximum_exponent},{mask_bits},{window}")
            }
            Self::Fixed { block_bytes, header_bytes: 0 } => write!(formatter, "fixed,{block_bytes}"),
            Self::Fixed { block_bytes, header_bytes } => write!(formatter, "fixed,{block_bytes},{header_bytes}"),
            Self::FastCdc { minimum_exponent, average_exponent, maximum_exponent } => {
                write!(formatter, "fastcdc,{minimum_exponent},{average_exponent},{maximum_exponent}")
            }
        }
    }
}

/// 2^exponent; absurd exponents, which only hand-made parameters have, are cut.
pub(crate) fn power(exponent: u8) -> usize {
    1 << exponent.min(30)
}

fn check_exponents(minimum: i64, maximum: i64) -> Result<(), Error> {
    if minimum < SMALLEST_EXPONENT {
        return Err(Error::MinimumTooSmall);
    }
    if maximum > LARGEST_EXPONENT { Err(Error::MaximumTooLarge) } else { Ok(()) }
}

fn numbers<const COUNT: usize>(fields: [&str; COUNT]) -> Result<[i64; COUNT], Error> {
    let mut numbers = [0; COUNT];
    for (number, field) in numbers.iter_mut().zip(fields) {
        *number = field.trim().parse::<i32>().map_err(|_| Error::NotANumber)?.into();
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn spellings_are_borgs() {
        for (given, shown) in [
            ("default", "buzhash,19,23,21,4095"),
            ("buzhash,19,23,21,4095", "buzhash,19,23,21,4095"),
            ("19,23,21,4095", "buzhash,19,23,21,4095"),
            (" BUZHASH,10,23, 16,1 ", "buzhash,10,23,16,1"),
            ("fixed,4096", "fixed,4096"),
            ("fixed,4096,0", "fixed,4096"),
            ("Fixed,20971479,512", "fixed,20971479,512"),
            ("fastcdc,19,21,23", "fastcdc,19,21,23"),
        ] {
            let parameters: Parameters = given.parse().unwrap();
            assert_eq!(parameters.to_string(), shown);
            assert_eq!(shown.parse(), Ok(parameters));
        }
        assert_eq!("default".parse(), Ok(Parameters::DEFAULT));
        assert_eq!("15,19,17,4095".parse(), Ok(Parameters::ITEMS));
        assert_eq!(Parameters::DEFAULT.maximum_bytes(), 8 << 20);
    }

    #[test]
    fn limits_are_borgs() {
        for (given, error) in [
            ("", Error::Invalid),
            ("buzhash", Error::Invalid),
            ("default,1", Error::Invalid),
            ("rabin,19,23,21,4095", Error::Invalid),
            ("buzhash,19,23,21", Error::NotANumber),
            ("fixed", Error::Invalid),
            ("fixed,1,2,3", Error::NotANumber),
            ("fixed,x", Error::NotANumber),
            ("fixed,63", Error::BlockTooSmall),
            ("fixed,20971480", Error::BlockTooLarge),
            ("fixed,64,20971480", Error::BlockTooLarge),
            ("19,23,18,4095", Error::Order),
            ("19,20,21,4095", Error::Order),
            ("5,23,21,4095", Error::MinimumTooSmall),
            ("19,24,21,4095", Error::MaximumTooLarge),
            ("19,23,21,4096", Error::EvenWindow),
            ("19,23,21,-1", Error::EvenWindow),
            ("12,12,12,63", Error::WindowTooLarge),
            ("fastcdc,19,23,23", Error::Average),
            ("fastcdc,19,18,23", Error::Average),
            ("1,2,3,4,5,6,7", Error::Invalid),
        ] {
            assert_eq!(given.parse::<Parameters>(), Err(error), "{given}");
        }
    }
}
