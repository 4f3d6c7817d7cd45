//! The two bytes before compressed data.

/// What a compressed chunk was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// The data as it is.
    None,
    /// A raw lz4 block, without its size.
    Lz4,
    /// An xz stream without a check.
    Lzma,
    /// A zstd frame with its size.
    Zstd,
    /// Another frame with padding around it.
    Obfuscate,
    /// A zlib stream; its own header stands where the two bytes would.
    Zlib,
}

/// Bytes before the data of every codec but zlib.
pub(crate) const HEADER_BYTES: usize = 2;

impl Codec {
    /// The codec of a compressed chunk, from its first two bytes.
    pub fn of(framed: &[u8]) -> Option<Self> {
        match *framed.first_chunk()? {
            [0, 0] => Some(Self::None),
            [1, 0] => Some(Self::Lz4),
            [2, 0] => Some(Self::Lzma),
            [3, 0] => Some(Self::Zstd),
            [4, 0] => Some(Self::Obfuscate),
            // Method 8, and the pair divisible by 31 (RFC 1950).
            [method, flags] if method & 15 == 8 && u16::from_be_bytes([method, flags]).is_multiple_of(31) => {
                Some(Self::Zlib)
            }
            _ => None,
        }
    }

    /// Borg's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
            Self::Obfuscate => "obfuscate",
            Self::Zlib => "zlib",
        }
    }

    /// The bytes that go before the codec's own.
    pub(crate) fn header(self) -> &'static [u8] {
        match self {
            Self::None => &[0, 0],
            Self::Lz4 => &[1, 0],
            Self::Lzma => &[2, 0],
            Self::Zstd => &[3, 0],
            Self::Obfuscate => &[4, 0],
            Self::Zlib => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Codec;

    #[test]
    fn headers_name_their_codecs() {
        for codec in [Codec::None, Codec::Lz4, Codec::Lzma, Codec::Zstd, Codec::Obfuscate] {
            assert_eq!(Codec::of(codec.header()), Some(codec));
        }
        // The headers zlib writes at its levels, and two pairs that only resemble them.
        for header in [[0x78, 0x01], [0x78, 0x5e], [0x78, 0x9c], [0x78, 0xda], [0x08, 0x1d]] {
            assert_eq!(Codec::of(&header), Some(Codec::Zlib));
        }
        for header in [[0x78, 0x02], [0x77, 0x85], [0xff, 0xff], [5, 0], [0, 1]] {
            assert_eq!(Codec::of(&header), None);
        }
        assert_eq!(Codec::of(&[0]), None);
    }
}
