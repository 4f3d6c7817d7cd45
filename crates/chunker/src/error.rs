//! What can be wrong with chunker parameters; Borg's words.

/// What can be wrong with chunker parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An unknown chunker, or a wrong number of fields.
    #[error("invalid chunker params")]
    Invalid,
    /// A field that is not a number.
    #[error("invalid ChunkerParams value: not a number")]
    NotANumber,
    /// Exponents out of order.
    #[error("required: chunk_min <= chunk_mask <= chunk_max")]
    Order,
    /// Chunks would be tiny.
    #[error("min. chunk size exponent must not be less than 6 (2^6 = 64B min. chunk size)")]
    MinimumTooSmall,
    /// Chunks would not fit Borg's objects.
    #[error("max. chunk size exponent must not be more than 23 (2^23 = 8MiB max. chunk size)")]
    MaximumTooLarge,
    /// An even window cancels the seed.
    #[error("window_size must be an uneven (odd) number")]
    EvenWindow,
    /// No window fits between the smallest and the largest chunk.
    #[error("too small max_size")]
    WindowTooLarge,
    /// Blocks would be tiny.
    #[error("block_size must not be less than 64 Bytes")]
    BlockTooSmall,
    /// Blocks would not fit Borg's objects.
    #[error("block_size and header_size must not exceed MAX_DATA_SIZE [20971479]")]
    BlockTooLarge,
    /// FastCDC's normalization needs an average of 2^8 to 2^22 bytes.
    #[error("fastcdc: required: chunk_min <= chunk_avg <= chunk_max and 8 <= chunk_avg <= 22")]
    Average,
}
