//! The local nonce file, `<security>/<id>/nonce`.

use std::{fs, io, path::PathBuf};

use super::Reservation;
use crate::{Error, durable};

/// The local nonce file of one repository.
pub(crate) struct LocalNonces {
    path: PathBuf,
}

impl LocalNonces {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Reservation for LocalNonces {
    fn free(&self) -> Result<Option<u64>, Error> {
        match fs::read(&self.path) {
            Ok(text) => parse(&text).map(Some).ok_or_else(|| Error::NonceFileInvalid(self.path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&self.path)(error)),
        }
    }

    fn reserve(&self, expected: Option<u64>, next_free: u64) -> Result<(), Error> {
        if self.free()? != expected {
            return Err(Error::NonceReservationChanged);
        }
        durable::replace(&self.path, format!("{next_free:016x}").as_bytes())
    }
}

/// Sixteen hexadecimal digits, white space around them ignored.
fn parse(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii();
    if digits.len() != 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_borgs() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nonce");
        let nonces = LocalNonces::new(path.clone());
        assert_eq!(nonces.free().unwrap(), None);
        nonces.reserve(None, 0x1000_001c).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"000000001000001c");
        fs::write(&path, "FFFFFFFFFFFFFFFE\n").unwrap();
        assert_eq!(nonces.free().unwrap(), Some(u64::MAX - 1));
    }

    #[test]
    fn swaps_only_what_was_expected() {
        let directory = tempfile::tempdir().unwrap();
        let nonces = LocalNonces::new(directory.path().join("nonce"));
        nonces.reserve(None, 5).unwrap();
        assert!(matches!(nonces.reserve(None, 9), Err(Error::NonceReservationChanged)));
        assert!(matches!(nonces.reserve(Some(4), 9), Err(Error::NonceReservationChanged)));
        assert_eq!(nonces.free().unwrap(), Some(5));
    }

    #[test]
    fn damage_is_an_error_not_zero() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nonce");
        for text in ["", "0", "000000001000001", "000000001000001g", "00000000 000001c", "+000000010000001"] {
            fs::write(&path, text).unwrap();
            assert!(matches!(LocalNonces::new(path.clone()).free(), Err(Error::NonceFileInvalid(_))), "{text:?}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(LocalNonces::new(path).free(), Err(Error::File { .. })), "there, but unreadable");
    }
}
