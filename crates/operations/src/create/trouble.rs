//! Trouble with one file: a warning in Borg's words, and the run goes on.

use rustix::io::Errno;

/// What went wrong with one file.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// A system call failed.
    System {
        /// Borg's word for what was tried.
        operation: &'static str,
        /// What came of it.
        error: Errno,
        /// The name that the call was given, where Borg's message has it.
        name: Option<Vec<u8>>,
    },
    /// The file is not the one that was looked at first.
    Race,
}

impl Trouble {
    /// A system call on an open file failed.
    pub(super) fn system(operation: &'static str) -> impl Fn(Errno) -> Self {
        move |error| Self::System { operation, error, name: None }
    }

    /// A system call on a name failed.
    pub(super) fn named<'a>(operation: &'static str, name: &'a [u8]) -> impl Fn(Errno) -> Self + 'a {
        move |error| Self::System { operation, error, name: Some(name.to_vec()) }
    }

    /// The whole message.
    pub(super) fn message(&self, path: &[u8]) -> String {
        let path = String::from_utf8_lossy(path);
        match self {
            Self::System { operation, error, name } => {
                let number = error.raw_os_error();
                let mut text = std::io::Error::from(*error).to_string();
                if let Some(end) = text.find(" (os error") {
                    text.truncate(end);
                }
                let name = name.as_ref().map(|name| format!(": {}", quoted(name))).unwrap_or_default();
                format!("{path}: {operation}: [Errno {number}] {text}{name}")
            }
            Self::Race => {
                format!("{path}: file type or inode changed while we backed it up (race condition, skipped file)")
            }
        }
    }

    /// The class of the warning for `BORG_EXIT_CODES=modern`.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Race => 103,
            Self::System { error, .. } => match *error {
                Errno::PERM | Errno::ACCESS | Errno::BUSY => 105,
                Errno::IO => 106,
                Errno::NOENT => 107,
                _ => 104,
            },
        }
    }
}

/// A file name as Python's `repr` shows it: quotes, escapes, and undecodable bytes as lone surrogates.
fn quoted(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\0'..=' ' | '\x7f' if character != ' ' => text.push_str(&format!("\\x{:02x}", character as u32)),
                character => text.push(character),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\udc{byte:02x}")));
    }
    if text.contains('\'') && !text.contains('"') {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "\\'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_borgs() {
        let trouble = Trouble::named("open", b"a'\xff")(Errno::ACCESS);
        assert_eq!(trouble.message(b"d/a"), "d/a: open: [Errno 13] Permission denied: \"a'\\udcff\"");
        assert_eq!(trouble.exit_code(), 105);
        assert_eq!(Trouble::system("read")(Errno::IO).message(b"d/a"), "d/a: read: [Errno 5] Input/output error");
        assert_eq!(quoted(b"both '\"\n"), "'both \\'\"\\n'");
    }
}
