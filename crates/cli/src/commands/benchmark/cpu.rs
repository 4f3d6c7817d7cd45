//! `benchmark cpu`: how long each step that only computes takes, in the lines of Borg 2, which has this command; Borg 1.4 has not.
//!
//! A line is the time for one gigabyte (of the codecs a tenth of it, as there). Slow boards need not wait for that much: each
//! line is measured for half a second and its time reckoned from that. RAM: 21 MB of data and output, and a codec.

use std::{
    hint::black_box,
    io::{self, Write},
    time::{Duration, Instant},
};

use nanoprobe_chunker::{Chunker, Parameters, Stream};
use nanoprobe_compress::{Compressor, Specification};
use nanoprobe_crypto::{Aes256Ctr, HmacSha256, PrefixedBlake2b, Xxh64, crc32, pbkdf2_sha256};
use nanoprobe_format::{item::Item, msgpack};

use crate::{Failure, environment::Environment};

/// What one pass works on, and how many passes make a line.
const BYTES: usize = 10_000_000;
const PASSES: u32 = 100;
const CODEC_PASSES: u32 = 10;

const LONG_ENOUGH: Duration = Duration::from_millis(500);

/// More would leave the program's usual budget; what needs more is lowered, as it is in `create`.
const CODEC_BYTES: usize = 24 << 20;

const ITERATIONS: u32 = 100_000;

const COMPRESSIONS: [&str; 13] = [
    "lz4", "zstd,1", "zstd,3", "zstd,5", "zstd,10", "zstd,16", "zstd,22", "zlib,0", "zlib,6", "zlib,9", "lzma,0",
    "lzma,6", "lzma,9",
];

pub(super) fn cpu(environment: &Environment) -> Result<(), Failure> {
    // A word for tests of ours: the lines alone matter.
    let long_enough = match environment.variable("_BORG_BENCHMARK_CPU_TEST") {
        Some(_) => Duration::ZERO,
        None => LONG_ENOUGH,
    };
    let bytes = if long_enough.is_zero() { BYTES / 100 } else { BYTES };
    let mut data = vec![0; bytes];
    getrandom::fill(&mut data).map_err(Failure::unforeseen)?;
    let mut lines = Lines { out: io::stdout().lock(), long_enough };

    lines.head("Chunkers")?;
    for name in ["buzhash,19,23,21,4095", "fastcdc,19,21,23", "fixed,1048576"] {
        let parameters: Parameters = name.parse().map_err(Failure::unforeseen)?;
        let mut chunker = Chunker::new(parameters, 0, None);
        lines.line(name, "1GB", PASSES, || cut(&mut chunker, &data))?;
    }

    lines.head("Non-cryptographic checksums / hashes")?;
    lines.line("xxh64", "1GB", PASSES, || {
        let mut hash = Xxh64::new();
        hash.update(&data);
        hash.digest()
    })?;
    lines.line("crc32", "1GB", PASSES, || crc32(0, &data))?;

    let (hmac, blake2b) = (HmacSha256::new(&[1; 32]), PrefixedBlake2b::new(&[1; 128]));
    lines.head("Cryptographic hashes / MACs")?;
    lines.line("hmac-sha256", "1GB", PASSES, || hmac.authenticate(&[&data]))?;
    lines.line("blake2b-256", "1GB", PASSES, || blake2b.digest(&[&data]))?;

    let cipher = Aes256Ctr::new(&[2; 32]);
    lines.head("Encryption")?;
    lines.line("aes-256-ctr-hmac-sha256", "1GB", PASSES, || {
        cipher.apply(0, &mut data);
        hmac.authenticate(&[&data])
    })?;
    lines.line("aes-256-ctr-blake2b", "1GB", PASSES, || {
        cipher.apply(0, &mut data);
        blake2b.digest(&[&data])
    })?;

    lines.head("KDFs (slow is GOOD)")?;
    lines.line("pbkdf2", "5", 5, || {
        let mut key = [0; 32];
        pbkdf2_sha256(b"mypassphrase", &[0; 32], ITERATIONS, &mut key);
        key
    })?;

    lines.head("Compression")?;
    for name in COMPRESSIONS {
        let specification: Specification = name.parse().map_err(Failure::unforeseen)?;
        let mut compressor = Compressor::within(&specification, CODEC_BYTES);
        let (mut framed, mut result) = (Vec::new(), Ok(()));
        lines.short_line(name, "0.1GB", CODEC_PASSES, || {
            framed.clear();
            result = compressor.compress(&data, &mut framed);
        })?;
        result.map_err(Failure::unforeseen)?;
    }

    lines.head("msgpack")?;
    let item = Item { path: b"/foo/bar/baz", mode: 660, mtime: Some(1_234_567), ..Item::default() };
    let mut packed = [0; 256];
    lines.short_line("msgpack", "100k Items", 100, || {
        (0..1000).filter(|_| item.emit(&mut msgpack::Writer::new(&mut packed[..])).is_ok()).count()
    })
}

fn cut(chunker: &mut Chunker, data: &[u8]) -> usize {
    chunker.start();
    let (mut rest, mut cuts) = (data, 0);
    while let Some(bytes) = chunker.next_cut(rest, Stream::Ends) {
        rest = &rest[bytes..];
        cuts += 1;
    }
    cuts
}

/// Where lines go, and how long each is measured.
struct Lines<Out> {
    out: Out,
    long_enough: Duration,
}

/// Columns of a section's head.
const WIDTH: usize = 64;

impl<Out: Write> Lines<Out> {
    fn head(&mut self, title: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{:=<WIDTH$}", format!("{title} "))?)
    }

    fn line<T>(&mut self, name: &str, amount: &str, passes: u32, work: impl FnMut() -> T) -> Result<(), Failure> {
        let seconds = self.seconds(passes, work);
        Ok(writeln!(self.out, "{name:<24} {amount:<10} {seconds:.3}s")?)
    }

    fn short_line<T>(&mut self, name: &str, amount: &str, passes: u32, work: impl FnMut() -> T) -> Result<(), Failure> {
        let seconds = self.seconds(passes, work);
        Ok(writeln!(self.out, "{name:<12} {amount:<10} {seconds:.3}s")?)
    }

    /// What `passes` take, reckoned from as many as were made.
    fn seconds<T>(&self, passes: u32, mut work: impl FnMut() -> T) -> f64 {
        let begun = Instant::now();
        let mut made = 0;
        while made == 0 || (made < passes && begun.elapsed() < self.long_enough) {
            black_box(work());
            made += 1;
        }
        begun.elapsed().as_secs_f64() / f64::from(made) * f64::from(passes)
    }
}
