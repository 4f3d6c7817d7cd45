//! The codecs at their usual levels, both ways, on text and on what nothing compresses.

use std::hint::black_box;

use nanoprobe_compress::{Compressor, Decompressor, Specification};

use crate::{
    case::{Case, Data, Done, Group, Pass},
    inputs::{noise, text},
};

/// One chunk. Small, because the strongest codecs need seconds for it on the slowest boards.
const BYTES: usize = 1 << 20;

const COMPRESSIONS: [&str; 12] = [
    "lz4",
    "zstd,1",
    "zstd,3",
    "zstd,6",
    "zstd,10",
    "zlib,1",
    "zlib,6",
    "zlib,9",
    "lzma,0",
    "lzma,3",
    "lzma,6",
    "auto,zstd,3",
];

/// The most that `create` has for a codec in its usual budget; all levels here make do with it.
const CODEC_BYTES: usize = 18 << 20;

pub(super) fn add(cases: &mut Vec<Case>) {
    for name in COMPRESSIONS {
        // Of one codec all levels find out equally soon that data does not compress; lzma never does.
        if ["lz4", "zstd,1", "zstd,3", "zstd,10", "zlib,6", "auto,zstd,3"].contains(&name) {
            cases.push(compress(name, Data::Noise));
        }
        cases.push(compress(name, Data::Text));
    }
    for name in ["lz4", "zstd,3", "zlib,6", "lzma,6"] {
        cases.push(decompress(name));
    }
}

fn compress(name: &'static str, data: Data) -> Case {
    let case = Case::new(Group::Compress, name, BYTES, move || {
        let mut compressor = compressor(name);
        let mut framed = Vec::new();
        Pass::telling(move || {
            framed.clear();
            compressor.compress(black_box(of(data, BYTES)), &mut framed).expect("compresses");
            Done { bytes: BYTES, stored_bytes: Some(framed.len()) }
        })
    });
    case.data(data)
}

fn decompress(name: &'static str) -> Case {
    let case = Case::new(Group::Decompress, name, BYTES, move || {
        let mut framed = Vec::new();
        compressor(name).compress(text(BYTES), &mut framed).expect("compresses");
        let (mut decompressor, mut plain) = (Decompressor::new(), Vec::new());
        Pass::new(BYTES, move || {
            decompressor.decompress(black_box(&framed), BYTES, &mut plain).expect("decompresses");
        })
    });
    case.data(Data::Text)
}

pub(super) fn of(data: Data, bytes: usize) -> &'static [u8] {
    match data {
        Data::Noise => noise(bytes),
        Data::Text => text(bytes),
    }
}

/// Of what a worker on a small box has.
pub(super) fn compressor(name: &str) -> Compressor {
    let specification: Specification = name.parse().expect("a valid specification");
    Compressor::within(&specification, CODEC_BYTES)
}
