//! Every chunker, and the plain rolling loop that buzhash is usually computed with.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use nanoprobe_chunker::{Chunker, Parameters, Stream};

use crate::cpu_time::CpuTime;
use crate::inputs::noise;

const STREAM_BYTES: usize = 32 << 20;

pub(crate) fn chunkers(criterion: &mut Criterion<CpuTime>) {
    let data = noise(STREAM_BYTES);
    let mut group = criterion.benchmark_group("chunk");
    group.throughput(Throughput::Bytes(STREAM_BYTES as u64));
    for (name, parameters) in [
        ("buzhash default", "buzhash,19,23,21,4095"),
        ("buzhash items", "buzhash,15,19,17,4095"),
        ("buzhash no skip", "buzhash,6,23,21,4095"),
        ("fastcdc", "fastcdc,19,21,23"),
        ("fixed", "fixed,1048576"),
    ] {
        let parameters: Parameters = parameters.parse().expect("valid parameters");
        let mut chunker = Chunker::new(parameters, 0x5eed, None);
        group.bench_function(name, |b| {
            b.iter(|| {
                chunker.start();
                let (mut rest, mut cuts) = (black_box(&data[..]), 0);
                while let Some(cut) = chunker.next_cut(rest, Stream::Ends) {
                    rest = &rest[cut..];
                    cuts += 1;
                }
                cuts
            });
        });
    }
    let table: [u32; 256] = std::array::from_fn(|index| (index as u32 + 1).wrapping_mul(0x9e37_79b1));
    group.bench_function("plain rolling loop, no skip", |b| b.iter(|| rolling_loop(black_box(&data), &table)));

    group.throughput(Throughput::Elements(1));
    let mut chunker = Chunker::new(Parameters::DEFAULT, 1, None);
    group.bench_function("start and one small file", |b| {
        b.iter(|| {
            chunker.start();
            chunker.next_cut(black_box(&data[..100_000]), Stream::Ends)
        });
    });
    group.finish();
}

/// Two look-ups a byte: one for what enters the window, one for what leaves it.
fn rolling_loop(data: &[u8], table: &[u32; 256]) -> usize {
    const WINDOW: usize = 4095;
    let mask = (1 << 21) - 1;
    let of = |byte: u8| table[usize::from(byte)];
    let mut hash = data[..WINDOW].iter().fold(0_u32, |hash, &byte| hash.rotate_left(1) ^ of(byte));
    let mut hits = 0;
    for (&leaves, &enters) in data.iter().zip(&data[WINDOW..]) {
        if hash & mask == 0 {
            hits += 1;
        }
        hash = hash.rotate_left(1) ^ of(leaves).rotate_left(WINDOW as u32 % 32) ^ of(enters);
    }
    hits
}
