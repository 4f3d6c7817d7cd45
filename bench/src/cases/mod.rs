//! The list of cases, a file a stage.

mod checksums;
mod chunkers;
mod ciphers;
mod compressors;
mod forms;
mod hashes;
mod pipeline;

pub(crate) use chunkers::{DEFAULT as BUZHASH, FASTCDC};
pub(crate) use ciphers::AES256_CTR;
pub(crate) use hashes::{BLAKE2B, BLAKE2B_PAIR, HMAC_SHA256, HMAC_SHA256_PAIR};
pub(crate) use pipeline::{COMPRESSIONS, name as pipeline_name};

use crate::case::Case;

/// Every case, stage by stage. What takes several threads comes first: allocators keep what was freed, and the memory of codecs
/// must not be kept beside that of threads.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    pipeline::add(&mut cases);
    hashes::add(&mut cases);
    ciphers::add(&mut cases);
    checksums::add(&mut cases);
    chunkers::add(&mut cases);
    compressors::add(&mut cases);
    cases
}

/// From a small file to the largest chunk.
pub(crate) const SIZES: [usize; 6] = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 8 << 20];
