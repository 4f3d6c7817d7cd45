//! Tar archives: written by `export-tar` in the GNU format as Borg writes it, read by `import-tar` in every format that Borg
//! reads. Blocks of 512 bytes, one after another; nothing is ever sought.
//!
//! The crates that read tar keep long names and extended headers of any length in memory, and know not every sparse format.

mod filter;
mod header;
mod pax;
mod read;
mod sparse;
mod write;

pub use filter::{Filter, TarInput, TarOutput, Way, automatic_filter};
pub(crate) use header::kind;
pub use read::Zeros;
pub(crate) use read::{Member, TarReader};
pub(crate) use write::{Begun, Place, TarWriter};

/// What everything is padded to.
const BLOCK_BYTES: usize = 512;
