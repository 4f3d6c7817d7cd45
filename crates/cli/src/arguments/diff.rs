//! `diff`

use std::ffi::OsString;

use clap::{ArgAction, Args};
use nanoprobe_operations::diff::SortField;

use super::{CommonOptions, PatternOptions, only_one, usage_error};

/// Show what is different between two archives
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// Compare owners by number only
    #[arg(long, alias = "numeric-owner")]
    pub(crate) numeric_ids: bool,
    /// Both archives were made with the same chunker parameters, whatever they say
    #[arg(long)]
    pub(crate) same_chunker_params: bool,
    /// Sort by path (deprecated)
    #[arg(long)]
    sort: bool,
    /// Sort by these fields; > in front for descending order: path, size_added, size_removed, size_diff, size, user, group,
    /// uid, gid, ctime, mtime, ctime_diff, mtime_diff
    #[arg(long, value_name = "FIELDS", action = ArgAction::Append)]
    sort_by: Vec<String>,
    /// Only differences in content, not in owners, modes and times
    #[arg(long)]
    pub(crate) content_only: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json_lines: bool,
    /// The repository and the first archive
    #[arg(value_name = "REPO::ARCHIVE1")]
    pub(crate) location: OsString,
    /// The name of the second archive
    #[arg(value_name = "ARCHIVE2")]
    pub(crate) archive2: OsString,
    /// Only these paths; patterns are welcome
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    #[command(flatten)]
    pub(crate) patterns: PatternOptions,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}

impl Diff {
    /// What lines are sorted by, the first field above all; nothing: Borg's own order.
    pub(crate) fn sort_fields(&self) -> Result<Vec<SortField>, clap::Error> {
        let invalid = |reason: &str| usage_error(format_args!("argument --sort-by: unsupported sort field: {reason}"));
        let Some(typed) = only_one("--sort-by", self.sort_by.clone())? else {
            return Ok(SortField::from_word("path").filter(|_| self.sort).into_iter().collect());
        };
        let words = typed.split(',').map(str::trim).filter(|word| !word.is_empty());
        let fields: Vec<SortField> = words
            .map(|word| SortField::from_word(word).ok_or_else(|| invalid(word.trim_start_matches(['<', '>']))))
            .collect::<Result<_, _>>()?;
        if fields.is_empty() { Err(invalid("empty spec")) } else { Ok(fields) }
    }
}
