//! `compact`

use std::ffi::OsString;

use clap::Args;

use super::CommonOptions;

/// Free the space of what was deleted
#[derive(Args, Debug)]
pub(crate) struct Compact {
    /// Do nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Remove all segment files that hold nothing but a commit
    #[arg(long)]
    pub(crate) cleanup_commits: bool,
    /// Compact segment files of which more than this share can be freed [default: 10]
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 10,
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub(crate) threshold: i64,
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
