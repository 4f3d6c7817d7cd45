//! `extract`

use std::ffi::OsString;

use clap::Args;

use super::{AttributeFlags, CommonOptions, PatternOptions};

/// Write the files of an archive into the current directory
#[derive(Args, Debug)]
pub(crate) struct Extract {
    /// Print each path
    #[arg(long = "list")]
    pub(crate) output_list: bool,
    /// Read and verify everything, write nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) attributes: AttributeFlags,
    /// Write all contents to standard output
    #[arg(long)]
    pub(crate) stdout: bool,
    /// Leave holes where there is nothing but zeros
    #[arg(long)]
    pub(crate) sparse: bool,
    /// Keep files that are complete already
    #[arg(long = "continue")]
    pub(crate) resume: bool,
    /// Drop so many leading path components; shorter paths are left out
    #[arg(long, value_name = "NUMBER", default_value_t = 0, help_heading = "Include/Exclude options")]
    pub(crate) strip_components: usize,
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    pub(crate) location: OsString,
    /// Only these paths; patterns are welcome
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    #[command(flatten)]
    pub(crate) patterns: PatternOptions,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
