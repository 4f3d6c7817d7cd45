//! Cuts a file and tells the CPU seconds of it and the sizes of the chunks, for `bench/chunkers.py`.
//!
//!     cuts FILE PARAMETERS SEED ROUNDS FORM
//!
//! FORM: `chosen`, the name of a form of buzhash, `known` (all chunks are known from before: a checksum of each, then the
//! skip), or `crate` (FastCDC by the crate of that name). The file is in memory; the best of the rounds counts.

use std::io::{Write, stdout};

use fastcdc::v2020::FastCDC;
use nanoprobe_bench::chunks::{chunks, next_chunk};
use nanoprobe_chunker::{BuzhashForm, Chunker, Parameters};
use nanoprobe_cpu::Form;
use nanoprobe_crypto::crc32;
use rustix::time::{ClockId, clock_gettime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, parameters, seed, rounds, form] = &arguments[..] else {
        return Err("cuts FILE PARAMETERS SEED ROUNDS FORM".into());
    };
    let (parameters, seed, rounds): (Parameters, u32, u32) = (parameters.parse()?, seed.parse()?, rounds.parse()?);
    let named = BuzhashForm::ALL.iter().copied().find(|known| known.name() == form);
    if named.is_none() && !["chosen", "known", "crate"].contains(&form.as_str()) {
        return Err(format!("no form is called {form}").into());
    }
    let bytes = std::fs::read(path)?;
    let mut chunker = Chunker::with_form(parameters, seed, None, named.unwrap_or(BuzhashForm::chosen()));
    let mut known = Vec::new();
    if form == "known" {
        known.extend(chunks(&mut chunker, &bytes).map(|chunk| (chunk.len(), crc32(0, chunk))));
    }
    let mut best = f64::MAX;
    let mut sizes = Vec::new();
    for _ in 0..rounds {
        sizes.clear();
        let begin = seconds();
        match form.as_str() {
            "crate" => by_the_crate(&bytes, parameters, &mut sizes)?,
            "known" => by_what_is_known(&bytes, &mut chunker, &known, &mut sizes),
            _ => sizes.extend(chunks(&mut chunker, &bytes).map(<[u8]>::len)),
        }
        best = best.min(seconds() - begin);
    }
    let lines: Vec<String> = sizes.iter().map(usize::to_string).collect();
    Ok(writeln!(stdout(), "{best}\n{}", lines.join("\n"))?)
}

/// Each chunk is expected to be the next of `known`: size and checksum.
fn by_what_is_known(mut rest: &[u8], chunker: &mut Chunker, known: &[(usize, u32)], sizes: &mut Vec<usize>) {
    chunker.start();
    for &(size, checksum) in known {
        if rest.get(..size).is_some_and(|chunk| crc32(0, chunk) == checksum) {
            chunker.skip(size);
        }
        sizes.extend(next_chunk(chunker, &mut rest).map(<[u8]>::len));
    }
}

fn by_the_crate(bytes: &[u8], parameters: Parameters, sizes: &mut Vec<usize>) -> Result<(), &'static str> {
    let Parameters::FastCdc { minimum_exponent, average_exponent, maximum_exponent } = parameters else {
        return Err("the crate knows FastCDC alone");
    };
    let [minimum, average, maximum] = [minimum_exponent, average_exponent, maximum_exponent].map(|e| 1_usize << e);
    sizes.extend(FastCDC::new(bytes, minimum, average, maximum).map(|chunk| chunk.length));
    Ok(())
}

fn seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
