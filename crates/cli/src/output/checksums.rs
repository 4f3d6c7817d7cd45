//! The checksums that `list --format` can ask for: Python's guaranteed ones and XXH64. One pass over a file computes all.

use sha2::digest::DynDigest;
use xxhash_rust::xxh64::Xxh64;

/// Every name, as a key of a format.
pub(crate) const NAMES: [&str; 13] = [
    "blake2b", "blake2s", "md5", "sha1", "sha224", "sha256", "sha384", "sha3_224", "sha3_256", "sha3_384", "sha3_512",
    "sha512", "xxh64",
];

/// The running checksums of one file.
pub(crate) struct Checksums {
    running: Vec<(&'static str, Running)>,
}

enum Running {
    Xxh64(Box<Xxh64>),
    Digest(Box<dyn DynDigest>),
}

impl Checksums {
    /// Those of [`NAMES`] that are `wanted`.
    pub(crate) fn new(wanted: impl Fn(&str) -> bool) -> Self {
        let names = NAMES.into_iter().filter(|name| wanted(name));
        Self { running: names.map(|name| (name, Running::new(name))).collect() }
    }

    /// Takes content.
    pub(crate) fn update(&mut self, data: &[u8]) {
        for (_, running) in &mut self.running {
            match running {
                Running::Xxh64(hash) => hash.update(data),
                Running::Digest(digest) => digest.update(data),
            }
        }
    }

    /// Names and hexadecimal digits.
    pub(crate) fn finish(self) -> Vec<(&'static str, String)> {
        self.running.into_iter().map(|(name, running)| (name, running.finish())).collect()
    }
}

impl Running {
    fn new(name: &str) -> Self {
        Self::Digest(match name {
            "blake2b" => Box::new(blake2::Blake2b512::default()),
            "blake2s" => Box::new(blake2::Blake2s256::default()),
            "md5" => Box::new(md5::Md5::default()),
            "sha1" => Box::new(sha1::Sha1::default()),
            "sha224" => Box::new(sha2::Sha224::default()),
            "sha256" => Box::new(sha2::Sha256::default()),
            "sha384" => Box::new(sha2::Sha384::default()),
            "sha512" => Box::new(sha2::Sha512::default()),
            "sha3_224" => Box::new(sha3::Sha3_224::default()),
            "sha3_256" => Box::new(sha3::Sha3_256::default()),
            "sha3_384" => Box::new(sha3::Sha3_384::default()),
            "sha3_512" => Box::new(sha3::Sha3_512::default()),
            _ => return Self::Xxh64(Box::new(Xxh64::new(0))),
        })
    }

    fn finish(self) -> String {
        match self {
            Self::Xxh64(hash) => format!("{:016x}", hash.digest()),
            Self::Digest(mut digest) => {
                let mut bytes = [0; 64];
                let bytes = &mut bytes[..digest.output_size()];
                // The buffer has exactly the digest's size, which is the only thing that can be wrong here.
                let _ = digest.finalize_into_reset(bytes);
                bytes.iter().map(|byte| format!("{byte:02x}")).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hashlib.new(name, b"abc").hexdigest()`, first eight digits, and XXH64 of the same.
    const OF_ABC: [(&str, &str); 13] = [
        ("blake2b", "ba80a53f"),
        ("blake2s", "508c5e8c"),
        ("md5", "90015098"),
        ("sha1", "a9993e36"),
        ("sha224", "23097d22"),
        ("sha256", "ba7816bf"),
        ("sha384", "cb00753f"),
        ("sha3_224", "e642824c"),
        ("sha3_256", "3a985da7"),
        ("sha3_384", "ec014982"),
        ("sha3_512", "b751850b"),
        ("sha512", "ddaf35a1"),
        ("xxh64", "44bc2cf5"),
    ];

    #[test]
    fn known_answers() {
        let mut checksums = Checksums::new(|_| true);
        checksums.update(b"a");
        checksums.update(b"bc");
        for ((name, digits), (expected_name, start)) in checksums.finish().into_iter().zip(OF_ABC) {
            assert_eq!(name, expected_name);
            assert!(digits.starts_with(start), "{name}: {digits}");
        }
        assert!(Checksums::new(|name| name == "shake_128").finish().is_empty());
    }
}
