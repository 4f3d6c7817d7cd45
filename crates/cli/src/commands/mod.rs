//! What each command does with what was typed: one file a command.

mod agent;
mod benchmark;
mod break_lock;
mod check;
mod compact;
mod completions;
mod config;
mod context;
mod cpu;
mod create;
mod debug;
mod delete;
mod deletion;
mod describe;
mod diff;
mod export_tar;
mod extract;
mod files;
mod help;
mod import_tar;
mod info;
mod init;
mod key;
mod list;
mod prune;
mod quickstart;
mod recreate;
mod remote;
mod rename;
mod selection;
mod serve;
mod set_clock;
mod tar_stream;
mod timestamp;
mod transport;
mod update;
mod upgrade;
mod version;
mod with_lock;

pub(crate) use agent::{stay, who_stays};
pub(crate) use context::Context;

use crate::{Failure, arguments::Command};

/// Runs one command to its end.
pub(crate) fn run(command: &mut Command, context: &Context<'_>) -> Result<(), Failure> {
    match command {
        Command::Init(arguments) => init::run(arguments, context),
        Command::Create(arguments) => create::run(arguments, context),
        Command::List(arguments) => list::run(arguments, context),
        Command::Info(arguments) => info::run(arguments, context),
        Command::Extract(arguments) => extract::run(arguments, context),
        Command::Check(arguments) => check::run(arguments, context),
        Command::Diff(arguments) => diff::run(arguments, context),
        Command::Delete(arguments) => delete::run(arguments, context),
        Command::ExportTar(arguments) => export_tar::run(arguments, context),
        Command::Config(arguments) => config::run(arguments, context),
        Command::Compact(arguments) => compact::run(arguments, context),
        Command::Prune(arguments) => prune::run(arguments, context),
        Command::Rename(arguments) => rename::run(arguments, context),
        Command::Recreate(arguments) => recreate::run(arguments, context),
        Command::ImportTar(arguments) => import_tar::run(arguments, context),
        Command::BreakLock(arguments) => break_lock::run(arguments, context),
        Command::Key(arguments) => key::run(arguments, context),
        Command::Upgrade(arguments) => upgrade::run(arguments, context),
        Command::Benchmark(arguments) => benchmark::run(arguments, context),
        Command::Cpu(arguments) => cpu::run(arguments, context),
        Command::Completions(arguments) => completions::run(arguments),
        Command::WithLock(arguments) => with_lock::run(arguments, context),
        Command::Serve(arguments) => serve::run(arguments, context),
        Command::Debug(arguments) => debug::run(arguments, context),
        Command::Version(arguments) => version::run(arguments, context),
        Command::Quickstart(arguments) => quickstart::run(arguments),
        Command::Agent(arguments) => agent::run(arguments, context),
        Command::Help(arguments) => help::run(arguments, context),
        Command::Other(_) => Ok(()),
    }
}
