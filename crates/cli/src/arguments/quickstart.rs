//! `quickstart`

use std::path::PathBuf;

use clap::Args;

use super::CommonOptions;

/// Back up and restore a folder in a trial repository of its own, and compare every byte and attribute
#[derive(Args, Debug)]
pub(crate) struct Quickstart {
    #[command(flatten)]
    pub(crate) common: CommonOptions,
    /// The folder to back up [default: the current one]
    #[arg(value_name = "PATH")]
    pub(crate) source: Option<PathBuf>,
}
