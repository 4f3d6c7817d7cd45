//! PBKDF2-HMAC-SHA256: turns a passphrase into the key that wraps a key file. Run once a session, slow on purpose.

/// PBKDF2-HMAC-SHA256 into as many bytes as `output` has. The caller bounds `iterations`: the count is read before anything is authenticated.
pub fn pbkdf2_sha256(passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, salt, iterations, output);
}
