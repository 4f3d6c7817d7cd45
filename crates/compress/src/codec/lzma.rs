//! xz streams of one LZMA2 block without a check, as Borg writes them.
//!
//! RAM. A preset's dictionary (64 MiB at level 9) is larger than any chunk, and both encoder and decoder would allocate
//! all of it. So the encoder's dictionary is cut to the chunk's size; and the decoder is shown a block header whose
//! dictionary is cut to the plain size, which the index at the stream's end tells. Both change no plain byte. A dictionary may be
//! cut further where memory is short, at the price of larger output.

use liblzma::stream::{Action, Check, Filters, LzmaOptions, Status, Stream};

use super::{Fit, reserve};
use crate::Error;

/// xz's smallest dictionary.
const SMALLEST_DICTIONARY_BYTES: usize = 4096;

/// No dictionary is made smaller than this to save memory: lzma would not be worth its time.
const LEAST_DICTIONARY_BYTES: u32 = 256 << 10;

/// What a decoder takes beside its dictionary, generously.
const DECODER_BYTES: u64 = 256 << 10;

pub(crate) struct Compressor {
    level: u32,
    most_dictionary_bytes: u32,
}

impl Compressor {
    /// An encoder never takes more than `memory_bytes`, as long as that is enough for a dictionary of
    /// [`LEAST_DICTIONARY_BYTES`].
    pub(crate) fn new(level: u32, memory_bytes: usize) -> Self {
        let mut most_dictionary_bytes = dictionary_bytes(level, usize::MAX);
        while most_dictionary_bytes > LEAST_DICTIONARY_BYTES
            && encoder_memory_bytes(level, most_dictionary_bytes) > memory_bytes
        {
            most_dictionary_bytes /= 2;
        }
        Self { level, most_dictionary_bytes }
    }

    /// Appends at most `room` bytes of compressed `data`.
    pub(crate) fn compress(&mut self, data: &[u8], output: &mut Vec<u8>, room: usize) -> Result<Fit, Error> {
        let failed = |error| match error {
            liblzma::stream::Error::Mem => Error::OutOfMemory,
            _ => Error::Compression { codec: "lzma", reason: "the encoder failed" },
        };
        let mut options = LzmaOptions::new_preset(self.level).map_err(failed)?;
        options.dict_size(dictionary_bytes(self.level, data.len()).min(self.most_dictionary_bytes));
        let mut filters = Filters::new();
        filters.lzma2(&options);
        let mut stream = Stream::new_stream_encoder(&filters, Check::None).map_err(failed)?;
        reserve(output, room)?;
        let start = output.len();
        loop {
            let before = (stream.total_in(), stream.total_out());
            let status = stream.process_vec(&data[before.0 as usize..], output, Action::Finish).map_err(failed)?;
            if output.len() - start > room {
                return Ok(Fit::No);
            }
            match status {
                Status::StreamEnd => return Ok(Fit::Yes),
                _ if output.len() == output.capacity() => return Ok(Fit::No),
                _ if before == (stream.total_in(), stream.total_out()) => return Ok(Fit::No),
                _ => {}
            }
        }
    }
}

/// The memory of an encoder that makes full use of its level for chunks of at most `chunk_bytes`.
pub(crate) fn memory_bytes(level: u32, chunk_bytes: usize) -> usize {
    encoder_memory_bytes(level, dictionary_bytes(level, chunk_bytes))
}

/// The least memory of an encoder: its dictionary is small then, and finds less.
pub(crate) fn least_memory_bytes(level: u32) -> usize {
    encoder_memory_bytes(level, LEAST_DICTIONARY_BYTES)
}

/// Appends the plain bytes of `stream` to the empty `data`.
pub(crate) fn decompress(stream: &[u8], limit: usize, data: &mut Vec<u8>) -> Result<(), Error> {
    let corrupt = |reason| Error::Corrupt { codec: "lzma", reason };
    let size = container::plain_bytes(stream).unwrap_or(limit as u64);
    let size = usize::try_from(size).ok().filter(|&size| size <= limit);
    let size = size.ok_or(Error::TooLarge { limit_bytes: limit })?;
    let header = container::Header::with_dictionary(stream, size.max(SMALLEST_DICTIONARY_BYTES))
        .ok_or(corrupt("not an xz stream with one lzma2 filter"))?;
    let memory = header.dictionary_bytes + DECODER_BYTES;
    let mut decoder = Stream::new_stream_decoder(memory, 0).map_err(|_| Error::OutOfMemory)?;

    let mut pieces = [header.bytes(), &stream[header.bytes().len()..]].into_iter();
    let mut piece: &[u8] = &[];
    loop {
        if piece.is_empty() {
            piece = pieces.next().unwrap_or_default();
        }
        let room = limit - data.len();
        if room > 0 && data.capacity() == data.len() {
            // Twice what is there, from 64 KiB on: a lying index must not choose the allocation.
            reserve(data, data.len().max(64 << 10).min(room))?;
        }
        let before = (decoder.total_in(), decoder.total_out());
        let mut probe = [0];
        let status = if room == 0 {
            decoder.process(piece, &mut probe, Action::Run)
        } else if data.capacity() - data.len() <= room {
            decoder.process_vec(piece, data, Action::Run)
        } else {
            let length = data.len();
            data.resize(length + room, 0);
            let status = decoder.process(piece, &mut data[length..], Action::Run);
            data.truncate(length + (decoder.total_out() - before.1) as usize);
            status
        };
        let made = decoder.total_out() - before.1;
        let used = (decoder.total_in() - before.0) as usize;
        piece = &piece[used..];
        if room == 0 && made > 0 {
            return Err(Error::TooLarge { limit_bytes: limit });
        }
        match status {
            Ok(Status::StreamEnd) => return Ok(()),
            Ok(_) if made > 0 || used > 0 => {}
            Ok(_) => return Err(corrupt("the stream is cut short")),
            Err(liblzma::stream::Error::Mem) => return Err(Error::OutOfMemory),
            Err(_) => return Err(corrupt("damaged")),
        }
    }
}

/// The preset's dictionary, cut to what the data can use.
fn dictionary_bytes(level: u32, data_bytes: usize) -> u32 {
    let preset = match level {
        0 => 256 << 10,
        1 => 1 << 20,
        2 => 2 << 20,
        3 | 4 => 4 << 20,
        5 | 6 => 8 << 20,
        7 => 16 << 20,
        8 => 32 << 20,
        _ => 64 << 20,
    };
    preset.min(data_bytes.max(SMALLEST_DICTIONARY_BYTES)) as u32
}

#[allow(unsafe_code)]
fn encoder_memory_bytes(level: u32, dictionary_bytes: u32) -> usize {
    // SAFETY: a plain C structure of numbers and pointers, for which all zeros is a valid value; the call fills it.
    let mut options: liblzma_sys::lzma_options_lzma = unsafe { core::mem::zeroed() };
    // SAFETY: the pointer is valid for the call.
    if unsafe { liblzma_sys::lzma_lzma_preset(&mut options, level) } != 0 {
        return usize::MAX;
    }
    options.dict_size = dictionary_bytes;
    let filters = [
        liblzma_sys::lzma_filter { id: liblzma_sys::LZMA_FILTER_LZMA2, options: (&raw mut options).cast() },
        liblzma_sys::lzma_filter { id: liblzma_sys::LZMA_VLI_UNKNOWN, options: core::ptr::null_mut() },
    ];
    // SAFETY: an array of filters that ends with the end mark; the options outlive the call, which only reads them.
    let bytes = unsafe { liblzma_sys::lzma_raw_encoder_memusage(filters.as_ptr()) };
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

mod container;
