//! `import-tar`

use std::ffi::OsString;

use clap::{ArgAction, Args};

use super::{ArchiveOptions, CommonOptions};

/// Make an archive of a tar archive's members
#[derive(Args, Debug)]
pub(crate) struct ImportTar {
    /// A program to pipe the tar archive through; auto goes by the name: .gz, .bz2, .xz, .zst, .lz4
    #[arg(long, value_name = "COMMAND", action = ArgAction::Append, allow_hyphen_values = true)]
    pub(crate) tar_filter: Vec<String>,
    /// Print statistics of the archive and the repository
    #[arg(short, long)]
    pub(crate) stats: bool,
    /// Print statistics of the archive alone
    #[arg(long)]
    pub(crate) quick_stats: bool,
    /// Print each path with its status
    #[arg(long = "list")]
    pub(crate) output_list: bool,
    /// Print only paths with one of these status letters
    #[arg(long, value_name = "STATUSCHARS", action = ArgAction::Append)]
    pub(crate) filter: Vec<String>,
    /// Statistics as one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Go on behind blocks of zeros, as between tar archives that were put together
    #[arg(long)]
    pub(crate) ignore_zeros: bool,
    /// The new archive
    #[arg(value_name = "ARCHIVE")]
    pub(crate) location: OsString,
    /// The tar archive to read; "-" is standard input
    #[arg(value_name = "TARFILE")]
    pub(crate) tarfile: OsString,
    #[command(flatten)]
    pub(crate) archive: ArchiveOptions,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
