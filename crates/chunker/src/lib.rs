//! Finds chunk boundaries: the `chunk` step between `read` and `id`. Borg's buzhash, exactly; blocks of equal size;
//! FastCDC with a gear table derived from the key.
//!
//! Cuts depend on the stream's bytes alone, never on how it is read. Nothing is copied or allocated: the caller keeps
//! the current chunk's bytes in one slice.
//!
//! RAM: 23 KiB a [`Chunker`] (buzhash: 20.1 KiB of recent hashes and two tables of 1 KiB), which fits the first-level cache
//! of small boards.
#![no_std]
#![deny(unsafe_code)]

#[cfg(test)]
extern crate std;

mod buzhash;
mod chunker;
mod error;
mod fastcdc;
mod fixed;
mod parameters;

pub use buzhash::BuzhashForm;
pub use chunker::{Chunker, Stream};
pub use error::Error;
pub use parameters::Parameters;
