//! The codecs at usual levels, both ways, on text of 1 MiB; and how fast incompressible data passes.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use nanoprobe_compress::{Compressor, Decompressor, Specification};

use crate::cpu_time::CpuTime;
use crate::inputs::{noise, text};

const BYTES: usize = 1 << 20;

pub(crate) fn compressors(criterion: &mut Criterion<CpuTime>) {
    let (text, noise) = (text(BYTES), noise(BYTES));
    let mut group = criterion.benchmark_group("compress");
    group.throughput(Throughput::Bytes(BYTES as u64));
    for name in ["lz4", "zstd,1", "zstd,3", "zstd,9", "zlib,6", "lzma,1", "auto,zstd,3"] {
        let specification: Specification = name.parse().expect("a valid specification");
        let mut compressor = Compressor::new(&specification);
        let (mut framed, mut plain) = (Vec::new(), Vec::new());
        let mut compress = |data: &[u8], framed: &mut Vec<u8>| {
            framed.clear();
            compressor.compress(data, framed).expect("compresses");
        };
        if name != "lzma,1" {
            group.bench_function(BenchmarkId::new(name, "noise"), |b| {
                b.iter(|| compress(black_box(&noise), &mut framed))
            });
        }
        group.bench_function(BenchmarkId::new(name, "text"), |b| b.iter(|| compress(black_box(&text), &mut framed)));
        let mut decompressor = Decompressor::new();
        if name != "auto,zstd,3" && name != "zstd,1" {
            group.bench_function(BenchmarkId::new(name, "text back"), |b| {
                b.iter(|| decompressor.decompress(black_box(&framed), BYTES, &mut plain).expect("decompresses"));
            });
        }
    }
    group.finish();
}
