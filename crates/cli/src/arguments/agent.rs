//! `agent`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::CommonOptions;

/// Back up by itself, night after night, as one file says
///
/// Without a subcommand it stays, sleeps until something is due, and runs backups, prunes, compactions, checks in slices and
/// restore drills as commands of this program, one at a time. SIGHUP makes it read the configuration at once; one with a
/// mistake is reported by file and line, and the last good one stays in use. With cron, let `agent run-due` run every few
/// minutes instead.
#[derive(Args, Debug)]
pub(crate) struct Agent {
    #[command(subcommand)]
    pub(crate) command: Option<AgentCommand>,
    #[command(flatten)]
    pub(crate) places: AgentPlaces,
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    Init(AgentInit),
    Check(AgentCheck),
    RunDue(AgentRunDue),
    Status(AgentStatus),
    #[command(hide = true)]
    Round(AgentRound),
}

/// Where configuration and state are.
#[derive(Args, Debug)]
pub(crate) struct AgentPlaces {
    /// The configuration [default: /etc/nanoprobe/config.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The directory that remembers what was done [default: /var/lib/nanoprobe]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) state: Option<PathBuf>,
}

/// Write a commented configuration, asking for what it cannot know
#[derive(Args, Debug)]
pub(crate) struct AgentInit {
    /// The configuration [default: /etc/nanoprobe/config.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    common: CommonOptions,
}

/// Name every mistake in the configuration, as file:line: reason; exit code 2 when there is one, 1 when others can read it
/// and it holds secrets
#[derive(Args, Debug)]
pub(crate) struct AgentCheck {
    /// The configuration [default: /etc/nanoprobe/config.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    common: CommonOptions,
}

/// Run what is due now, and end (for cron); the exit code is that of `agent status` afterwards
#[derive(Args, Debug)]
pub(crate) struct AgentRunDue {
    /// Run what would be due at this time (2026-11-25T03:00, local): to try a schedule
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) places: AgentPlaces,
    #[command(flatten)]
    common: CommonOptions,
}

/// Show for each job its last success and try, why it waits, and when it is next
///
/// The exit code is for monitoring: 0, all is well; 1, something should be looked at (a warning, a job that is due and waits
/// for something, a report that could not be delivered, a configuration with a mistake); 2, something failed, never ran, or
/// succeeded too long ago; 3, it cannot be said.
#[derive(Args, Debug)]
pub(crate) struct AgentStatus {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// How it would be at this time if nothing ran until then (2026-11-25T03:00, local)
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) places: AgentPlaces,
    #[command(flatten)]
    common: CommonOptions,
}

/// What the agent starts when something is due
#[derive(Args, Debug)]
pub(crate) struct AgentRound {
    #[command(flatten)]
    pub(crate) places: AgentPlaces,
    #[command(flatten)]
    common: CommonOptions,
}

impl Agent {
    /// The common options typed behind `agent`, in either place.
    pub(super) fn common(&mut self) -> CommonOptions {
        let before = std::mem::take(&mut self.common);
        let Some(command) = &mut self.command else { return before };
        let after = match command {
            AgentCommand::Init(command) => &mut command.common,
            AgentCommand::Check(command) => &mut command.common,
            AgentCommand::RunDue(command) => &mut command.common,
            AgentCommand::Status(command) => &mut command.common,
            AgentCommand::Round(command) => &mut command.common,
        };
        std::mem::take(after).over(before)
    }
}
