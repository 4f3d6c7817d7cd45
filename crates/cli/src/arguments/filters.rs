//! Which archives of a repository a command looks at, and in which order.

use std::ffi::OsString;

use clap::Args;
use nanoprobe_operations::select::SortKey;

use super::{only_one, values};

/// Which names, as typed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Archive filters")]
pub(crate) struct NameFilters {
    /// Only archives whose names begin so (deprecated)
    #[arg(short = 'P', long, value_name = "PREFIX", action = clap::ArgAction::Append, conflicts_with = "glob_archives")]
    prefix: Vec<OsString>,
    /// Only archives whose names match, by the rules of sh: patterns
    #[arg(short = 'a', long, value_name = "GLOB", action = clap::ArgAction::Append)]
    glob_archives: Vec<OsString>,
}

/// Which archives, in which order, as typed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Archive filters")]
pub(crate) struct ArchiveFilters {
    #[command(flatten)]
    names: NameFilters,
    /// Sort by these keys: timestamp, archive, name, id [default: timestamp]
    #[arg(long, value_name = "KEYS", value_delimiter = ',', value_parser = sort_key, action = clap::ArgAction::Set,
          num_args = 1, default_value = "timestamp", hide_default_value = true)]
    pub(crate) sort_by: Vec<SortKey>,
    /// Only the first N of them
    #[arg(long, value_name = "N", value_parser = values::positive, conflicts_with = "last")]
    pub(crate) first: Option<usize>,
    /// Only the last N of them
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(crate) last: Option<usize>,
}

fn sort_key(word: &str) -> Result<SortKey, String> {
    let word = if word == "archive" { "name" } else { word };
    SortKey::from_word(word).filter(|_| word != "ts").ok_or_else(|| format!("Invalid sort key: {word}"))
}

impl NameFilters {
    /// The glob that `-a` or `-P` stand for, placeholders not replaced.
    pub(crate) fn glob(&self) -> Result<Option<OsString>, clap::Error> {
        let prefix = only_one("-P/--prefix", self.prefix.clone())?.map(|mut prefix| {
            prefix.push("*");
            prefix
        });
        Ok(only_one("-a/--glob-archives", self.glob_archives.clone())?.or(prefix))
    }

    fn narrow(&self) -> bool {
        !self.prefix.is_empty() || !self.glob_archives.is_empty()
    }
}

impl ArchiveFilters {
    /// The glob that `-a` or `-P` stand for, placeholders not replaced.
    pub(crate) fn glob(&self) -> Result<Option<OsString>, clap::Error> {
        self.names.glob()
    }

    /// Any of them is there (the order does not count).
    pub(crate) fn narrow(&self) -> bool {
        self.names.narrow() || self.first.is_some() || self.last.is_some()
    }
}
