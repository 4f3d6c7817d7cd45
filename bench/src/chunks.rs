//! A stream's chunks, for whoever measures how it is cut.

use std::iter;

use nanoprobe_chunker::{Chunker, Stream};

/// The chunks of a whole stream.
pub fn chunks<'data>(chunker: &mut Chunker, mut stream: &'data [u8]) -> impl Iterator<Item = &'data [u8]> {
    chunker.start();
    iter::from_fn(move || next_chunk(chunker, &mut stream))
}

/// Takes the next chunk off what is left of a stream.
pub fn next_chunk<'data>(chunker: &mut Chunker, rest: &mut &'data [u8]) -> Option<&'data [u8]> {
    let cut = chunker.next_cut(rest, Stream::Ends)?;
    rest.split_off(..cut)
}
