//! `debug`

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::CommonOptions;

/// Look into a repository, for who mends it (not for everyday use)
#[derive(Args, Debug)]
pub(crate) struct Debug {
    #[command(subcommand)]
    pub(crate) command: Option<DebugCommand>,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DebugCommand {
    /// Show what reports of defects should say of the system
    Info(DebugInfo),
    /// Dump the item metadata of an archive as it is, one file a chunk
    DumpArchiveItems(DebugArchive),
    /// Dump the metadata of an archive as JSON
    DumpArchive(DebugArchiveToPath),
    /// Dump the manifest as JSON
    DumpManifest(DebugPath),
    /// Dump all objects, decrypted and decompressed, one file each
    DumpRepoObjs(DebugDumpObjects),
    /// Search all objects, decrypted and decompressed, for bytes
    SearchRepoObjs(DebugSearch),
    /// Show the id that a file's content would have
    IdHash(DebugPath),
    /// Write an object, as it is stored, to a file
    GetObj(DebugObject),
    /// Store a file as an object, as it is
    PutObj(DebugObject),
    /// Delete objects
    DeleteObj(DebugIds),
    /// Show how often objects are referred to
    RefcountObj(DebugIds),
}

#[derive(Args, Debug)]
pub(crate) struct DebugInfo {
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Args, Debug)]
pub(crate) struct DebugArchive {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    pub(crate) location: OsString,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Args, Debug)]
pub(crate) struct DebugArchiveToPath {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    pub(crate) location: OsString,
    /// Where to, - for standard output
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Args, Debug)]
pub(crate) struct DebugPath {
    /// The repository
    #[arg(value_name = "REPOSITORY")]
    pub(crate) location: OsString,
    /// The file
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Args, Debug)]
pub(crate) struct DebugDumpObjects {
    /// Everything in the segments, also what is deleted, superseded or not committed
    #[arg(long)]
    pub(crate) ghost: bool,
    /// With --ghost: only this segment
    #[arg(long, value_name = "SEG", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) segment: Option<u32>,
    /// With --ghost: only this offset
    #[arg(long, value_name = "OFFS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) offset: Option<u32>,
    /// The repository
    #[arg(value_name = "REPOSITORY")]
    pub(crate) location: OsString,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Args, Debug)]
pub(crate) struct DebugSearch {
    /// The repository
    #[arg(value_name = "REPOSITORY")]
    pub(crate) location: OsString,
    /// hex:123abc or str:text
    #[arg(value_name = "WANTED")]
    pub(crate) wanted: String,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Args, Debug)]
pub(crate) struct DebugObject {
    /// The repository
    #[arg(value_name = "REPOSITORY")]
    pub(crate) location: OsString,
    /// The object's id in hexadecimal digits
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The file
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Args, Debug)]
pub(crate) struct DebugIds {
    /// The repository
    #[arg(value_name = "REPOSITORY")]
    pub(crate) location: OsString,
    /// Ids in hexadecimal digits
    #[arg(value_name = "IDs", required = true)]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    common: CommonOptions,
}

impl Debug {
    /// The common options typed behind `debug`, in either place.
    pub(super) fn common(&mut self) -> CommonOptions {
        let before = std::mem::take(&mut self.common);
        let Some(command) = &mut self.command else { return before };
        let after = match command {
            DebugCommand::Info(command) => &mut command.common,
            DebugCommand::DumpArchiveItems(command) => &mut command.common,
            DebugCommand::DumpArchive(command) => &mut command.common,
            DebugCommand::DumpManifest(command) | DebugCommand::IdHash(command) => &mut command.common,
            DebugCommand::DumpRepoObjs(command) => &mut command.common,
            DebugCommand::SearchRepoObjs(command) => &mut command.common,
            DebugCommand::GetObj(command) | DebugCommand::PutObj(command) => &mut command.common,
            DebugCommand::DeleteObj(command) | DebugCommand::RefcountObj(command) => &mut command.common,
        };
        std::mem::take(after).over(before)
    }
}
