//! `agent`

use std::{net::SocketAddr, path::PathBuf};

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
    RunNow(AgentRunNow),
    SetClock(AgentSetClock),
    Status(AgentStatus),
    Update(AgentUpdate),
    Web(AgentWeb),
    #[command(hide = true)]
    Round(AgentRound),
}

/// Where the configuration is.
#[derive(Args, Debug)]
pub(crate) struct AgentFile {
    /// The configuration [default: /etc/nanoprobe/config.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Where the state is.
#[derive(Args, Debug)]
pub(crate) struct AgentDirectory {
    /// The directory that remembers what was done [default: /var/lib/nanoprobe]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) state: Option<PathBuf>,
}

/// Where configuration and state are.
#[derive(Args, Debug)]
pub(crate) struct AgentPlaces {
    #[command(flatten)]
    pub(crate) file: AgentFile,
    #[command(flatten)]
    pub(crate) directory: AgentDirectory,
}

/// Write a commented configuration, asking for what it cannot know
#[derive(Args, Debug)]
pub(crate) struct AgentInit {
    #[command(flatten)]
    pub(crate) file: AgentFile,
    #[command(flatten)]
    common: CommonOptions,
}

/// Name every mistake in the configuration, as file:line: reason; exit code 2 when there is one, 1 when others can read it
/// and it holds secrets
#[derive(Args, Debug)]
pub(crate) struct AgentCheck {
    #[command(flatten)]
    pub(crate) file: AgentFile,
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

/// Have a job run at once, whatever its schedule and the window say
///
/// The agent that stays wakes up for it; without one, the next `agent run-due` runs it. What holds a job back (no mains, a disk
/// that fails, a mount that is missing) still does.
#[derive(Args, Debug)]
pub(crate) struct AgentRunNow {
    /// The job, as `agent status` calls it: backup NAME, check NAME, drill NAME
    #[arg(required = true, value_name = "JOB")]
    pub(crate) job: Vec<String>,
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

/// Set this machine's clock by time servers, where nothing else does
///
/// Most of the servers that answer have to agree, and a time before one that this machine has already seen is never taken. A clock
/// that is right within half a second is left alone.
#[derive(Args, Debug)]
pub(crate) struct AgentSetClock {
    /// Servers to ask, HOST or HOST:PORT [default: 0.pool.ntp.org to 3.pool.ntp.org]
    #[arg(value_name = "SERVER")]
    pub(crate) servers: Vec<String>,
    #[command(flatten)]
    pub(crate) directory: AgentDirectory,
    #[command(flatten)]
    common: CommonOptions,
}

/// Put a new version of the whole system beside the one that runs, on a box that was started from an image
///
/// SOURCE is a file, `-`, or an address. What it brings is written to the root that does not run, read back, and tried at the
/// next start; when it does not come up, the box goes on with what runs now. It has to be signed by whoever made the image. Without
/// SOURCE, both versions are shown. Exit code 1: there was nothing new; 75: a job runs, try again later.
#[derive(Args, Debug)]
pub(crate) struct AgentUpdate {
    /// Where the update is
    #[arg(value_name = "SOURCE", conflicts_with = "keep")]
    pub(crate) source: Option<String>,
    /// Take it although it is older than what runs, or did not come up before
    #[arg(long, requires = "source")]
    pub(crate) anyway: bool,
    /// The version that runs has come up: start with it from now on
    #[arg(long)]
    pub(crate) keep: bool,
    /// Public key of minisign that has to have signed it [default: /etc/nanoprobe.pub]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) directory: AgentDirectory,
    #[command(flatten)]
    common: CommonOptions,
}

/// Serve a page for browsers: jobs, history, plots, archives and their files; run now
///
/// It is off unless the configuration has a section [web], and listens to this machine alone unless told otherwise. It asks for
/// the token in the file that token_file names, which is made when it is missing. Programs send `Authorization: Bearer TOKEN`.
#[derive(Args, Debug)]
pub(crate) struct AgentWeb {
    /// Listen there instead of where the configuration says
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) places: AgentPlaces,
    #[command(flatten)]
    common: CommonOptions,
}

/// What the agent starts when something is due
#[derive(Args, Debug)]
pub(crate) struct AgentRound {
    /// Tell those who are told of reports, too, when the state cannot be written
    #[arg(long)]
    pub(crate) alarm: bool,
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
            AgentCommand::RunNow(command) => &mut command.common,
            AgentCommand::Status(command) => &mut command.common,
            AgentCommand::SetClock(command) => &mut command.common,
            AgentCommand::Update(command) => &mut command.common,
            AgentCommand::Web(command) => &mut command.common,
            AgentCommand::Round(command) => &mut command.common,
        };
        std::mem::take(after).over(before)
    }
}
