//! The nonce reservation: the file `nonce` holds the first free nonce as 16 hexadecimal digits.
//!
//! The key crate decides what is reserved; here it is only compared, swapped and made durable.

use std::io;
use std::path::Path;

use crate::Error;
use crate::fs::{FileSystem, read_small};
use crate::save::save;

pub(crate) fn free_nonce(fs: &dyn FileSystem, repository: &Path) -> Result<Option<u64>, Error> {
    let path = repository.join("nonce");
    let bytes = match read_small(fs, &path, 4096) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&path)(error)),
    };
    let text = String::from_utf8_lossy(&bytes);
    let digits = text.trim();
    let is_hex = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match u64::from_str_radix(digits, 16) {
        Ok(nonce) if is_hex => Ok(Some(nonce)),
        _ => Err(Error::InvalidNonceFile(format!("{digits:?} is not 16 hexadecimal digits"))),
    }
}

pub(crate) fn reserve(
    fs: &dyn FileSystem,
    repository: &Path,
    expected: Option<u64>,
    next_free: u64,
) -> Result<(), Error> {
    if free_nonce(fs, repository)? != expected {
        return Err(Error::NonceMismatch);
    }
    let path = repository.join("nonce");
    save(fs, &path, format!("{next_free:016x}").as_bytes()).map_err(Error::io(&path))
}
