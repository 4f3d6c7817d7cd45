//! `config`

use std::ffi::OsString;

use clap::Args;

use super::CommonOptions;

/// Show and change the settings of a local repository
#[derive(Args, Debug)]
pub(crate) struct Config {
    /// Of the client's cache instead (which has no settings here)
    #[arg(short, long)]
    pub(crate) cache: bool,
    /// Remove the setting
    #[arg(short, long, conflicts_with = "list")]
    pub(crate) delete: bool,
    /// Show all settings
    #[arg(short, long)]
    pub(crate) list: bool,
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    /// Name of a setting
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Its new value; without, the present one is shown
    #[arg(value_name = "VALUE")]
    pub(crate) value: Option<String>,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
