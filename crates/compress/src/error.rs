//! What can go wrong here.

/// What can be wrong with compressed bytes or a specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first two bytes name no codec.
    #[error("no decompressor for this data found: {header:02x?}")]
    UnknownCodec {
        /// The first bytes, two unless there are fewer.
        header: [u8; 2],
    },
    /// The codec rejects its input.
    #[error("{codec} decompress failed: {reason}")]
    Corrupt {
        /// The codec's name.
        codec: &'static str,
        /// What it found.
        reason: &'static str,
    },
    /// More bytes would come out than the caller allows.
    #[error("decompressed data is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The caller's limit.
        limit_bytes: usize,
    },
    /// A codec failed to compress; with sound memory this does not happen.
    #[error("{codec} compress failed: {reason}")]
    Compression {
        /// The codec's name.
        codec: &'static str,
        /// What it said.
        reason: &'static str,
    },
    /// A buffer or context could not be allocated.
    #[error("not enough memory to compress or decompress a chunk")]
    OutOfMemory,
    /// The system gave no random number.
    #[error("no random numbers available")]
    NoRandomness,
    /// A level outside what the codec takes.
    #[error("level must be >= {minimum} and <= {maximum}")]
    Level {
        /// The lowest level.
        minimum: i32,
        /// The highest level.
        maximum: i32,
    },
    /// An obfuscation level that means nothing.
    #[error("level must be (inclusively) within 1...6, 110...123 or equal to 250")]
    ObfuscationLevel,
    /// More fields than the codec takes.
    #[error("too many arguments")]
    TooManyArguments,
    /// `auto` or `obfuscate` with a wrong number of fields.
    #[error("bad arguments")]
    BadArguments,
    /// The first field names no codec.
    #[error("unsupported compression type")]
    UnsupportedType,
    /// A level that is not a number.
    #[error("invalid CompressionSpec value: '{field}'")]
    NotANumber {
        /// What stands in the level's place.
        field: String,
    },
}
