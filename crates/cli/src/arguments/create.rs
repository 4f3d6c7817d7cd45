//! `create`

use std::ffi::OsString;

use clap::{ArgAction, Args};

use super::{AttributeFlags, CommonOptions, PatternOptions, values};

/// Back up files into a new archive
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Walk and report, store nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
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
    /// Accepted for compatibility: there is no cache to synchronise
    #[arg(long)]
    pub(crate) no_cache_sync: bool,
    /// Name of what comes from standard input
    #[arg(long, value_name = "NAME", default_value = "stdin")]
    pub(crate) stdin_name: String,
    /// Its owner [default: root's name]
    #[arg(long, value_name = "USER")]
    pub(crate) stdin_user: Option<String>,
    /// Its group [default: the name of group 0]
    #[arg(long, value_name = "GROUP")]
    pub(crate) stdin_group: Option<String>,
    /// Its mode, in octal [default: 0660]
    #[arg(long, value_name = "M", value_parser = values::octal)]
    pub(crate) stdin_mode: Option<u32>,
    /// PATH is a command; store what it writes
    #[arg(long)]
    pub(crate) content_from_command: bool,
    /// Back up exactly the paths that standard input lists
    #[arg(long)]
    pub(crate) paths_from_stdin: bool,
    /// PATH is a command that lists the paths to back up
    #[arg(long)]
    pub(crate) paths_from_command: bool,
    /// What separates listed paths [default: \n]
    #[arg(long, value_name = "DELIM", allow_hyphen_values = true)]
    pub(crate) paths_delimiter: Option<String>,
    /// The new archive
    #[arg(value_name = "ARCHIVE")]
    pub(crate) location: OsString,
    /// What to back up; "-" is standard input
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    #[command(flatten)]
    pub(crate) patterns: PatternOptions,
    #[command(flatten)]
    pub(crate) tags: TagOptions,
    #[command(flatten)]
    pub(crate) file_system: FileSystemOptions,
    #[command(flatten)]
    pub(crate) archive: ArchiveOptions,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}

/// Directories and files that say themselves that they are to be left out.
#[derive(Args, Debug)]
#[command(next_help_heading = "Include/Exclude options")]
pub(crate) struct TagOptions {
    /// Leave out directories with a CACHEDIR.TAG
    #[arg(long)]
    pub(crate) exclude_caches: bool,
    /// Leave out directories that hold something of this name (may be repeated)
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub(crate) exclude_if_present: Vec<OsString>,
    /// Keep the directory and what tagged it
    #[arg(long)]
    pub(crate) keep_exclude_tags: bool,
    /// Leave out files flagged NODUMP
    #[arg(long)]
    pub(crate) exclude_nodump: bool,
    /// Leave out files whose content is elsewhere (macOS)
    #[arg(long)]
    pub(crate) exclude_dataless: bool,
}

/// What is read of the file system.
#[derive(Args, Debug)]
#[command(next_help_heading = "File system options")]
pub(crate) struct FileSystemOptions {
    /// Stay in each path's file system; mount points are left out too
    #[arg(short = 'x', long)]
    pub(crate) one_file_system: bool,
    #[command(flatten)]
    pub(crate) attributes: AttributeFlags,
    #[arg(long, hide = true)]
    pub(crate) noatime: bool,
    /// Store access times
    #[arg(long)]
    pub(crate) atime: bool,
    /// Leave out change times
    #[arg(long)]
    pub(crate) noctime: bool,
    /// Leave out birth times
    #[arg(long)]
    pub(crate) nobirthtime: bool,
    /// Detect holes (fixed chunker only)
    #[arg(long)]
    pub(crate) sparse: bool,
    /// What makes a file count as unchanged [default: ctime,size,inode]
    #[arg(long, value_name = "MODE", action = ArgAction::Append)]
    pub(crate) files_cache: Vec<String>,
    /// What tells that a file changed while it was read: ctime, mtime, disabled [default: ctime]
    #[arg(long, value_name = "MODE", action = ArgAction::Append, value_parser = ["ctime", "mtime", "disabled"])]
    pub(crate) files_changed: Vec<String>,
    /// Read devices and FIFOs as if they were files, also through links
    #[arg(long)]
    pub(crate) read_special: bool,
}

/// How the archive is made.
#[derive(Args, Debug)]
#[command(next_help_heading = "Archive options")]
pub(crate) struct ArchiveOptions {
    /// Text to keep with the archive
    #[arg(long, value_name = "COMMENT", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub(crate) comment: OsString,
    /// The archive's time (UTC, yyyy-mm-ddThh:mm:ss), or a file whose time to take [default: now]
    #[arg(long, value_name = "TIMESTAMP")]
    pub(crate) timestamp: Option<OsString>,
    /// Seconds between checkpoints; 0 makes none
    #[arg(short, long, value_name = "SECONDS", default_value_t = 1800)]
    pub(crate) checkpoint_interval: u64,
    /// How files are cut [default: buzhash,19,23,21,4095]
    #[arg(long, value_name = "PARAMS", action = ArgAction::Append)]
    pub(crate) chunker_params: Vec<String>,
    /// How chunks are compressed; see "help compression"
    #[arg(short = 'C', long, value_name = "COMPRESSION", default_value = "lz4")]
    pub(crate) compression: String,
}
