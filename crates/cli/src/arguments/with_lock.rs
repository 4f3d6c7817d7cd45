//! `with-lock`

use std::ffi::OsString;

use clap::Args;

use super::CommonOptions;

/// Run a command while the repository is locked
#[derive(Args, Debug)]
pub(crate) struct WithLock {
    /// The repository
    #[arg(value_name = "REPOSITORY")]
    pub(crate) location: OsString,
    /// The program to run
    #[arg(value_name = "COMMAND")]
    pub(crate) command: OsString,
    /// Its arguments
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
