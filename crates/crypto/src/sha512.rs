//! HMAC-SHA512 and HKDF-SHA512: the authentication of manifests and archives (Borg's TAM). A few kilobytes a session.

use hmac::{KeyInit, Mac};
use sha2::Sha512;

/// HMAC-SHA512 over the concatenation of `parts`.
pub fn hmac_sha512(key: &[u8], parts: &[&[u8]]) -> [u8; 64] {
    // HMAC takes a key of any length: the error cannot occur.
    let mut mac: hmac::Hmac<Sha512> =
        hmac::Hmac::new_from_slice(key).unwrap_or_else(|_| hmac::Hmac::new(&Default::default()));
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// HKDF-SHA512, extract and expand, into 64 bytes.
pub fn hkdf_sha512(input_key: &[u8], salt: &[u8], info: &[u8], output: &mut [u8; 64]) {
    // 64 bytes is one block of the 255 that expand allows: the error cannot occur.
    let expanded = hkdf::Hkdf::<Sha512>::new(Some(salt), input_key).expand(info, output);
    debug_assert!(expanded.is_ok());
}
