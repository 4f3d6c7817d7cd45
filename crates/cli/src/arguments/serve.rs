//! `serve`

use std::path::PathBuf;

use clap::Args;

use super::{CommonOptions, values};

/// Start in server mode. This command is usually not used manually.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Serve only repositories at PATH or below it (may be repeated)
    #[arg(long, value_name = "PATH")]
    pub(crate) restrict_to_path: Vec<PathBuf>,
    /// Serve only the repository at PATH, which may not exist yet (may be repeated)
    #[arg(long, value_name = "PATH")]
    pub(crate) restrict_to_repository: Vec<PathBuf>,
    /// Destroy nothing: no compaction, no repair, no change of key; deleting only adds entries
    #[arg(long)]
    pub(crate) append_only: bool,
    /// Most that a repository may hold, whatever it says itself (e.g. 5G, 1.5T); new ones are given it
    #[arg(long, value_name = "QUOTA", value_parser = values::storage_quota)]
    pub(crate) storage_quota: Option<u64>,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
