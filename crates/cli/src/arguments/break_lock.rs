//! `break-lock`

use std::ffi::OsString;

use clap::Args;

use super::CommonOptions;

/// Remove the locks of a repository; only when nothing uses it
#[derive(Args, Debug)]
pub(crate) struct BreakLock {
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
