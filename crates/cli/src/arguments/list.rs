//! `list`

use std::ffi::OsString;

use clap::Args;

use super::{ArchiveFilters, CommonOptions, PatternOptions};

/// List the archives of a repository or the contents of an archive
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Show checkpoints among the archives
    #[arg(long)]
    pub(crate) consider_checkpoints: bool,
    /// Names only
    #[arg(long)]
    pub(crate) short: bool,
    /// How a line looks; see the keys in "help formats"
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<OsString>,
    /// The archives of a repository as one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// The contents of an archive as one JSON object a line
    #[arg(long)]
    pub(crate) json_lines: bool,
    /// Repository or archive [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY_OR_ARCHIVE", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    /// Only these paths of the archive; patterns are welcome
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    #[command(flatten)]
    pub(crate) filters: ArchiveFilters,
    #[command(flatten)]
    pub(crate) patterns: PatternOptions,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
