//! Passphrase mode, which Borg 1.0 did away with: every secret was derived from the passphrase, and no key was stored.
//!
//! PBKDF2-HMAC-SHA256 over the repository id makes 100 bytes: encryption, authentication and id key of 32 bytes each, then the
//! chunk seed, big-endian. A repository migrates by storing these secrets as a repokey; its objects keep their type byte.

use nanoprobe_crypto::pbkdf2_sha256;
use nanoprobe_format::envelope::KeyType;
use nanoprobe_repository::Repository;
use zeroize::Zeroizing;

use crate::{Error, Passphrase, PassphraseSource, key::Cipher, key_blob, open::verified_iv, secrets::Secrets};

/// The mode had no other, and none can be had now.
const ITERATIONS: u32 = 100_000;
/// How often the passphrase may be wrong, one given ahead of time included.
const MOST_ATTEMPTS: u32 = 2;

/// Stores the key of a repository in passphrase mode as a repokey under a new passphrase, durably. Asks for the old one.
pub fn migrate_to_repokey(
    repository: &dyn Repository,
    manifest_object: &[u8],
    passphrases: &mut dyn PassphraseSource,
) -> Result<(), Error> {
    nanoprobe_crypto::self_test()?;
    if manifest_object.first() != Some(&KeyType::Passphrase.byte()) {
        return Err(Error::NotInPassphraseMode);
    }
    let secrets = detect(repository, manifest_object, passphrases)?;
    let passphrase = passphrases.new_passphrase()?;
    let blob = key_blob::close(&secrets, &passphrase)?;
    Ok(repository.set_key_blob(blob.as_bytes())?)
}

/// Takes passphrases until one derives the keys that authenticate the manifest.
fn detect(
    repository: &dyn Repository,
    manifest_object: &[u8],
    passphrases: &mut dyn PassphraseSource,
) -> Result<Secrets, Error> {
    let mut given = passphrases.given()?;
    for attempt in 1..=MOST_ATTEMPTS {
        let passphrase = match given.take() {
            Some(passphrase) => passphrase,
            None => passphrases.ask(repository.location(), attempt)?,
        };
        let secrets = derive(repository.id(), &passphrase);
        if verified_iv(&Cipher::of(&secrets), manifest_object).is_some() {
            return Ok(secrets);
        }
    }
    Err(Error::PassphraseRetriesExceeded)
}

fn derive(repository_id: [u8; 32], passphrase: &Passphrase) -> Secrets {
    let mut bytes = Zeroizing::new([0; 100]);
    pbkdf2_sha256(passphrase.reveal(), &repository_id, ITERATIONS, bytes.as_mut_slice());
    let mut encryption = Zeroizing::new([0; 32]);
    encryption.copy_from_slice(&bytes[..32]);
    Secrets {
        repository_id,
        encryption,
        authentication: Zeroizing::new(bytes[32..64].to_vec()),
        identification: Zeroizing::new(bytes[64..96].to_vec()),
        chunk_seed: i32::from_be_bytes([bytes[96], bytes[97], bytes[98], bytes[99]]),
        tam_required: Some(true),
    }
}
