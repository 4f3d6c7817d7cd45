//! Trouble with one item: said in Borg's words, and the run goes on.

use nanoprobe_archive::text;
use rustix::io::Errno;

use crate::python_text::system_error;

/// Why an item was not (wholly) extracted.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The path is absolute.
    NotRelative,
    /// A component of the path is `..`.
    Traversal,
    /// A component of the path is a symbolic link, or no directory.
    SymlinkParent,
    /// The source of a hard link is not safely inside the destination.
    LinkSource,
    /// The path or a link's target holds a byte that no path can hold.
    NullByte,
    /// A kind of file that Borg does not know.
    UnknownType(u32),
    /// A kind of file that tar archives cannot hold.
    NotInTar(u32),
    /// The archive says one size, its chunks another.
    Inconsistent { size: u64, chunks: u64 },
    /// A repair has put zeros in the place of lost chunks.
    Damaged,
    /// The operating system refused; `shown` is the full path.
    System { operation: &'static str, errno: Errno, shown: Vec<u8> },
}

impl Trouble {
    /// The warning, for an item with this path as stored.
    pub(super) fn message(&self, path: &[u8]) -> String {
        let path = text::decode(path);
        match self {
            Self::NotRelative => format!("{path}: Path should be relative and local: backup error"),
            Self::Traversal => {
                format!("{path}: {path}: not extracted, path contains \"../\" (malicious or corrupted archive)")
            }
            Self::SymlinkParent => format!(
                "{path}: {path}: not extracted, a parent directory is a symlink (malicious or corrupted archive)"
            ),
            Self::LinkSource => format!(
                "{path}: {path}: not extracted, hardlink source path is unsafe (malicious or corrupted archive)"
            ),
            Self::NullByte => format!("{path}: embedded null byte: backup error"),
            Self::UnknownType(mode) => format!("{path}: Unknown archive item type {mode}: backup error"),
            Self::NotInTar(kind) => format!("{path}: unsupported file type {kind:o} for tar export"),
            Self::Inconsistent { size, chunks } => {
                format!("{path}: Size inconsistency detected: size {size}, chunks size {chunks}: backup error")
            }
            Self::Damaged => {
                format!("{path}: File has damaged (all-zero) chunks. Try running borg check --repair.: backup error")
            }
            Self::System { operation: "", errno, shown } => format!("{path}: {}", system_error(*errno, Some(shown))),
            Self::System { operation, errno, shown } => {
                format!("{path}: {operation}: {}", system_error(*errno, Some(shown)))
            }
        }
    }

    /// Exit code with `BORG_EXIT_CODES=modern`.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::System { errno, .. } => match *errno {
                Errno::PERM | Errno::ACCESS | Errno::BUSY => 105,
                Errno::IO => 106,
                Errno::NOENT => 107,
                _ => 104,
            },
            Self::SymlinkParent => 108,
            Self::Traversal => 109,
            Self::LinkSource => 110,
            Self::NotInTar(_) => 1,
            _ => 102,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_borg_says() {
        let trouble = Trouble::System { operation: "open", errno: Errno::ACCESS, shown: b"/tmp/it's".to_vec() };
        assert_eq!(trouble.message(b"it's"), "it's: open: [Errno 13] Permission denied: \"/tmp/it's\"");
        assert_eq!(trouble.exit_code(), 105);
        assert_eq!(Trouble::Traversal.exit_code(), 109);
    }
}
