//! Everything the commands print, exactly as Borg 1.4 prints it: lists, information, statistics, JSON.
//!
//! Commands gather plain data and call here; nothing here opens, decrypts or computes. All text may hold bytes that are
//! not UTF-8: printed they are `?`, in JSON they are Python's lone surrogates.
//!
//! | command | module |
//! |---|---|
//! | `list REPOSITORY` | [`archives`] |
//! | `list REPOSITORY::ARCHIVE` | [`items`] |
//! | `info` | [`information`] |
//! | `diff` | [`differences`] |
//! | `create --stats`, `create --json` | [`statistics`] |
//! | what all `--json` documents begin with | [`repository`] |

pub(crate) mod archives;
mod checksums;
pub(crate) mod differences;
pub(crate) mod information;
pub(crate) mod items;
pub(crate) mod json;
pub(crate) mod key_page;
pub(crate) mod packed;
pub(crate) mod repository;
pub(crate) mod size;
pub(crate) mod specification;
pub(crate) mod statistics;
pub(crate) mod template;
pub(crate) mod text;
pub(crate) mod time;

#[cfg(test)]
mod recorded;

/// Text in the user's format, or a JSON object a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `--format`, `--short` and the default.
    Text,
    /// `--json-lines`
    JsonLines,
}

/// Keys that every format knows.
const FORMATTING_AIDS: [(&str, &str); 7] =
    [("LF", "\n"), ("SPACE", " "), ("TAB", "\t"), ("CR", "\r"), ("NUL", "\0"), ("NEWLINE", "\n"), ("NL", "\n")];

/// The line between parts of a summary.
pub(crate) const DASHES: &str = "------------------------------------------------------------------------------";
