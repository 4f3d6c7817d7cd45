//! The conversation of a Borg client with `borg serve`: msgpack values back to back, without lengths in front.
//!
//! 1. The client asks for `negotiate`, in the positional form, since it cannot know yet what the server understands; the
//!    answer comes in the same form. All that follows names its arguments:
//! 2. `open`, answered by the repository's id;
//! 3. any calls. They may be sent ahead of the answers to those before; each is answered, in order.
//! 4. The client closes the stream.
//!
//! ```text
//! request   map { "i": number, "m": raw method, "a": map { raw name: value } }
//! result    map { "i": number, "r": value }
//! exception map { "i": number, "exception_class": raw, "exception_args": array, "exception_full": array [ raw ],
//!                 "exception_short": array [ raw ], "exception_trace": bool, "sysinfo": raw }
//! positional request  array [ 1, number, raw method, array [ value ] ]
//! positional result   array [ 1, number, nil, value ]
//! positional exception array [ 1, number, raw class, any ]
//! ```
//!
//! A message is cut off the stream by [`Splitter`] and parsed whole: it costs its own bytes, at most [`MESSAGE_BYTES`].

use embedded_io::Write;
use heapless::Vec;

pub use call::{Call, CallError, Form, Open, Request};
pub use response::{Argument, Exception, Outcome, Response, emit_result};

use crate::msgpack::{Error, Reader, Scanner, Writer};

mod arguments;
mod call;
mod response;

/// The longest message: an object of 20 MiB, or the ids of a long list, and room for what stands around them.
pub const MESSAGE_BYTES: u64 = (20 << 20) + (64 << 10);
/// Ids that one `list` or `scan` asks for; the answer has 3.2 MiB then.
pub const LIST_IDS: usize = 100_000;

/// Cuts a stream into messages. Looks at every byte once, keeps none of them, and believes no length beyond the limit.
#[derive(Debug, Default)]
pub struct Splitter {
    scanner: Scanner,
    seen_bytes: u64,
}

impl Splitter {
    /// Looks at the next piece. `Some` gives the number of its bytes that belong to the message, which is complete then;
    /// `None` asks for more. After an error the stream cannot be followed any more.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let end = self.scanner.feed(bytes)?;
        self.seen_bytes += end.unwrap_or(bytes.len()) as u64;
        let least = self.seen_bytes.saturating_add(if end.is_some() { 0 } else { self.scanner.missing_bytes() });
        if least > MESSAGE_BYTES {
            return Err(Error::TooMany("bytes in a message"));
        }
        if end.is_some() {
            self.seen_bytes = 0;
        }
        Ok(end)
    }
}

/// A version as both sides tell it: three numbers, then -1, or for a version before the release -4 (a), -3 (b), -2 (rc) or
/// -9 (dev) and its number. Versions compare as these numbers do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub Vec<i32, 8>);

impl Version {
    /// The version that we are as Borg.
    pub const OURS: [i32; 4] = [1, 4, 5, -1];

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let mut numbers = Vec::new();
        for _ in 0..reader.array()? {
            numbers.push(reader.number()?).map_err(|_| Error::WrongLength)?;
        }
        Ok(Self(numbers))
    }

    fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.array(self.0.len())?;
        self.0.iter().try_for_each(|&number| writer.signed(i64::from(number)))
    }
}

impl From<&[i32]> for Version {
    /// Numbers after the eighth are left out.
    fn from(numbers: &[i32]) -> Self {
        Self(numbers.iter().copied().take(8).collect())
    }
}

#[cfg(test)]
mod tests;
