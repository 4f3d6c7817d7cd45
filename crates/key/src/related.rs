//! Secrets that related repositories share: equal data get equal ids and are cut alike, while every repository has its own
//! keys for encryption and authentication. Borg 1.4.5 keeps them in a JSON file, unencrypted:
//!
//! ```text
//! { "version": 1, "id_key": "<hex>", "chunk_seed": <signed 32 bits>, "key_name": "<name of the mode for people>" }
//! ```

use serde_json::Value;
use zeroize::Zeroizing;

use crate::{Error, Key, Mode, secrets::Secrets};

/// What names and cuts data in one repository, for another one.
pub struct RelatedSecrets {
    identification: Zeroizing<Vec<u8>>,
    chunk_seed: i32,
    key_name: String,
}

/// Why a file holds no such secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelatedSecretsError {
    /// Not JSON.
    #[error("Invalid JSON in related secrets file")]
    Json,
    /// Written by something newer, or not for this purpose; the version as Borg prints it.
    #[error("Unsupported related secrets version: {0}")]
    Version(String),
    /// The id key is not there or not hexadecimal.
    #[error("Invalid id_key in related secrets file")]
    IdKey,
}

impl RelatedSecrets {
    /// Those of an unlocked key.
    pub fn of(key: &Key) -> Result<Self, Error> {
        let secrets = key.secrets().ok_or(Error::Unencrypted)?;
        Ok(Self {
            identification: secrets.identification.clone(),
            chunk_seed: secrets.chunk_seed,
            key_name: key.mode().description().to_owned(),
        })
    }

    /// Reads the file's content.
    pub fn parse(text: &[u8]) -> Result<Self, RelatedSecretsError> {
        let value: Value = serde_json::from_slice(text).map_err(|_| RelatedSecretsError::Json)?;
        match value.get("version") {
            Some(version) if version.as_f64() == Some(1.0) => {}
            Some(Value::Null) | None => return Err(RelatedSecretsError::Version("None".to_owned())),
            Some(Value::String(version)) => return Err(RelatedSecretsError::Version(version.clone())),
            Some(version) => return Err(RelatedSecretsError::Version(version.to_string())),
        }
        let digits = value.get("id_key").and_then(Value::as_str).ok_or(RelatedSecretsError::IdKey)?;
        let identification = unhex(digits).ok_or(RelatedSecretsError::IdKey)?;
        let chunk_seed = value.get("chunk_seed").and_then(Value::as_i64).and_then(|seed| i32::try_from(seed).ok());
        let key_name = value.get("key_name").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { identification, chunk_seed: chunk_seed.ok_or(RelatedSecretsError::Json)?, key_name })
    }

    /// The file's content.
    pub fn text(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new(String::with_capacity(self.identification.len() * 2));
        for byte in self.identification.iter() {
            digits.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
        }
        Zeroizing::new(format!(
            "{{\n    \"version\": 1,\n    \"id_key\": \"{}\",\n    \"chunk_seed\": {},\n    \"key_name\": \"{}\"\n}}\n",
            *digits, self.chunk_seed, self.key_name
        ))
    }

    /// Puts them into the secrets of a new repository in `mode`, which must name data by the same hash.
    pub(crate) fn put_into(&self, secrets: &mut Secrets, mode: Mode) -> Result<(), Error> {
        let origin = Mode::ALL.into_iter().find(|mode| *mode != Mode::None && mode.description() == self.key_name);
        if origin.is_none_or(|origin| origin.is_blake2() != mode.is_blake2()) {
            return Err(Error::UnrelatedIdHash);
        }
        secrets.identification = self.identification.clone();
        secrets.chunk_seed = self.chunk_seed;
        if secrets.fit(mode) { Ok(()) } else { Err(Error::UnrelatedIdHash) }
    }
}

fn unhex(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = digits.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for pair in pairs {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        bytes.push((high? << 4 | low?) as u8);
    }
    Some(bytes)
}
