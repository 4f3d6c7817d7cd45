//! `info`

use std::ffi::OsString;

use clap::Args;

use super::{ArchiveFilters, CommonOptions};

/// Show what a repository or an archive holds and needs
#[derive(Args, Debug)]
pub(crate) struct Info {
    #[command(flatten)]
    pub(crate) common: CommonOptions,
    /// As one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) filters: ArchiveFilters,
    /// Repository or archive [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY_OR_ARCHIVE", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
}
