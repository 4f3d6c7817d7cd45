//! chunk, spared: a file that changed is read with an eye on the chunks it had.
//!
//! When the bytes at hand have the name of the chunk that began there, every window inside them was looked at before, and
//! the chunker skips them. The name has to be made anyway, and so a match costs nothing; bytes that are others, and the last
//! chunk of a file that grew, cost one name in vain. After a few of those in a row nothing is expected any more. Names are
//! made by the reader then. Where several workers could make them, that would take longer than cutting does, and so nothing
//! is expected there.
//!
//! RAM: 36 bytes a chunk, of `MOST_EXPECTED` at the most.

use nanoprobe_archive::FilesCacheEntry;
use nanoprobe_chunker::{Chunker, Parameters, Stream};
use nanoprobe_format::Id;
use nanoprobe_key::Key;

use crate::budget::MOST_EXPECTED;

/// Names in a row that may be made in vain, after as many matches; the first one has to be a match.
const MOST_CREDIT: u32 = 3;

/// Chunks of the file at hand as an earlier run knew it.
pub(super) struct Expected<'a> {
    /// Makes names; none where nothing is to be expected.
    key: Option<&'a Key>,
    /// The chunker at hand.
    pub cut_by: u32,
    largest_chunk: usize,
    /// Backwards: the next one is the last.
    chunks: Vec<(Id, u32)>,
    /// Where the next one began.
    place: u64,
    /// Where the chunk at hand begins.
    position: u64,
    /// Names that may still be made in vain.
    credit: u32,
    /// The name of so many bytes of the chunk at hand.
    named: Option<(usize, Id)>,
}

impl<'a> Expected<'a> {
    pub(super) fn new(key: Option<&'a Key>, parameters: Parameters) -> Self {
        let (cut_by, largest_chunk) = (parameters.fingerprint(), parameters.maximum_bytes());
        let key = key.filter(|_| !matches!(parameters, Parameters::Fixed { .. }));
        Self { key, cut_by, largest_chunk, chunks: Vec::new(), place: 0, position: 0, credit: 0, named: None }
    }

    /// The next file has nothing to do with the last one.
    pub(super) fn nothing(&mut self) {
        self.chunks.clear();
    }

    /// The next file is one that was known. What another chunker cut has windows that this one has not looked at.
    pub(super) fn known(&mut self, entry: &FilesCacheEntry<'_>) {
        self.chunks.clear();
        if self.key.is_some() && entry.cut_by == self.cut_by {
            let chunks = entry.chunks.iter().take_while(|(_, size)| *size as usize <= self.largest_chunk);
            self.chunks.extend(chunks.take(MOST_EXPECTED));
            self.chunks.reverse();
        }
    }

    /// A file begins.
    pub(super) fn start(&mut self) {
        (self.place, self.position, self.credit, self.named) = (0, 0, 1, None);
    }

    /// Tells the chunker what is known of the chunk that begins with `bytes`; false where more of them are needed to know.
    pub(super) fn compare(&mut self, bytes: &[u8], stream: Stream, chunker: &mut Chunker) -> bool {
        while let (Some(key), Some(&(id, size))) = (self.key, self.chunks.last()) {
            if self.place > self.position || self.credit == 0 {
                return true;
            }
            if self.place == self.position {
                match bytes.get(..size as usize) {
                    None if stream == Stream::Continues => return false,
                    None => {}
                    Some(known) => {
                        let name = key.id(known);
                        self.named = Some((known.len(), name));
                        if name == id {
                            chunker.skip(known.len());
                            self.credit = MOST_CREDIT.min(self.credit + 1);
                        } else {
                            self.credit -= 1;
                        }
                    }
                }
            }
            self.chunks.pop();
            self.place += u64::from(size);
        }
        true
    }

    /// The chunk at hand ends after `bytes`; gives its name where it was made.
    pub(super) fn cut(&mut self, bytes: usize) -> Option<Id> {
        self.position += bytes as u64;
        self.named.take().filter(|(named, _)| *named == bytes).map(|(_, id)| id)
    }
}
