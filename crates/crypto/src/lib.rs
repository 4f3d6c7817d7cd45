//! The primitives Borg 1.4 uses. Everything here is pure, allocates nothing and chooses its implementation at run time:
//! one binary serves boxes with and without cryptographic instructions.
//!
//! In the flow: `id` (SHA-256, HMAC, BLAKE2b), `encrypt` (AES-256-CTR and a MAC), `store` (CRC-32 of log entries, XXH64 of
//! index files), key files (PBKDF2, HKDF).
//!
//! RAM: a key schedule is at most 1,930 bytes (AES), 100 (BLAKE2b) or 70 (HMAC); tables are constants (CRC-32: 8 KiB).
#![no_std]

#[cfg(test)]
extern crate std;

mod aes_ctr;
mod blake2b;
mod crc32;
mod equal;
mod forms;
mod hmac_sha256;
mod parts;
mod pbkdf2;
mod self_test;
mod sha256;
mod sha512;
mod xxh64;

pub use aes_ctr::{Aes256Ctr, Aes256CtrForm};
pub use blake2b::{Blake2bForm, PrefixedBlake2b};
pub use crc32::{Crc32Form, crc32, crc32_with};
pub use equal::equal;
pub use forms::visit_forms;
pub use hmac_sha256::HmacSha256;
pub use pbkdf2::pbkdf2_sha256;
pub use self_test::{Failure, self_test};
pub use sha256::{Sha256, Sha256Form, sha256, sha256_each};
pub use sha512::{hkdf_sha512, hmac_sha512};
pub use xxh64::Xxh64;

/// What a key is expanded into is wiped when it goes. HMAC-SHA256 and BLAKE2b keep only states in `Zeroizing`.
const _: () = {
    const fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<Sha256>();
    wiped::<sha2::Sha512>();
};
