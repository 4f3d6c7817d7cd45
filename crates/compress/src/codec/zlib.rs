//! zlib streams (RFC 1950). They store no size: output grows as it comes, up to the limit. RAM: some 400 KiB to
//! compress, 48 KiB to decompress.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Fit, reserve};
use crate::Error;

/// Window, hash chains and pending output of the encoder at its largest.
pub(crate) const MEMORY_BYTES: usize = 400 << 10;

/// The first piece of output; each further one is as large as all before.
const FIRST_BYTES: usize = 64 << 10;

pub(crate) struct Compressor {
    stream: Compress,
}

impl Compressor {
    pub(crate) fn new(level: u32) -> Self {
        Self { stream: Compress::new(Compression::new(level), true) }
    }

    /// Appends at most `room` bytes of compressed `data`.
    pub(crate) fn compress(&mut self, data: &[u8], output: &mut Vec<u8>, room: usize) -> Result<Fit, Error> {
        reserve(output, room)?;
        self.stream.reset();
        let start = output.len();
        match self.stream.compress_vec(data, output, FlushCompress::Finish) {
            Ok(Status::StreamEnd) if output.len() - start <= room => Ok(Fit::Yes),
            Ok(_) => Ok(Fit::No),
            Err(_) => Err(Error::Compression { codec: "zlib", reason: "the encoder failed" }),
        }
    }
}

pub(crate) struct Decompressor {
    stream: Decompress,
}

impl Default for Decompressor {
    fn default() -> Self {
        Self { stream: Decompress::new(true) }
    }
}

impl Decompressor {
    /// Appends the plain bytes of `stream` to the empty `data`. Bytes after the stream's end are ignored, as Borg does.
    pub(crate) fn decompress(&mut self, stream: &[u8], limit: usize, data: &mut Vec<u8>) -> Result<(), Error> {
        let corrupt = |reason| Error::Corrupt { codec: "zlib", reason };
        self.stream.reset(true);
        let mut rest = stream;
        loop {
            let room = limit - data.len();
            if room > 0 && data.capacity() == data.len() {
                reserve(data, data.len().max(FIRST_BYTES).min(room))?;
            }
            let before_in = self.stream.total_in();
            let before_out = self.stream.total_out();
            let mut probe = [0];
            let status = if room > 0 {
                // The capacity may be larger than the limit: it came from the caller.
                let spare = room.min(data.capacity() - data.len());
                let mut piece = core::mem::take(data);
                let length = piece.len();
                piece.resize(length + spare, 0);
                let status = self.stream.decompress(rest, &mut piece[length..], FlushDecompress::None);
                piece.truncate(length + (self.stream.total_out() - before_out) as usize);
                *data = piece;
                status
            } else {
                self.stream.decompress(rest, &mut probe, FlushDecompress::None)
            };
            let made = self.stream.total_out() - before_out;
            let used = (self.stream.total_in() - before_in) as usize;
            rest = &rest[used..];
            if room == 0 && made > 0 {
                return Err(Error::TooLarge { limit_bytes: limit });
            }
            match status {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(_) if made > 0 || used > 0 => {}
                Ok(_) => return Err(corrupt("the stream is cut short")),
                Err(_) => return Err(corrupt("not a zlib stream")),
            }
        }
    }
}
