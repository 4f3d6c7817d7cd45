//! A program without std, without an allocator and with its own panic handler. It calls the three level-0 crates, and links
//! only while none of them, nor anything they depend on, brings in std or alloc.
//!
//! `cargo run --manifest-path tests/no_std/Cargo.toml --target-dir target/no_std`: exit code 0 if what it computes is right.
#![no_std]
#![no_main]

use core::ffi::{c_char, c_int};
use core::panic::PanicInfo;

use nanoprobe_chunker::{Chunker, Parameters, Stream};
use nanoprobe_crypto::{Xxh64, equal, hkdf_sha512, pbkdf2_sha256, self_test};
use nanoprobe_format::msgpack::Reader;

/// The start files of the C library call this.
#[unsafe(no_mangle)]
extern "C" fn main(_argument_count: c_int, _arguments: *const *const c_char) -> c_int {
    match () {
        () if !crypto_works() => 1,
        () if !chunker_works() => 2,
        () if !format_works() => 3,
        () => 0,
    }
}

fn crypto_works() -> bool {
    let (mut derived, mut expanded) = ([0; 32], [0; 64]);
    pbkdf2_sha256(b"passwd", b"salt", 1, &mut derived);
    hkdf_sha512(&derived, b"", b"", &mut expanded);
    let mut hash = Xxh64::new();
    hash.update(b"");
    self_test().is_ok()
        && equal(&derived[..4], &[0x55, 0xac, 0x04, 0x6e])
        && expanded != [0; 64]
        && hash.digest() == 0xef46_db37_51d8_e999
}

fn chunker_works() -> bool {
    let mut bytes = [0; 20_000];
    let mut state = 1_u32;
    for byte in &mut bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    for parameters in ["buzhash,7,13,9,4095", "buzhash,6,9,7,63", "fastcdc,8,10,12", "fixed,4096,512"] {
        let Ok(parameters) = parameters.parse::<Parameters>() else { return false };
        let mut chunker = Chunker::new(parameters, 7, None);
        let (mut rest, mut chunks) = (&bytes[..], 0);
        while let Some(cut) = chunker.next_cut(rest, Stream::Ends) {
            rest = &rest[cut..];
            chunks += 1;
        }
        if chunks < 2 || !rest.is_empty() {
            return false;
        }
    }
    true
}

fn format_works() -> bool {
    let mut reader = Reader::new(&[0x81, 0xa1, b'x', 0x91, 0xc0]);
    reader.map() == Ok(1)
        && reader.raw() == Ok(&b"x"[..])
        && reader.array() == Ok(1)
        && Reader::new(&[0xdf]).map().is_err()
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: ends the process; takes nothing and never returns.
    unsafe { abort() }
}

// The start files above, `memcpy` and its like; std would have named this library for us.
#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

/// The compiled `core` was made for unwinding and mentions this; nothing here ever unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
