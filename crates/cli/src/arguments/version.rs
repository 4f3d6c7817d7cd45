//! `version`

use std::ffi::OsString;

use clap::Args;

use super::CommonOptions;

/// Show the version of this side and of the repository's side
#[derive(Args, Debug)]
pub(crate) struct Version {
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
