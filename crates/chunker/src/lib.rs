//! Finds chunk boundaries.
#![no_std]

/// How a stream is cut, as `--chunker-params` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameters {
    /// Borg's rolling hash: sizes as powers of two, a mask of so many bits, a window in bytes (odd).
    Buzhash { minimum_exponent: u8, maximum_exponent: u8, mask_bits: u8, window: u32 },
    /// Blocks of equal size, after an optional header block.
    Fixed { block_bytes: u32, header_bytes: u32 },
    /// FastCDC: the same three exponents.
    FastCdc { minimum_exponent: u8, average_exponent: u8, maximum_exponent: u8 },
}

impl Parameters {
    /// Borg's default for file data: `buzhash,19,23,21,4095`.
    pub const DEFAULT: Self = Self::Buzhash { minimum_exponent: 19, maximum_exponent: 23, mask_bits: 21, window: 4095 };
    /// Borg's parameters for the item metadata stream: `buzhash,15,19,17,4095`.
    pub const ITEMS: Self = Self::Buzhash { minimum_exponent: 15, maximum_exponent: 19, mask_bits: 17, window: 4095 };

    /// The largest chunk these parameters can give, in bytes.
    pub fn maximum_bytes(&self) -> usize {
        todo!()
    }
}
// impl FromStr (Borg's spelling, Borg's limits), Display (Borg's spelling).

/// Whether more bytes of the stream may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// More may follow.
    Continues,
    /// The slice ends the stream.
    Ends,
}

/// Cuts one stream after another; `start` begins a new stream.
pub struct Chunker {}

impl Chunker {
    /// `seed` is the key's chunk seed (buzhash); `gear` the key-derived table (FastCDC only).
    pub fn new(parameters: Parameters, seed: u32, gear: Option<&[u64; 256]>) -> Self {
        todo!()
    }
    /// Begins a new stream.
    pub fn start(&mut self) {
        todo!()
    }
    /// `window` begins where the current chunk begins and holds all bytes of it read so far. Returns the chunk's
    /// length once it is certain, `None` when more bytes are needed. Called again with a longer window it goes on
    /// where it stopped: no byte is hashed twice. An empty window at the end gives `None`.
    pub fn next_cut(&mut self, window: &[u8], stream: Stream) -> Option<usize> {
        todo!()
    }
}
