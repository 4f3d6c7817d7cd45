//! The key blob as text: base64 of the encrypted secrets, in `config` as it is, in a key file behind a first line.
//!
//! PBKDF2-HMAC-SHA256 makes a key of the passphrase; the secrets are encrypted with AES-256-CTR from block 0 (salt and so
//! key are new every time) and authenticated by HMAC-SHA256 over the plain bytes, under the same key.

use base64ct::{Base64, Encoding};
use nanoprobe_crypto::{Aes256Ctr, HmacSha256, equal, pbkdf2_sha256};
use nanoprobe_format::{
    key_blob::{EncryptedKey, PlainKey},
    msgpack::Writer,
};
use nanoprobe_repository::Repository;
use zeroize::Zeroizing;

use crate::{Error, Passphrase, secrets::Secrets};

/// What a new key blob takes, as in Borg 1.4.
pub const ITERATIONS: u32 = 100_000;
/// What a key blob may ask for: it is read before anything is authenticated.
pub const MOST_ITERATIONS: u32 = 10_000_000;

/// Longest text that is taken for a key blob; Borg's are below 1 KiB.
pub(crate) const MOST_TEXT_BYTES: usize = 64 << 10;
/// Borg takes anything shorter for damage.
const FEWEST_BYTES: usize = 20;
/// Room for either map: 128-byte keys and all field names make less than 600 bytes.
const MOST_MAP_BYTES: usize = 1024;
const COLUMNS: usize = 70;

/// Encrypts `secrets`; the text is that of [`encode`].
pub(crate) fn close(secrets: &Secrets, passphrase: &Passphrase) -> Result<String, Error> {
    let mut room = Zeroizing::new([0; MOST_MAP_BYTES]);
    let length = written(room.as_mut_slice(), |writer| secrets.plain().emit(writer).is_ok()).ok_or(Error::NoRoom)?;
    let data = &mut room[..length];
    let mut salt = [0; 32];
    getrandom::fill(&mut salt)?;
    let key = derive(passphrase, &salt, ITERATIONS);
    let hash = HmacSha256::new(key.as_slice()).authenticate(&[data]);
    Aes256Ctr::new(&key).apply(0, data);
    let outer = EncryptedKey { iterations: ITERATIONS, salt: &salt, hash: &hash, data };
    let mut packed = [0; MOST_MAP_BYTES];
    let length = written(&mut packed, |writer| outer.emit(writer).is_ok()).ok_or(Error::NoRoom)?;
    Ok(encode(&packed[..length]))
}

/// Base64 in lines of 70 columns, no line end at the end.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let text = Base64::encode_string(bytes);
    let mut lines = String::with_capacity(text.len() + text.len() / COLUMNS);
    for (number, line) in text.as_bytes().chunks(COLUMNS).enumerate() {
        if number > 0 {
            lines.push('\n');
        }
        lines.extend(line.iter().map(|&byte| char::from(byte)));
    }
    lines
}

/// Undoes base64 (`None`: damaged), leniently as Borg does: what is not of its alphabet is passed over.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > MOST_TEXT_BYTES {
        return None;
    }
    let of_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let text: Vec<u8> = text.iter().copied().filter(of_alphabet).collect();
    let bytes = Base64::decode_vec(std::str::from_utf8(&text).ok()?).ok()?;
    (bytes.len() >= FEWEST_BYTES).then_some(bytes)
}

/// The key blob that stands in a repository's `config`, undone from base64.
pub(crate) fn of_repository(repository: &dyn Repository) -> Result<Vec<u8>, Error> {
    let text = repository.key_blob()?;
    if text.is_empty() {
        return Err(Error::RepositoryKeyNotFound(repository.location().to_owned()));
    }
    decode(&text)
        .ok_or_else(|| Error::KeyInvalid { location: repository.location().to_owned(), place: "(repokey)".to_owned() })
}

/// Decrypts what [`decode`] gave; `None` when the passphrase is wrong.
pub(crate) fn open(bytes: &[u8], passphrase: &Passphrase) -> Result<Option<Secrets>, Error> {
    let outer = EncryptedKey::parse(bytes)?;
    if outer.iterations > MOST_ITERATIONS {
        return Err(Error::TooManyIterations(outer.iterations));
    }
    let key = derive(passphrase, outer.salt, outer.iterations);
    let mut data = Zeroizing::new(outer.data.to_vec());
    Aes256Ctr::new(&key).apply(0, &mut data);
    let hash = HmacSha256::new(key.as_slice()).authenticate(&[&data]);
    if !equal(&hash, outer.hash) {
        return Ok(None);
    }
    Ok(Some(Secrets::from_plain(&PlainKey::parse(&data)?)))
}

fn derive(passphrase: &Passphrase, salt: &[u8], iterations: u32) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2_sha256(passphrase.reveal(), salt, iterations, key.as_mut_slice());
    key
}

/// Bytes that `emit` wrote into `room`.
fn written(room: &mut [u8], emit: impl FnOnce(&mut Writer<&mut [u8]>) -> bool) -> Option<usize> {
    let all = room.len();
    let mut writer = Writer::new(room);
    emit(&mut writer).then(|| all - writer.into_inner().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.into())
    }

    #[test]
    fn comes_back_under_the_same_passphrase_only() {
        for mode in [Mode::Repokey, Mode::KeyfileBlake2] {
            let secrets = Secrets::random(mode, [7; 32]).unwrap();
            assert!(secrets.fit(mode));
            let text = close(&secrets, &passphrase("Grüße")).unwrap();
            assert!(text.lines().all(|line| line.len() <= 70) && !text.ends_with('\n'));
            let bytes = decode(text.as_bytes()).unwrap();
            assert!(open(&bytes, &passphrase("Gruesse")).unwrap().is_none());
            let again = open(&bytes, &passphrase("Grüße")).unwrap().unwrap();
            assert_eq!((&again.encryption, &again.identification), (&secrets.encryption, &secrets.identification));
            assert_eq!((again.chunk_seed, again.tam_required), (secrets.chunk_seed, Some(true)));
        }
    }

    #[test]
    fn new_ones_cost_what_borgs_cost_and_never_repeat_a_salt() {
        let secrets = Secrets::random(Mode::Repokey, [7; 32]).unwrap();
        let texts: Vec<_> =
            (0..2).map(|_| decode(close(&secrets, &passphrase("x")).unwrap().as_bytes()).unwrap()).collect();
        let [one, other] = [0, 1].map(|number| EncryptedKey::parse(&texts[number]).unwrap());
        assert_eq!((one.iterations, one.salt.len()), (100_000, 32));
        assert_ne!(one.salt, other.salt);
        assert_ne!(one.data, other.data);
    }

    #[test]
    fn greedy_iterations_are_refused_at_once() {
        let outer = EncryptedKey { iterations: 10_000_001, salt: &[0; 32], hash: &[0; 32], data: &[0; 200] };
        let mut room = [0; MOST_MAP_BYTES];
        let length = written(&mut room, |writer| outer.emit(writer).is_ok()).unwrap();
        assert!(matches!(open(&room[..length], &passphrase("")), Err(Error::TooManyIterations(10_000_001))));
    }

    #[test]
    fn damage_is_told_from_a_wrong_passphrase() {
        assert!(decode(b"").is_none());
        assert!(decode(b"AAAA").is_none());
        assert!(decode(&[b'A'; MOST_TEXT_BYTES + 4]).is_none());
        assert!(decode(b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_none(), "odd length");
        let zeros = decode(b"AAAAAAAAAAAAAAAA\r\n AAAAAAAAAAAAAAAA\n").unwrap();
        assert!(matches!(open(&zeros, &passphrase("")), Err(Error::KeyBlob(_))));
    }
}
