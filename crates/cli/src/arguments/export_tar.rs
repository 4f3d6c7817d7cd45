//! `export-tar`

use std::ffi::OsString;

use clap::Args;

use super::{CommonOptions, PatternOptions};

/// Write an archive's files into a tar archive
#[derive(Args, Debug)]
pub(crate) struct ExportTar {
    /// A program to pipe the tar archive through; auto goes by the name: .gz, .bz2, .xz, .zst, .lz4
    #[arg(long, value_name = "COMMAND", default_value = "auto", allow_hyphen_values = true)]
    pub(crate) tar_filter: String,
    /// Print each path
    #[arg(long = "list")]
    pub(crate) output_list: bool,
    /// Drop so many leading path components; shorter paths are left out
    #[arg(long, value_name = "NUMBER", default_value_t = 0, help_heading = "Include/Exclude options")]
    pub(crate) strip_components: usize,
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    pub(crate) location: OsString,
    /// The tar archive to write; "-" is standard output
    #[arg(value_name = "FILE")]
    pub(crate) tarfile: OsString,
    /// Only these paths; patterns are welcome
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    #[command(flatten)]
    pub(crate) patterns: PatternOptions,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
