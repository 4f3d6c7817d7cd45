//! Runs one hot loop over some bytes, so often: for counters of instructions (`targets/models.py`), which take away what
//! fewer passes cost.
//!
//!     hot_loops                        the loops that this processor can run, one a line
//!     hot_loops NAME FORM PASSES
//!
//! Bytes are few, because whoever counts may take a microsecond for each instruction.

use std::{env, hint::black_box, process::ExitCode};

use nanoprobe_bench::chunks::chunks;
use nanoprobe_chunker::{BuzhashForm, Chunker, Parameters};
use nanoprobe_cpu::Form;
use nanoprobe_crypto::{
    Aes256Ctr, Aes256CtrForm, Blake2bForm, Crc32Form, PrefixedBlake2b, Sha256, Sha256Form, crc32_with,
};

/// What a pass works on.
const BYTES: usize = 16 << 10;

/// A loop with one of its forms.
struct HotLoop {
    name: &'static str,
    form: &'static str,
    run: Box<dyn FnMut(&mut [u8])>,
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let mut loops = all();
    match &words[..] {
        [] => {
            loops.iter().for_each(|hot| println!("{}\t{}\t{BYTES}", hot.name, hot.form));
            ExitCode::SUCCESS
        }
        [name, form, passes] => {
            let found = loops.iter_mut().find(|hot| hot.name == name && hot.form == form);
            let (Some(hot), Ok(passes)) = (found, passes.parse::<u32>()) else { return ExitCode::FAILURE };
            let mut bytes: Vec<u8> =
                (0..BYTES as u32).map(|place| (place.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect();
            (0..passes).for_each(|_| (hot.run)(black_box(&mut bytes)));
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}

fn all() -> Vec<HotLoop> {
    let mut loops = Vec::new();
    for form in available::<Sha256Form>() {
        add(&mut loops, "sha256", form.name(), move |bytes| {
            let mut hash = Sha256::with(form);
            hash.update(bytes);
            black_box(hash.finish());
        });
    }
    for form in available::<Blake2bForm>() {
        let blake2b = PrefixedBlake2b::with(form, &[1; 128]);
        add(&mut loops, "blake2b", form.name(), move |bytes| {
            black_box(blake2b.digest(&[bytes]));
        });
    }
    for form in available::<Aes256CtrForm>() {
        let cipher = Aes256Ctr::with(form, &[2; 32]);
        add(&mut loops, "aes256-ctr", form.name(), move |bytes| cipher.apply(7, bytes));
    }
    for form in available::<Crc32Form>() {
        add(&mut loops, "crc32", form.name(), move |bytes| {
            black_box(crc32_with(form, 0, bytes));
        });
    }
    for form in available::<BuzhashForm>() {
        // The mask of Borg's default, and nothing skipped at a chunk's start.
        let parameters = Parameters::Buzhash { minimum_exponent: 6, maximum_exponent: 23, mask_bits: 21, window: 4095 };
        let mut chunker = Chunker::with_form(parameters, 0x5eed, None, form);
        add(&mut loops, "buzhash", form.name(), move |bytes| {
            black_box(chunks(&mut chunker, bytes).count());
        });
    }
    let parameters = Parameters::FastCdc { minimum_exponent: 6, average_exponent: 21, maximum_exponent: 23 };
    let mut chunker = Chunker::new(parameters, 0x5eed, None);
    add(&mut loops, "fastcdc", "portable", move |bytes| {
        black_box(chunks(&mut chunker, bytes).count());
    });
    loops
}

fn available<F: Form>() -> impl Iterator<Item = F> {
    F::ALL.iter().copied().filter(|form| form.is_available())
}

fn add(loops: &mut Vec<HotLoop>, name: &'static str, form: &'static str, run: impl FnMut(&mut [u8]) + 'static) {
    loops.push(HotLoop { name, form, run: Box::new(run) });
}
