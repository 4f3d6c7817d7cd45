//! The token that the page asks for: the first line of a file that nobody else can read, made when it is missing.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use crate::{Error, durable, random};

/// A token, and whether it was made just now.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) is_new: bool,
}

/// Shorter ones can be guessed.
const LEAST_CHARACTERS: usize = 16;
const MOST_BYTES: u64 = 4096;

/// Reads it, or makes it.
pub(super) fn read_or_make(path: &Path) -> Result<Token, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = digits().map_err(Error::file("make", path))?;
            durable::replace(path, format!("{text}\n").as_bytes(), 0o600).map_err(Error::file("write", path))?;
            return Ok(Token { text, is_new: true });
        }
        Err(error) => return Err(Error::file("open", path)(error)),
    };
    let wrong = |reason| Error::Token { path: path.to_owned(), reason };
    if file.metadata().map_err(Error::file("look at", path))?.mode() & 0o077 != 0 {
        return Err(wrong("others can read it: chmod 600"));
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(Error::file("read", path))?;
    let text = text.lines().next().unwrap_or_default().trim().to_owned();
    if text.chars().count() < LEAST_CHARACTERS {
        return Err(wrong("it has less than 16 characters; without the file, one is made"));
    }
    Ok(Token { text, is_new: false })
}

/// 128 bits of the system's, as 32 digits.
pub(super) fn digits() -> io::Result<String> {
    Ok(random::bytes::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt,
    };

    use super::*;

    #[test]
    fn it_is_made_once_and_not_for_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let made = read_or_make(&path).expect("a token");
        let read = read_or_make(&path).expect("a token");
        assert!(made.is_new && !read.is_new && made.text == read.text && made.text.len() == 32);
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("permissions");
        assert!(read_or_make(&path).expect_err("readable").to_string().contains("chmod 600"));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("permissions");
        fs::write(&path, "short\n").expect("written");
        assert!(read_or_make(&path).is_err());
    }
}
