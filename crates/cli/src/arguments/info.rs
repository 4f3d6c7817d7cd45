//! `info`

use std::ffi::OsString;

use clap::Args;

use super::{ArchiveFilters, CommonOptions};

/// Show what a repository or an archive holds and needs
#[derive(Args, Debug)]
pub(crate) struct Info {
    /// As one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Repository or archive [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY_OR_ARCHIVE", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    pub(crate) filters: ArchiveFilters,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
