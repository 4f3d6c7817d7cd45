//! One face for the three ways to cut.

use nanoprobe_cpu::Form;

use crate::Parameters;
use crate::buzhash::{Buzhash, BuzhashForm};
use crate::fastcdc::FastCdc;
use crate::fixed::Fixed;

/// Whether more bytes of the stream may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// More may follow.
    Continues,
    /// The slice ends the stream.
    Ends,
}

impl Stream {
    /// The cut by content if one was `found`; else the largest chunk, or the stream's end, once that much is there.
    pub(crate) fn cut(self, found: Option<usize>, limit: usize, maximum: usize) -> Option<usize> {
        found.or((limit == maximum || (self == Self::Ends && limit > 0)).then_some(limit))
    }
}

/// Cuts one stream after another; `start` begins a new stream.
pub struct Chunker {
    rule: Rule,
}

// Inline on purpose: nothing below level 1 allocates, and a chunker lives as long as its worker.
#[allow(clippy::large_enum_variant)]
enum Rule {
    Buzhash(Buzhash),
    Fixed(Fixed),
    FastCdc(FastCdc),
}

impl Chunker {
    /// `seed` is the key's chunk seed (buzhash); `gear` the key-derived table (FastCDC only; without it the table is
    /// spread from the seed, which hides less).
    pub fn new(parameters: Parameters, seed: u32, gear: Option<&[u64; 256]>) -> Self {
        Self::with_form(parameters, seed, gear, BuzhashForm::chosen())
    }

    /// With instructions of the caller's choice, for tests and measurements. All forms cut alike; one that is not
    /// available gives way to the portable one.
    pub fn with_form(parameters: Parameters, seed: u32, gear: Option<&[u64; 256]>, form: BuzhashForm) -> Self {
        let rule = match parameters {
            Parameters::Buzhash { minimum_exponent, maximum_exponent, mask_bits, window } => {
                Rule::Buzhash(Buzhash::new(minimum_exponent, maximum_exponent, mask_bits, window, seed, form))
            }
            Parameters::Fixed { block_bytes, header_bytes } => Rule::Fixed(Fixed::new(block_bytes, header_bytes)),
            Parameters::FastCdc { minimum_exponent, average_exponent, maximum_exponent } => {
                Rule::FastCdc(FastCdc::new(minimum_exponent, average_exponent, maximum_exponent, seed, gear))
            }
        };
        Self { rule }
    }

    /// Begins a new stream. Costs nothing, so that a hundred thousand small files cost nothing.
    pub fn start(&mut self) {
        match &mut self.rule {
            Rule::Buzhash(buzhash) => buzhash.restart(),
            Rule::Fixed(fixed) => fixed.start(),
            Rule::FastCdc(fast_cdc) => fast_cdc.restart(),
        }
    }

    /// Says that the first `known` bytes of the current chunk are those of a whole chunk that was cut by the same
    /// parameters and seed, however it ended: at a cut by content, at the maximum, or at its stream's end. No cut lies
    /// within them, so they need no hash but for the last window. To be said before they are handed to
    /// [`Chunker::next_cut`]; of bytes that have been hashed already it changes nothing.
    pub fn skip(&mut self, known: usize) {
        match &mut self.rule {
            Rule::Buzhash(buzhash) => buzhash.skip(known),
            Rule::Fixed(_) => {}
            Rule::FastCdc(fast_cdc) => fast_cdc.skip(known),
        }
    }

    /// `window` begins where the current chunk begins and holds all bytes of it read so far. Returns the chunk's
    /// length once it is certain, `None` when more bytes are needed. Called again with a longer window it goes on
    /// where it stopped: no byte is hashed twice. An empty window at the end gives `None`.
    ///
    /// With [`Parameters::maximum_bytes`] in the window the answer is always certain.
    pub fn next_cut(&mut self, window: &[u8], stream: Stream) -> Option<usize> {
        match &mut self.rule {
            Rule::Buzhash(buzhash) => buzhash.next_cut(window, stream),
            Rule::Fixed(fixed) => fixed.next_cut(window, stream),
            Rule::FastCdc(fast_cdc) => fast_cdc.next_cut(window, stream),
        }
    }
}
