//! Raw lz4 blocks. Borg stores no size with them, so a reader must find it: the block is walked once without making
//! output, which costs little beside decoding and rejects most damage. RAM: 16 KiB of stack.
#![allow(unsafe_code)]

use core::ffi::c_int;

use super::{Fit, reserve};
use crate::Error;

/// The hash table that compression keeps on the stack.
pub(crate) const MEMORY_BYTES: usize = 16 << 10;

/// lz4's own limit on its input.
const LARGEST_INPUT_BYTES: usize = 0x7e00_0000;

/// Appends at most `room` bytes of compressed `data`.
pub(crate) fn compress(data: &[u8], output: &mut Vec<u8>, room: usize) -> Result<Fit, Error> {
    if data.len() > LARGEST_INPUT_BYTES {
        return Err(Error::Compression { codec: "lz4", reason: "the data is too large" });
    }
    reserve(output, room)?;
    let spare = &mut output.spare_capacity_mut()[..room];
    // SAFETY: both pointers are valid for the lengths given, which fit an int (`room` is smaller than the data); lz4
    // writes at most the destination's length and returns how much that was, 0 if it was not enough.
    let written = unsafe {
        lz4_sys::LZ4_compress_default(
            data.as_ptr().cast(),
            spare.as_mut_ptr().cast(),
            data.len() as c_int,
            spare.len() as c_int,
        )
    };
    match usize::try_from(written) {
        Ok(written) if (1..=room).contains(&written) => {
            // SAFETY: these bytes have just been written.
            unsafe { output.set_len(output.len() + written) };
            Ok(Fit::Yes)
        }
        _ => Ok(Fit::No),
    }
}

/// Appends the plain bytes of `block` to the empty `data`.
pub(crate) fn decompress(block: &[u8], limit: usize, data: &mut Vec<u8>) -> Result<(), Error> {
    let plain_bytes = plain_bytes(block, limit)?;
    reserve(data, plain_bytes)?;
    let corrupt = || Error::Corrupt { codec: "lz4", reason: "not an lz4 block" };
    let block_bytes = c_int::try_from(block.len()).map_err(|_| corrupt())?;
    let capacity = c_int::try_from(plain_bytes).map_err(|_| corrupt())?;
    // SAFETY: both pointers are valid for the lengths given; lz4's safe decoder stays inside both on any input.
    let written = unsafe {
        lz4_sys::LZ4_decompress_safe(
            block.as_ptr().cast(),
            data.spare_capacity_mut().as_mut_ptr().cast(),
            block_bytes,
            capacity,
        )
    };
    if usize::try_from(written) != Ok(plain_bytes) {
        return Err(corrupt());
    }
    // SAFETY: these bytes have just been written into the empty vector.
    unsafe { data.set_len(plain_bytes) };
    Ok(())
}

/// How many bytes `block` stands for: each sequence is a token, literals, an offset and a match; the last has no match.
fn plain_bytes(block: &[u8], limit: usize) -> Result<usize, Error> {
    let corrupt = || Error::Corrupt { codec: "lz4", reason: "the block is cut short" };
    let mut rest = block;
    let mut total = 0_usize;
    loop {
        let (&token, after) = rest.split_first().ok_or_else(corrupt)?;
        rest = after;
        let literals = length(token >> 4, &mut rest).ok_or_else(corrupt)?;
        rest = rest.get(literals..).ok_or_else(corrupt)?;
        total += literals;
        if rest.is_empty() {
            break;
        }
        rest = rest.get(2..).ok_or_else(corrupt)?;
        // No overflow: a length is at most 255 for each byte of the block.
        total += 4 + length(token & 15, &mut rest).ok_or_else(corrupt)?;
        if total > limit {
            break;
        }
    }
    if total > limit { Err(Error::TooLarge { limit_bytes: limit }) } else { Ok(total) }
}

/// A length of a token's four bits and, if they are all set, of the bytes that follow.
#[inline]
fn length(nibble: u8, rest: &mut &[u8]) -> Option<usize> {
    let mut length = usize::from(nibble);
    if nibble == 15 {
        loop {
            let (&byte, after) = rest.split_first()?;
            *rest = after;
            length += usize::from(byte);
            if byte != 255 {
                break;
            }
        }
    }
    Some(length)
}
