//! chunk → id → compress → encrypt, one core: the ceiling of new data, before the disk and the network.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use nanoprobe_chunker::{Chunker, Parameters, Stream};
use nanoprobe_compress::{Compressor, Specification};
use nanoprobe_crypto::{Aes256Ctr, HmacSha256, PrefixedBlake2b, crc32};

use crate::cpu_time::CpuTime;
use crate::inputs::{noise, text};

const STREAM_BYTES: usize = 16 << 20;

pub(crate) fn pipeline(criterion: &mut Criterion<CpuTime>) {
    let hmac = HmacSha256::new(&[1; 32]);
    let blake2b = PrefixedBlake2b::new(&[1; 128]);
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Bytes(STREAM_BYTES as u64));
    for (kind, data) in [("noise", noise(STREAM_BYTES)), ("text", text(STREAM_BYTES))] {
        for compression in ["none", "lz4", "zstd,3"] {
            let name = format!("{compression} {kind}");
            group.bench_function(BenchmarkId::new("repokey", &name), |b| {
                let mut stages = Stages::new(compression);
                b.iter(|| stages.run(black_box(&data), |parts| hmac.authenticate(parts)));
            });
            group.bench_function(BenchmarkId::new("repokey-blake2", &name), |b| {
                let mut stages = Stages::new(compression);
                b.iter(|| stages.run(black_box(&data), |parts| blake2b.digest(parts)));
            });
        }
    }
    group.finish();
}

/// What a worker owns.
struct Stages {
    chunker: Chunker,
    compressor: Compressor,
    cipher: Aes256Ctr,
    envelope: Vec<u8>,
}

/// Type, MAC and IV.
const ENVELOPE_BYTES: usize = 1 + 32 + 8;

impl Stages {
    fn new(compression: &str) -> Self {
        let specification: Specification = compression.parse().expect("a valid specification");
        Self {
            chunker: Chunker::new(Parameters::DEFAULT, 0x5eed, None),
            compressor: Compressor::new(&specification),
            cipher: Aes256Ctr::new(&[2; 32]),
            envelope: Vec::new(),
        }
    }

    fn run(&mut self, data: &[u8], hash: impl Fn(&[&[u8]]) -> [u8; 32]) -> u32 {
        self.chunker.start();
        let (mut rest, mut crc, mut counter) = (data, 0, 0_u64);
        while let Some(cut) = self.chunker.next_cut(rest, Stream::Ends) {
            let (chunk, after) = rest.split_at(cut);
            rest = after;
            let id = hash(&[chunk]);
            self.envelope.clear();
            self.envelope.resize(ENVELOPE_BYTES, 3);
            self.compressor.compress(chunk, &mut self.envelope).expect("compresses");
            let (head, body) = self.envelope.split_at_mut(ENVELOPE_BYTES);
            self.cipher.apply(counter, body);
            counter += body.len().div_ceil(16) as u64;
            head[33..].copy_from_slice(&counter.to_be_bytes());
            let mac = hash(&[&head[33..], body]);
            head[1..33].copy_from_slice(&mac);
            crc = crc32(crc32(crc, &id), &self.envelope);
        }
        crc
    }
}
