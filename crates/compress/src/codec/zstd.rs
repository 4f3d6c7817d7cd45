//! zstd frames. Borg writes and demands the plain size in the frame's header, so decoding is one call into a buffer of
//! that size and needs no window. RAM: contexts, kept; see `memory_bytes`; about 160 KiB to decode.
#![allow(unsafe_code)]

use zstd_safe::{CCtx, DCtx, WriteBuf, zstd_sys};

use super::{Fit, reserve};
use crate::Error;

/// No block of a frame holds more plain bytes than this, and none takes fewer bytes than four.
const LARGEST_BLOCK_BYTES: usize = 128 << 10;
const SMALLEST_STORED_BLOCK_BYTES: usize = 4;

pub(crate) struct Compressor {
    level: i32,
    memory_bytes: usize,
    context: Option<CCtx<'static>>,
}

impl Compressor {
    /// A context never takes more than `memory_bytes`, as long as that is enough for level 1: where the wanted level
    /// needs more for a chunk of its size, the highest that fits is taken.
    pub(crate) fn new(level: i32, memory_bytes: usize) -> Self {
        Self { level, memory_bytes, context: CCtx::try_create() }
    }

    /// Appends at most `room` bytes of compressed `data`.
    pub(crate) fn compress(&mut self, data: &[u8], output: &mut Vec<u8>, room: usize) -> Result<Fit, Error> {
        let context = self.context.as_mut().ok_or(Error::OutOfMemory)?;
        reserve(output, room)?;
        let mut tail = Tail { start: output.len(), room, vector: output };
        match context.compress(&mut tail, data, fitting_level(self.level, data.len(), self.memory_bytes)) {
            Ok(_) => Ok(Fit::Yes),
            Err(code) if is(code, zstd_sys::ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall) => Ok(Fit::No),
            Err(code) if is(code, zstd_sys::ZSTD_ErrorCode::ZSTD_error_memory_allocation) => Err(Error::OutOfMemory),
            Err(code) => Err(Error::Compression { codec: "zstd", reason: zstd_safe::get_error_name(code) }),
        }
    }
}

/// The memory of a context that compresses chunks of at most `chunk_bytes`.
pub(crate) fn memory_bytes(level: i32, chunk_bytes: usize) -> usize {
    // zstd picks its parameters by the size; smaller chunks never need more than larger ones at the tiers' bounds.
    [chunk_bytes, chunk_bytes.min(256 << 10), chunk_bytes.min(128 << 10), chunk_bytes.min(16 << 10)]
        .into_iter()
        // SAFETY: both calls only compute from plain numbers.
        .map(|size| unsafe {
            zstd_sys::ZSTD_estimateCCtxSize_usingCParams(zstd_sys::ZSTD_getCParams(level, size as u64, 0))
        })
        .max()
        .unwrap_or_default()
}

/// The memory that [`Compressor`] makes do with.
pub(crate) fn least_memory_bytes(level: i32, chunk_bytes: usize) -> usize {
    memory_bytes(level.min(1), chunk_bytes)
}

fn fitting_level(wanted: i32, chunk_bytes: usize, most_memory_bytes: usize) -> i32 {
    (1..=wanted).rev().find(|&level| memory_bytes(level, chunk_bytes) <= most_memory_bytes).unwrap_or(wanted.min(1))
}

pub(crate) struct Decompressor {
    context: DCtx<'static>,
}

impl Decompressor {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self { context: DCtx::try_create().ok_or(Error::OutOfMemory)? })
    }

    /// Appends the plain bytes of `frame` to the empty `data`.
    pub(crate) fn decompress(&mut self, frame: &[u8], limit: usize, data: &mut Vec<u8>) -> Result<(), Error> {
        let corrupt = |reason| Error::Corrupt { codec: "zstd", reason };
        let declared = zstd_safe::get_frame_content_size(frame)
            .map_err(|_| corrupt("not a zstd frame"))?
            .ok_or(corrupt("original size unknown"))?;
        let size = usize::try_from(declared).ok().filter(|&size| size <= limit);
        let size = size.ok_or(Error::TooLarge { limit_bytes: limit })?;
        if size > (frame.len() / SMALLEST_STORED_BLOCK_BYTES + 1) * LARGEST_BLOCK_BYTES {
            return Err(corrupt("more declared than the frame can hold"));
        }
        reserve(data, size)?;
        let mut tail = Tail { start: 0, room: size, vector: data };
        match self.context.decompress(&mut tail, frame) {
            Ok(written) if written == size => Ok(()),
            Ok(_) => Err(corrupt("size mismatch")),
            Err(code) if is(code, zstd_sys::ZSTD_ErrorCode::ZSTD_error_memory_allocation) => Err(Error::OutOfMemory),
            Err(code) => Err(corrupt(zstd_safe::get_error_name(code))),
        }
    }
}

fn is(code: zstd_safe::ErrorCode, kind: zstd_sys::ZSTD_ErrorCode) -> bool {
    zstd_safe::is_error_kind(code, kind)
}

/// `room` bytes of a vector's spare capacity, from `start` on.
struct Tail<'a> {
    vector: &'a mut Vec<u8>,
    start: usize,
    room: usize,
}

// SAFETY: pointer and capacity describe memory that the vector owns (`room` was reserved behind `start`), and only what
// was written becomes part of it.
unsafe impl WriteBuf for Tail<'_> {
    fn as_slice(&self) -> &[u8] {
        &self.vector[self.start..]
    }

    fn capacity(&self) -> usize {
        self.room.min(self.vector.capacity() - self.start)
    }

    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.vector.spare_capacity_mut().as_mut_ptr().cast()
    }

    unsafe fn filled_until(&mut self, n: usize) {
        // SAFETY: the caller promises that n bytes from `start` on were written.
        unsafe { self.vector.set_len(self.start + n) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_memory_lowers_the_level_and_nothing_else() {
        let data = b"what repeats is found at every level ".repeat(1000);
        for wanted in [1, 3, 19, 22] {
            for most_memory_bytes in [1 << 20, 16 << 20, usize::MAX] {
                for size in [1000, data.len(), 8 << 20] {
                    let level = fitting_level(wanted, size, most_memory_bytes);
                    let least = least_memory_bytes(wanted, size);
                    assert!(
                        memory_bytes(level, size) <= most_memory_bytes.max(least),
                        "{wanted} {most_memory_bytes} {size}"
                    );
                    assert!(level == wanted || memory_bytes(level + 1, size) > most_memory_bytes);
                }
                let mut frame = Vec::new();
                let fit = Compressor::new(wanted, most_memory_bytes).compress(&data, &mut frame, data.len());
                let mut plain = Vec::new();
                Decompressor::new().unwrap().decompress(&frame, data.len(), &mut plain).unwrap();
                assert!(matches!(fit, Ok(Fit::Yes)) && plain == data);
            }
        }
    }
}
