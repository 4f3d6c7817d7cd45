//! An archive's item metadata stream as check and info read it: chunk by chunk, value by value.
//!
//! RAM: one chunk, and one value where it lies across chunks.

use nanoprobe_format::msgpack::{self, Scanner};

/// A value is larger than may be held: it may be as it should be all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    pub(crate) limit_bytes: usize,
}

impl From<TooLarge> for crate::Error {
    fn from(TooLarge { limit_bytes }: TooLarge) -> Self {
        nanoprobe_archive::Error::ItemTooLarge { limit_bytes }.into()
    }
}

/// Cuts the stream into its values, whatever they are.
#[derive(Debug)]
pub(crate) struct Splitter {
    scanner: Scanner,
    /// The value at hand, as far as it has come.
    buffer: Vec<u8>,
    most_bytes: usize,
}

impl Splitter {
    /// A value of more than `most_bytes` is refused.
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self { scanner: Scanner::default(), buffer: Vec::new(), most_bytes }
    }

    /// Takes the next piece and hands every value that is complete with it to `each`.
    pub(crate) fn feed<E: From<msgpack::Error> + From<TooLarge>>(
        &mut self,
        mut data: &[u8],
        each: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while !data.is_empty() {
            let end = self.scanner.feed(data)?;
            let (piece, rest) = data.split_at(end.unwrap_or(data.len()));
            if self.buffer.len() + piece.len() > self.most_bytes {
                return Err(TooLarge { limit_bytes: self.most_bytes }.into());
            }
            match (end, self.buffer.is_empty()) {
                (Some(_), true) => each(piece)?,
                (Some(_), false) => {
                    self.buffer.extend_from_slice(piece);
                    let result = each(&self.buffer);
                    self.buffer.clear();
                    result?;
                }
                (None, _) => self.buffer.extend_from_slice(piece),
            }
            data = rest;
        }
        Ok(())
    }

    /// Bytes of the value at hand.
    pub(crate) fn carried(&self) -> usize {
        self.buffer.len()
    }

    /// Forgets what came before: a new value begins.
    pub(crate) fn restart(&mut self) {
        self.scanner = Scanner::default();
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_across_pieces() {
        let stream = b"\x81\xa1a\x93\x01\x02\x03\xc0\xa5hello\x81\xa1b\xcd\x01\x02";
        let whole: [&[u8]; 4] = [&stream[..7], &stream[7..8], &stream[8..14], &stream[14..]];
        for size in 1..stream.len() {
            let mut splitter = Splitter::new(100);
            let mut values: Vec<Vec<u8>> = Vec::new();
            for piece in stream.chunks(size) {
                let each = &mut |value: &[u8]| {
                    values.push(value.to_vec());
                    Ok::<(), crate::Error>(())
                };
                splitter.feed(piece, each).expect("well formed");
            }
            assert_eq!(values, whole);
        }
    }

    #[test]
    fn refuses_what_is_too_large() {
        let mut splitter = Splitter::new(4);
        let result = splitter.feed::<crate::Error>(b"\xa5hello", &mut |_| Ok(()));
        let error = result.expect_err("too large").to_string();
        assert_eq!(error, "An item's metadata is larger than 4 bytes, which is what the memory limit leaves for it");
    }
}
