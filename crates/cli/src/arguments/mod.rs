//! What was typed. Nothing here opens a file, reads the environment or decides anything: that is the commands' part.
//!
//! Common options may stand before and after the command, as Borg takes them: both places have their own copy, and
//! [`CommonOptions::over`] joins them. Long options may be abbreviated; an option given twice counts as typed last, except
//! those that Borg wants only once.

mod agent;
mod attributes;
mod benchmark;
mod break_lock;
mod check;
mod common;
mod compact;
mod completions;
mod config;
mod cpu;
mod create;
mod debug;
mod delete;
mod diff;
mod export_tar;
mod extract;
mod filters;
mod help;
mod import_tar;
mod info;
mod init;
mod key;
mod list;
mod patterns;
mod prune;
mod quickstart;
mod recreate;
mod rename;
mod serve;
mod upgrade;
mod values;
mod version;
mod with_lock;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use self::{
    agent::{
        Agent, AgentCommand, AgentDirectory, AgentFile, AgentPlaces, AgentRunNow, AgentSetClock, AgentStatus,
        AgentUpdate, AgentWeb,
    },
    attributes::AttributeFlags,
    benchmark::{Benchmark, BenchmarkCommand, BenchmarkCrud},
    break_lock::BreakLock,
    check::Check,
    common::{CommonOptions, Verbosity},
    compact::Compact,
    completions::{CompletionShell, Completions},
    config::Config,
    cpu::Cpu,
    create::{ArchiveOptions, Create},
    debug::{
        Debug, DebugArchive, DebugArchiveToPath, DebugCommand, DebugDumpObjects, DebugIds, DebugObject, DebugPath,
        DebugSearch,
    },
    delete::Delete,
    diff::Diff,
    export_tar::ExportTar,
    extract::Extract,
    filters::ArchiveFilters,
    help::Help,
    import_tar::ImportTar,
    info::Info,
    init::{Encryption, Init},
    key::{Key, KeyChangePassphrase, KeyCommand, KeyExport, KeyExportRelatedSecrets, KeyImport, KeyMigrateToRepokey},
    list::List,
    patterns::{PatternOption, PatternOptions},
    prune::Prune,
    quickstart::Quickstart,
    recreate::Recreate,
    rename::Rename,
    serve::Serve,
    upgrade::Upgrade,
    values::{bytes, memory},
    version::Version,
    with_lock::WithLock,
};

/// Backs up into BorgBackup 1.4 repositories: encrypted, deduplicated, in bounded memory
#[derive(Debug, Parser)]
#[command(
    args_override_self = true,
    infer_long_args = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    subcommand_value_name = "command",
    max_term_width = 100
)]
pub(crate) struct Arguments {
    /// Show the version and exit
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}

/// The commands that are built, and the names of those that are not.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(Box<Init>),
    Create(Box<Create>),
    List(Box<List>),
    Info(Box<Info>),
    Extract(Box<Extract>),
    Check(Box<Check>),
    Diff(Box<Diff>),
    Delete(Box<Delete>),
    ExportTar(Box<ExportTar>),
    Compact(Box<Compact>),
    Prune(Box<Prune>),
    Rename(Box<Rename>),
    Config(Box<Config>),
    Recreate(Box<Recreate>),
    ImportTar(Box<ImportTar>),
    BreakLock(Box<BreakLock>),
    Key(Box<Key>),
    WithLock(Box<WithLock>),
    Serve(Box<Serve>),
    Upgrade(Box<Upgrade>),
    Benchmark(Box<Benchmark>),
    Cpu(Box<Cpu>),
    Completions(Box<Completions>),
    Debug(Box<Debug>),
    Version(Box<Version>),
    Quickstart(Box<Quickstart>),
    Agent(Box<Agent>),
    Help(Box<Help>),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// Borg's commands that end with a clear message for now.
pub(crate) const NOT_BUILT: &[&str] = &["borgfs", "mount", "umount"];

impl Command {
    /// The common options typed after the command.
    pub(crate) fn common(&mut self) -> CommonOptions {
        std::mem::take(match self {
            Self::Init(command) => &mut command.common,
            Self::Create(command) => &mut command.common,
            Self::List(command) => &mut command.common,
            Self::Info(command) => &mut command.common,
            Self::Extract(command) => &mut command.common,
            Self::Check(command) => &mut command.common,
            Self::Diff(command) => &mut command.common,
            Self::Delete(command) => &mut command.common,
            Self::ExportTar(command) => &mut command.common,
            Self::Compact(command) => &mut command.common,
            Self::Prune(command) => &mut command.common,
            Self::Rename(command) => &mut command.common,
            Self::Config(command) => &mut command.common,
            Self::Recreate(command) => &mut command.common,
            Self::ImportTar(command) => &mut command.common,
            Self::BreakLock(command) => &mut command.common,
            Self::Key(command) => return command.common(),
            Self::WithLock(command) => &mut command.common,
            Self::Serve(command) => &mut command.common,
            Self::Upgrade(command) => &mut command.common,
            Self::Benchmark(command) => return command.common(),
            Self::Cpu(command) => &mut command.common,
            Self::Completions(command) => &mut command.common,
            Self::Debug(command) => return command.common(),
            Self::Version(command) => &mut command.common,
            Self::Quickstart(command) => &mut command.common,
            Self::Agent(command) => return command.common(),
            Self::Help(command) => &mut command.common,
            Self::Other(_) => return CommonOptions::default(),
        })
    }

    /// Whether Borg lets this command leave the repository unlocked (`--bypass-lock`).
    pub(crate) fn may_bypass_lock(&self) -> bool {
        matches!(
            self,
            Self::List(_) | Self::Info(_) | Self::Extract(_) | Self::Check(_) | Self::Diff(_) | Self::ExportTar(_)
        )
    }
}

/// Reads the command line; `name` is how the program was called.
pub(crate) fn parse(name: &'static str, words: &[OsString]) -> Result<Arguments, clap::Error> {
    let command = definition(name);
    let words = std::iter::once(OsString::from(name)).chain(words.iter().cloned());
    let arguments = Arguments::from_arg_matches(&command.try_get_matches_from(words)?)?;
    let both = match &arguments.command {
        Some(Command::Create(create)) => create.stats && create.quick_stats,
        Some(Command::Delete(delete)) => delete.stats && delete.quick_stats,
        Some(Command::Prune(prune)) => prune.stats && prune.quick_stats,
        Some(Command::ImportTar(import)) => import.stats && import.quick_stats,
        _ => false,
    };
    match both {
        true => Err(usage_error("--stats and --quick-stats are mutually exclusive.")),
        false => Ok(arguments),
    }
}

/// The whole definition, for help texts.
pub(crate) fn definition(name: &'static str) -> clap::Command {
    Arguments::command().name(name).bin_name(name)
}

/// Prints the help of a command that has subcommands and was called without.
pub(crate) fn print_help(name: &'static str, command: &str) -> Result<(), crate::Failure> {
    let mut definition = definition(name);
    definition.build();
    let help = definition.find_subcommand_mut(command).map(|command| command.render_help().to_string());
    Ok(std::io::Write::write_all(&mut std::io::stdout(), help.unwrap_or_default().as_bytes())?)
}

/// A usage error in Borg's manner: exit code 2.
pub(crate) fn usage_error(message: impl std::fmt::Display) -> clap::Error {
    clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{message}\n"))
}

/// Borg's "Highlander" options: at most once, whatever their value.
pub(crate) fn only_one<T>(name: &str, mut values: Vec<T>) -> Result<Option<T>, clap::Error> {
    match values.len() {
        0 | 1 => Ok(values.pop()),
        _ => Err(usage_error(format_args!("argument {name}: There can be only one."))),
    }
}

#[cfg(test)]
mod tests;
