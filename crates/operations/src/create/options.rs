//! What `create` is asked to do, and what it reports when it is done.

use std::{ffi::OsString, path::PathBuf, str::FromStr, time::Duration};

use nanoprobe_archive::ArchiveMetadata;
use nanoprobe_chunker::Parameters;
use nanoprobe_compress::Specification;
use nanoprobe_format::Id;

/// Everything the command line decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the archive, placeholders already replaced.
    pub name: String,
    /// `--comment`.
    pub comment: String,
    /// `--timestamp` in microseconds since 1970; the start of the run when absent.
    pub timestamp: Option<i64>,
    /// What to read.
    pub sources: Sources,
    /// `-x`.
    pub one_file_system: bool,
    /// `--exclude-caches`.
    pub exclude_caches: bool,
    /// `--exclude-if-present`.
    pub exclude_if_present: Vec<OsString>,
    /// `--keep-exclude-tags`.
    pub keep_exclude_tags: bool,
    /// `--exclude-nodump`.
    pub exclude_nodump: bool,
    /// `--read-special`.
    pub read_special: bool,
    /// `--sparse`; has an effect with the fixed chunker only.
    pub sparse: bool,
    /// Which attributes items carry.
    pub attributes: AttributeOptions,
    /// `--files-cache`.
    pub files_cache: FilesCacheMode,
    /// Runs for which what was not visited is remembered (BORG_FILES_CACHE_TTL).
    pub files_cache_lifetime: u8,
    /// Tells files caches of the same roots apart (BORG_FILES_CACHE_SUFFIX).
    pub files_cache_suffix: String,
    /// `--files-changed`.
    pub files_changed: FilesChanged,
    /// `--checkpoint-interval`; zero: none.
    pub checkpoint_interval: Duration,
    /// `--chunker-params`.
    pub chunker: Parameters,
    /// `--compression`.
    pub compression: Specification,
    /// Attributes of what comes from standard input or a command.
    pub stdin: StdinFile,
    /// Directories that are never entered (by device and inode): caches, the repository itself.
    pub skip: Vec<PathBuf>,
    /// Recorded in the archive.
    pub command_line: Vec<String>,
    /// Recorded in the archive.
    pub hostname: String,
    /// Recorded in the archive.
    pub username: String,
}

impl Default for Options {
    /// Borg's defaults, for an archive that has no name yet and reads nothing.
    fn default() -> Self {
        let (name, comment, command_line, hostname, username) = Default::default();
        let (exclude_if_present, skip) = Default::default();
        Self {
            name,
            comment,
            timestamp: None,
            sources: Sources::Roots(Vec::new()),
            one_file_system: false,
            exclude_caches: false,
            exclude_if_present,
            keep_exclude_tags: false,
            exclude_nodump: false,
            read_special: false,
            sparse: false,
            attributes: AttributeOptions::default(),
            files_cache: FilesCacheMode::default(),
            files_cache_lifetime: nanoprobe_archive::FILES_CACHE_LIFETIME,
            files_cache_suffix: String::new(),
            files_changed: FilesChanged::default(),
            checkpoint_interval: Duration::from_secs(1800),
            chunker: Parameters::DEFAULT,
            compression: Specification::default(),
            stdin: StdinFile::default(),
            skip,
            command_line,
            hostname,
            username,
        }
    }
}

/// Where the files come from.
#[derive(Clone, Debug)]
pub enum Sources {
    /// Recursion roots; `-` reads one file from standard input.
    Roots(Vec<PathBuf>),
    /// `--content-from-command`: one file with what the command writes.
    ContentFromCommand(Vec<OsString>),
    /// `--paths-from-stdin`: these files and no others.
    PathsFromStdin {
        /// What separates two paths.
        delimiter: Vec<u8>,
    },
    /// `--paths-from-command`.
    PathsFromCommand {
        /// The command and its arguments.
        command: Vec<OsString>,
        /// What separates two paths.
        delimiter: Vec<u8>,
    },
}

/// Which attributes items carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeOptions {
    /// `--numeric-ids`: no user and group names.
    pub numeric_ids: bool,
    /// `--atime`: access times too.
    pub atime: bool,
    /// Change times (`--noctime` switches them off).
    pub ctime: bool,
    /// File flags (`--noflags`).
    pub flags: bool,
    /// ACLs (`--noacls`).
    pub acls: bool,
    /// Extended attributes (`--noxattrs`).
    pub xattrs: bool,
}

impl Default for AttributeOptions {
    fn default() -> Self {
        Self { numeric_ids: false, atime: false, ctime: true, flags: true, acls: true, xattrs: true }
    }
}

/// Attributes of a file made from a stream.
#[derive(Clone, Debug)]
pub struct StdinFile {
    /// `--stdin-name`.
    pub name: String,
    /// `--stdin-user`.
    pub user: String,
    /// `--stdin-group`.
    pub group: String,
    /// `--stdin-mode`.
    pub mode: u32,
}

impl Default for StdinFile {
    fn default() -> Self {
        Self { name: "stdin".into(), user: "root".into(), group: "root".into(), mode: 0o660 }
    }
}

/// What makes a file count as unchanged: `--files-cache`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesCacheMode {
    /// Nothing is looked up and nothing remembered.
    pub disabled: bool,
    /// Everything is read again, and remembered.
    pub rechunk: bool,
    /// Sizes must be equal.
    pub size: bool,
    /// Inode numbers must be equal.
    pub inode: bool,
    /// Change times must be equal.
    pub ctime: bool,
    /// Modification times must be equal.
    pub mtime: bool,
}

impl Default for FilesCacheMode {
    fn default() -> Self {
        Self { disabled: false, rechunk: false, size: true, inode: true, ctime: true, mtime: false }
    }
}

/// A files cache mode that Borg does not know.
#[derive(Debug, thiserror::Error)]
pub enum FilesCacheModeError {
    /// A word that is none of the modes.
    #[error("cache mode must be a comma-separated list of: ctime,disabled,inode,mtime,rechunk,size")]
    Word,
    /// Words that do not go together.
    #[error("cache mode short must be one of: cis, ims, cs, ms, cr, mr, d, s")]
    Combination,
}

impl FromStr for FilesCacheMode {
    type Err = FilesCacheModeError;

    fn from_str(text: &str) -> Result<Self, FilesCacheModeError> {
        let mut mode = Self { disabled: false, rechunk: false, size: false, inode: false, ctime: false, mtime: false };
        for word in text.trim().split(',') {
            *match word {
                "ctime" => &mut mode.ctime,
                "mtime" => &mut mode.mtime,
                "size" => &mut mode.size,
                "inode" => &mut mode.inode,
                "rechunk" => &mut mode.rechunk,
                "disabled" => &mut mode.disabled,
                _ => return Err(FilesCacheModeError::Word),
            } = true;
        }
        let letters = [
            (mode.ctime, 'c'),
            (mode.disabled, 'd'),
            (mode.inode, 'i'),
            (mode.mtime, 'm'),
            (mode.rechunk, 'r'),
            (mode.size, 's'),
        ];
        let short: String = letters.iter().filter(|(set, _)| *set).map(|(_, letter)| *letter).collect();
        match short.as_str() {
            "cis" | "ims" | "cs" | "ms" | "cr" | "mr" | "d" | "s" => Ok(mode),
            _ => Err(FilesCacheModeError::Combination),
        }
    }
}

/// What tells that a file changed while it was read: `--files-changed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilesChanged {
    /// Its change time.
    #[default]
    Ctime,
    /// Its modification time.
    Mtime,
    /// Nothing does.
    Disabled,
}

/// Sums over the content of the archive's files; metadata is not counted, as Borg does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Plain bytes.
    pub original_bytes: u64,
    /// Compressed and sealed bytes.
    pub compressed_bytes: u64,
    /// Of these, bytes that were new to the repository.
    pub deduplicated_bytes: u64,
    /// Regular files (hard links counted once).
    pub files: u64,
}

/// What `create` did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The archive's statistics.
    pub statistics: Statistics,
    /// The archive as stored.
    pub archive: Created,
}

/// The new archive.
#[derive(Clone, Debug)]
pub struct Created {
    /// Name of its metadata object.
    pub id: Id,
    /// Stored size of its metadata object, which Borg compares with the largest possible object.
    pub stored_bytes: u32,
    /// Its metadata.
    pub metadata: ArchiveMetadata,
    /// How long it took.
    pub duration: Duration,
}
