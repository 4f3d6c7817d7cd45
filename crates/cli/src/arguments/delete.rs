//! `delete`

use std::ffi::OsString;

use clap::{ArgAction, Args};

use super::{ArchiveFilters, CommonOptions};

/// Delete archives, or a whole repository
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Print each archive
    #[arg(long = "list")]
    pub(crate) output_list: bool,
    /// Print statistics of what was deleted and of the repository
    #[arg(short, long)]
    pub(crate) stats: bool,
    /// Print statistics of what was deleted alone
    #[arg(long)]
    pub(crate) quick_stats: bool,
    /// Delete only what this machine remembers of the repository
    #[arg(long)]
    pub(crate) cache_only: bool,
    /// Delete damaged archives too; given twice, without looking at them
    #[arg(long = "force", action = ArgAction::Count)]
    pub(crate) forced: u8,
    /// Keep the security information when a repository is deleted
    #[arg(long)]
    pub(crate) keep_security_info: bool,
    /// Accepted for compatibility: no more space is needed without
    #[arg(long)]
    pub(crate) save_space: bool,
    /// Commit every so many seconds while objects are deleted
    #[arg(short, long, value_name = "SECONDS", default_value_t = 1800)]
    pub(crate) checkpoint_interval: u64,
    /// Repository or archive [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY_OR_ARCHIVE", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    /// More archives of it
    #[arg(value_name = "ARCHIVE")]
    pub(crate) archives: Vec<OsString>,
    #[command(flatten)]
    pub(crate) filters: ArchiveFilters,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
