//! `rename`

use std::ffi::OsString;

use clap::Args;

use super::CommonOptions;

/// Give an archive another name
#[derive(Args, Debug)]
pub(crate) struct Rename {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    pub(crate) location: OsString,
    /// Its new name
    #[arg(value_name = "NEWNAME")]
    pub(crate) name: OsString,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
