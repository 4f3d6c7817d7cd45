//! `recreate`

use std::ffi::OsString;

use clap::{ArgAction, Args};

use super::{CommonOptions, PatternOptions};

/// Write archives anew: with fewer items, other compression, or other chunks
#[derive(Args, Debug)]
pub(crate) struct Recreate {
    /// Print each path with its status
    #[arg(long = "list")]
    pub(crate) output_list: bool,
    /// Print only paths with one of these status letters
    #[arg(long, value_name = "STATUSCHARS", action = ArgAction::Append)]
    pub(crate) filter: Vec<String>,
    /// Change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Print statistics of each archive (with --info)
    #[arg(short, long)]
    pub(crate) stats: bool,
    /// Leave out directories with a CACHEDIR.TAG
    #[arg(long)]
    pub(crate) exclude_caches: bool,
    /// Leave out directories that hold something of this name (may be repeated)
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub(crate) exclude_if_present: Vec<OsString>,
    /// Keep the directory and what tagged it
    #[arg(long)]
    pub(crate) keep_exclude_tags: bool,
    /// Make a new archive of this name and leave the old one as it is
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Option<OsString>,
    /// Seconds between checkpoints; 0 makes none
    #[arg(short, long, value_name = "SECONDS", default_value_t = 1800)]
    pub(crate) checkpoint_interval: u64,
    /// Text to keep with the archive [default: the old one]
    #[arg(long, value_name = "COMMENT", allow_hyphen_values = true)]
    pub(crate) comment: Option<OsString>,
    /// The archive's time (UTC, yyyy-mm-ddThh:mm:ss), or a file whose time to take [default: the old one]
    #[arg(long, value_name = "TIMESTAMP")]
    pub(crate) timestamp: Option<OsString>,
    /// How chunks are compressed; see "help compression"
    #[arg(short = 'C', long, value_name = "COMPRESSION", default_value = "lz4")]
    pub(crate) compression: String,
    /// Compress chunks anew: never, if-different (where the codec is another one), always [default: never; without MODE:
    /// if-different]
    #[arg(long, value_name = "MODE", value_parser = ["never", "if-different", "always"], num_args = 0..=1,
          default_value = "never", default_missing_value = "if-different", hide_default_value = true,
          hide_possible_values = true)]
    pub(crate) recompress: String,
    /// Cut files anew [default: as they are]
    #[arg(long, value_name = "PARAMS", action = ArgAction::Append)]
    pub(crate) chunker_params: Vec<String>,
    /// Repository or archive [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY_OR_ARCHIVE", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    /// What stays; everything without
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    #[command(flatten)]
    pub(crate) patterns: PatternOptions,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}
