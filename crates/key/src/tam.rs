//! TAM, Borg's signature over manifest and archive metadata: HMAC-SHA512 over the packed map with its own 64 bytes zeroed,
//! under a key that HKDF-SHA512 makes of all secrets, the salt and the context. Without a key the "key" is salt ‖ context:
//! it proves nothing then, but Borg's repair wants it.

use nanoprobe_crypto::{equal, hkdf_sha512, hmac_sha512};
use zeroize::Zeroizing;

use crate::Key;

/// What a TAM vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TamContext {
    /// The manifest.
    Manifest,
    /// An archive's metadata.
    Archive,
}

impl TamContext {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Manifest => b"manifest",
            Self::Archive => b"archive",
        }
    }
}

impl Key {
    /// TAM over raw msgpack whose 64 TAM bytes are zero.
    pub fn tam(&self, context: TamContext, salt: &[u8], packed: &[u8]) -> [u8; 64] {
        let Some(secrets) = self.secrets() else {
            return hmac_sha512(&[salt, context.name()].concat(), &[packed]);
        };
        let input = Zeroizing::new(
            [&secrets.identification[..], &secrets.encryption[..], &secrets.authentication[..]].concat(),
        );
        let information = [b"borg-metadata-authentication-", context.name()].concat();
        let mut key = Zeroizing::new([0; 64]);
        hkdf_sha512(&input, salt, &information, &mut key);
        hmac_sha512(&key[..], &[packed])
    }

    /// Whether `tam` is the one of [`Key::tam`], compared in constant time.
    pub fn verify_tam(&self, context: TamContext, salt: &[u8], packed: &[u8], tam: &[u8]) -> bool {
        equal(&self.tam(context, salt, packed), tam)
    }
}
