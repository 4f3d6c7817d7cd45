//! `upgrade`

use std::ffi::OsString;

use clap::Args;

use super::CommonOptions;

/// Check or change how manifest and archives are authenticated
#[derive(Args, Debug)]
pub(crate) struct Upgrade {
    /// Change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Convert without a copy (conversions are not built)
    #[arg(long)]
    pub(crate) inplace: bool,
    /// Take the manifest for good even when it is not authenticated
    #[arg(long)]
    pub(crate) force: bool,
    /// Demand that the manifest be authenticated, in key and security data
    #[arg(long)]
    pub(crate) tam: bool,
    /// Check whether that is demanded
    #[arg(long)]
    pub(crate) check_tam: bool,
    /// Demand it no longer
    #[arg(long)]
    pub(crate) disable_tam: bool,
    /// Check whether all archives are authenticated
    #[arg(long)]
    pub(crate) check_archives_tam: bool,
    /// Authenticate all archives that are not
    #[arg(long)]
    pub(crate) archives_tam: bool,
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
