//! Hashes, cipher and checksum, from a small file's size to the largest chunk.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use nanoprobe_cpu::Form;
use nanoprobe_crypto::{
    Aes256Ctr, Aes256CtrForm, Blake2bForm, Crc32Form, HmacSha256, PrefixedBlake2b, Sha256Form, Xxh64, crc32_with,
};

use crate::cpu_time::CpuTime;
use crate::inputs::noise;

const SIZES: [(&str, usize); 4] = [("4KiB", 4 << 10), ("64KiB", 64 << 10), ("1MiB", 1 << 20), ("8MiB", 8 << 20)];

/// The id of a chunk and the MAC over it, in each of Borg's families of modes, by each form that runs here.
pub(crate) fn hashes(criterion: &mut Criterion<CpuTime>) {
    let data = noise(8 << 20);
    let mut group = criterion.benchmark_group("hash");
    for (name, bytes) in SIZES {
        let data = &data[..bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        for &form in Sha256Form::ALL.iter().filter(|form| form.is_available()) {
            let id = BenchmarkId::new(format!("hmac-sha256 {}", form.name()), name);
            let hmac = HmacSha256::with(form, &[1; 32]);
            group.bench_function(id, |b| b.iter(|| hmac.authenticate(&[black_box(data)])));
        }
        for &form in Blake2bForm::ALL.iter().filter(|form| form.is_available()) {
            let id = BenchmarkId::new(format!("blake2b {}", form.name()), name);
            let blake2b = PrefixedBlake2b::with(form, &[1; 128]);
            group.bench_function(id, |b| b.iter(|| blake2b.digest(&[black_box(data)])));
        }
    }
    group.finish();
}

/// BLAKE2b of several messages at once. A rate is of all messages' bytes.
pub(crate) fn several_messages(criterion: &mut Criterion<CpuTime>) {
    let data = noise(8 << 20);
    let blake2b = PrefixedBlake2b::new(&[1; 128]);
    let mut group = criterion.benchmark_group("blake2b of several");
    for (name, bytes) in [("4KiB", 4 << 10), ("64KiB", 64 << 10), ("2MiB", 2 << 20)] {
        let messages: Vec<_> = data.chunks(bytes).take(4).collect();
        for count in 1..=messages.len() {
            group.throughput(Throughput::Bytes((count * bytes) as u64));
            group.bench_function(BenchmarkId::new(format!("{count} at once"), name), |b| {
                b.iter(|| {
                    let mut digests = [[0; 32]; 4];
                    let parts = messages[..count].iter().map(|&message| [black_box(message)]);
                    PrefixedBlake2b::digest_each(
                        parts.zip(&mut digests).map(|(parts, digest)| (&blake2b, parts, digest)),
                    );
                    digests
                });
            });
        }
    }
    // Small files of many sizes: lanes are left and taken at different times.
    let mut sizes = (0..200_usize).map(|number| 100 + number * 7_919 % 30_000);
    let mut rest = &data[..];
    let files: Vec<_> = sizes.by_ref().map_while(|size| rest.split_off(..size)).collect();
    group.throughput(Throughput::Bytes(files.iter().map(|file| file.len() as u64).sum()));
    group.bench_function("200 small files, one by one", |b| {
        b.iter(|| files.iter().map(|file| blake2b.digest(&[black_box(file)])[0]).max());
    });
    group.bench_function("200 small files at once", |b| {
        let mut digests = vec![[0; 32]; files.len()];
        b.iter(|| {
            let parts = files.iter().map(|&file| [black_box(file)]);
            PrefixedBlake2b::digest_each(parts.zip(&mut digests).map(|(parts, digest)| (&blake2b, parts, digest)));
        });
    });
    group.finish();
}

/// Encryption, which is also decryption.
pub(crate) fn ciphers(criterion: &mut Criterion<CpuTime>) {
    let mut data = noise(8 << 20);
    let mut group = criterion.benchmark_group("cipher");
    for &form in Aes256CtrForm::ALL.iter().filter(|form| form.is_available()) {
        let cipher = Aes256Ctr::with(form, &[1; 32]);
        for (name, bytes) in SIZES {
            group.throughput(Throughput::Bytes(bytes as u64));
            group.bench_function(BenchmarkId::new(format!("aes256-ctr {}", form.name()), name), |b| {
                b.iter(|| cipher.apply(black_box(7), black_box(&mut data[..bytes])));
            });
        }
    }
    group.finish();
}

/// CRC-32 of log entries and XXH64 of index files.
pub(crate) fn checksums(criterion: &mut Criterion<CpuTime>) {
    let data = noise(8 << 20);
    let mut group = criterion.benchmark_group("checksum");
    for (name, bytes) in [SIZES[0], SIZES[2]] {
        let data = &data[..bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        for &form in Crc32Form::ALL.iter().filter(|form| form.is_available()) {
            let id = BenchmarkId::new(format!("crc32 {}", form.name()), name);
            group.bench_function(id, |b| b.iter(|| crc32_with(form, 0, black_box(data))));
        }
        group.bench_function(BenchmarkId::new("xxh64", name), |b| {
            b.iter(|| {
                let mut hash = Xxh64::new();
                hash.update(black_box(data));
                hash.digest()
            });
        });
    }
    group.finish();
}
