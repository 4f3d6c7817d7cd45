//! `check`

use std::ffi::OsString;

use clap::Args;

use super::{ArchiveFilters, CommonOptions};

/// Verify a repository and its archives
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Only the repository's own files
    #[arg(long = "repository-only")]
    pub(crate) repository_only: bool,
    /// Only the archives
    #[arg(long = "archives-only")]
    pub(crate) archives_only: bool,
    /// Read, decrypt and verify all data (not with --repository-only)
    #[arg(long)]
    pub(crate) verify_data: bool,
    /// Mend what can be mended
    #[arg(long)]
    pub(crate) repair: bool,
    /// Slower, with less space
    #[arg(long)]
    pub(crate) save_space: bool,
    /// Go on where the last check stopped, for so many seconds (with --repository-only or --archives-only)
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub(crate) max_duration: u64,
    /// Repository or archive [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY_OR_ARCHIVE", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    pub(crate) filters: ArchiveFilters,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
