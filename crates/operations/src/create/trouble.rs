//! Trouble with one file: a warning in Borg's words, and the run goes on.

use nanoprobe_archive::text;
use rustix::io::Errno;

use crate::python_text::{quoted, system_error};

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

    /// The whole message; bytes that are no text as [`text::decode`] keeps them.
    pub(super) fn message(&self, path: &[u8]) -> String {
        format!("{}: {}", text::decode(path), self.reason())
    }

    /// The message for a stream, the name as Python quotes it.
    pub(super) fn of_stream(&self, name: &[u8]) -> String {
        format!("{}: {}", quoted(name), self.reason())
    }

    fn reason(&self) -> String {
        match self {
            Self::System { operation, error, name } => {
                format!("{operation}: {}", system_error(*error, name.as_deref()))
            }
            Self::Race => "file type or inode changed while we backed it up (race condition, skipped file)".into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_borgs() {
        let trouble = Trouble::named("open", b"a'\xff")(Errno::ACCESS);
        assert_eq!(trouble.message(b"d/a"), "d/a: open: [Errno 13] Permission denied: \"a'\\udcff\"");
        assert_eq!(trouble.exit_code(), 105);
        assert_eq!(Trouble::system("read")(Errno::IO).message(b"d/a"), "d/a: read: [Errno 5] Input/output error");
    }
}
