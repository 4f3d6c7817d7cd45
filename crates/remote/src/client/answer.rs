//! Answers as they come: a result that is looked at where it stands, or an exception.

use std::ops::Range;

use nanoprobe_format::msgpack::{Error, Reader};
use nanoprobe_format::rpc::{Outcome, Response};

use super::exception::{Exception, unexpected};

/// The message that holds a result.
#[derive(Debug)]
pub(super) struct Answer {
    message: Vec<u8>,
    /// Where the result stands, packed.
    result: Range<usize>,
}

impl Answer {
    /// Takes a whole message apart: the number of its request and what came of that.
    pub(super) fn parse(message: Vec<u8>) -> Result<(u64, Result<Self, Exception>), Error> {
        let Response { number, outcome } = Response::parse(&message)?;
        let result = match outcome {
            Outcome::Exception(exception) => return Ok((number, Err(Exception::keep(&exception)))),
            // It borrows from the message, so the difference tells where.
            Outcome::Result(result) => {
                let start = result.as_ptr() as usize - message.as_ptr() as usize;
                start..start + result.len()
            }
        };
        Ok((number, Ok(Self { message, result })))
    }

    /// The result.
    pub(super) fn result(&self) -> Reader<'_> {
        Reader::new(self.message.get(self.result.clone()).unwrap_or_default())
    }

    /// Reads a result that must be of one kind.
    pub(super) fn read<T>(&self, read: impl FnOnce(&mut Reader<'_>) -> Result<T, Error>) -> Result<T, crate::Error> {
        read(&mut self.result()).map_err(|_| unexpected(self.result().rest()))
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.message.capacity()
    }
}
