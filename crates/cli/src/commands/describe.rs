//! From what sessions and archives hold to what `output` prints.

use std::io::{self, Write};

use nanoprobe_archive::{ArchiveMetadata, text};
use nanoprobe_format::Id;
use nanoprobe_operations::{Session, info};

use super::Context;
use crate::{
    Failure,
    log::{Level, STATISTICS},
    output::{
        archives::ArchiveDetails,
        json::{Indent, Json},
        repository::{RepositoryDescription, RepositoryTotals},
        statistics::{ArchiveStatistics, CreatedArchive},
    },
};

/// An archive's metadata as bytes.
pub(super) struct Description {
    name: Vec<u8>,
    comment: Vec<u8>,
    hostname: Vec<u8>,
    username: Vec<u8>,
    command_line: Vec<Vec<u8>>,
    pub(super) working_directory: Vec<u8>,
    time: String,
    time_end: String,
    authenticated: bool,
}

impl Description {
    pub(super) fn new(metadata: &ArchiveMetadata) -> Self {
        let bytes = |text: &str| text::encode(text).into_owned();
        Self {
            name: bytes(&metadata.name),
            comment: bytes(&metadata.comment),
            hostname: bytes(&metadata.hostname),
            username: bytes(&metadata.username),
            command_line: metadata.command_line.iter().map(|word| bytes(word)).collect(),
            working_directory: metadata.working_directory.as_deref().map(bytes).unwrap_or_default(),
            time: metadata.time.clone(),
            time_end: metadata.time_end.clone(),
            authenticated: metadata.authentic,
        }
    }

    pub(super) fn details(&self) -> ArchiveDetails<'_> {
        ArchiveDetails {
            comment: &self.comment,
            hostname: &self.hostname,
            username: &self.username,
            time_end: &self.time_end,
            command_line: &self.command_line,
            authenticated: self.authenticated,
        }
    }

    pub(super) fn created<'a>(
        &'a self,
        id: &'a Id,
        metadata_bytes: u64,
        statistics: ArchiveStatistics,
    ) -> CreatedArchive<'a> {
        CreatedArchive {
            name: &self.name,
            id,
            start: &self.time,
            end: &self.time_end,
            metadata_bytes,
            command_line: &self.command_line,
            statistics,
        }
    }
}

/// A session's repository; `key_file` is what [`key_file`] gave.
pub(super) fn repository<'a>(
    session: &'a Session,
    id: &'a [u8; 32],
    key_file: Option<&'a str>,
) -> RepositoryDescription<'a> {
    RepositoryDescription {
        id,
        location: session.repository.location(),
        last_modified: session.manifest.timestamp(),
        mode: session.key.mode(),
        key_file,
    }
}

pub(super) fn key_file(session: &Session) -> Option<String> {
    session.key.file().map(|path| path.display().to_string())
}

pub(super) fn totals(totals: &info::KnownTotals) -> RepositoryTotals {
    RepositoryTotals {
        total_size: totals.size_bytes,
        total_csize: totals.csize_bytes,
        unique_size: totals.unique_size_bytes,
        unique_csize: totals.unique_csize_bytes,
        total_unique_chunks: totals.unique_chunks,
        total_chunks: totals.chunks,
    }
}

impl Context<'_> {
    /// Prints a document of `--json` on standard output.
    pub(super) fn print_document(&self, document: &Json) -> Result<(), Failure> {
        let indent = Indent::from_environment(self.environment.text("BORG_JSON_INDENT").as_deref());
        let mut out = io::BufWriter::new(io::stdout().lock());
        document.write_document(&mut out, &indent)?;
        Ok(out.flush()?)
    }

    /// Prints a table of `--stats`: a log line a line.
    pub(super) fn print_statistics(&self, table: &[u8]) {
        let table = table.strip_suffix(b"\n").unwrap_or(table);
        for line in table.split(|&byte| byte == b'\n') {
            self.log.always(Level::Info, STATISTICS, None, line);
        }
    }
}
