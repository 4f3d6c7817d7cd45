//! PBKDF2-HMAC-SHA256: turns a passphrase into the key that wraps a key file. Run once a session, slow on purpose.

use zeroize::Zeroizing;

use crate::HmacSha256;
use crate::hmac_sha256::DIGEST_PADDING;

/// PBKDF2-HMAC-SHA256 into as many bytes as `output` has. The caller bounds `iterations`: the count is read before anything is authenticated.
pub fn pbkdf2_sha256(passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
    let keyed = HmacSha256::new(passphrase);
    for (number, output) in (1_u32..).zip(output.chunks_mut(32)) {
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(&keyed.authenticate(&[salt, &number.to_be_bytes()]));
        block[32..].copy_from_slice(&DIGEST_PADDING);
        output.copy_from_slice(&block[..output.len()]);
        for _ in 1..iterations {
            keyed.authenticate_digest(&mut block);
            for (sum, byte) in output.iter_mut().zip(&block[..]) {
                *sum ^= byte;
            }
        }
    }
}
