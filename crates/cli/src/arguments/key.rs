//! `key`

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::CommonOptions;

/// Export, import or change the key of a repository
#[derive(Args, Debug)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub(crate) command: Option<KeyCommand>,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    Export(KeyExport),
    ExportRelatedSecrets(KeyExportRelatedSecrets),
    Import(KeyImport),
    ChangePassphrase(KeyChangePassphrase),
    MigrateToRepokey(KeyMigrateToRepokey),
}

/// Write the key, encrypted as it is, to a file or for paper
#[derive(Args, Debug)]
pub(crate) struct KeyExport {
    /// In lines with checksums, to be printed and typed in again
    #[arg(long)]
    pub(crate) paper: bool,
    /// As a page with a QR code and the lines for paper, to be printed
    #[arg(long)]
    pub(crate) qr_html: bool,
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    /// Where to [default: standard output]
    #[arg(value_name = "PATH", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) path: Option<String>,
    #[command(flatten)]
    common: CommonOptions,
}

/// Write the secrets that a related repository needs to deduplicate alike; unencrypted, to be deleted after use
#[derive(Args, Debug)]
pub(crate) struct KeyExportRelatedSecrets {
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    /// Where to, - for standard output
    #[arg(value_name = "PATH", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) path: Option<String>,
    #[command(flatten)]
    common: CommonOptions,
}

/// Put an exported key in its place
#[derive(Args, Debug)]
pub(crate) struct KeyImport {
    /// Ask for the lines that were exported with --paper
    #[arg(long)]
    pub(crate) paper: bool,
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    /// The exported file, - for standard input
    #[arg(value_name = "PATH", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) path: Option<String>,
    #[command(flatten)]
    common: CommonOptions,
}

/// Protect the key with another passphrase
#[derive(Args, Debug)]
pub(crate) struct KeyChangePassphrase {
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    common: CommonOptions,
}

/// Give a repository in passphrase mode (before Borg 1.0) a stored key
#[derive(Args, Debug)]
pub(crate) struct KeyMigrateToRepokey {
    /// The repository [default: BORG_REPO]
    #[arg(value_name = "REPOSITORY", default_value = "", hide_default_value = true)]
    pub(crate) location: OsString,
    #[command(flatten)]
    common: CommonOptions,
}

impl Key {
    /// The common options typed behind `key`, in either place.
    pub(super) fn common(&mut self) -> CommonOptions {
        let before = std::mem::take(&mut self.common);
        let Some(command) = &mut self.command else { return before };
        let after = match command {
            KeyCommand::Export(command) => &mut command.common,
            KeyCommand::ExportRelatedSecrets(command) => &mut command.common,
            KeyCommand::Import(command) => &mut command.common,
            KeyCommand::ChangePassphrase(command) => &mut command.common,
            KeyCommand::MigrateToRepokey(command) => &mut command.common,
        };
        std::mem::take(after).over(before)
    }
}
