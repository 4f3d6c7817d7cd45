//! `agent`: what stays, and what can be asked of it. Everything that decides is in the crate of that name.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io::{self, BufRead, Write},
    os::{
        fd::OwnedFd,
        unix::{
            fs::{MetadataExt, OpenOptionsExt},
            net::UnixStream,
        },
    },
    path::{Path, PathBuf},
};

use nanoprobe_agent::{
    CONFIGURATION, Error, STATE,
    clock::{Clock, shown},
    configuration::{self, sample},
    notify::Watcher,
    resident::{Resident, UNUSABLE},
    round::{Finished, Round},
    state,
    status::Status,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    low_level::pipe,
};

use super::Context;
use crate::{
    Failure,
    arguments::{Agent, AgentCommand, AgentPlaces, AgentStatus},
    signals,
};

pub(super) fn run(arguments: &Agent, context: &Context<'_>) -> Result<(), Failure> {
    let AgentPlaces { config, state } = &arguments.places;
    if arguments.command.is_some() && (config.is_some() || state.is_some()) {
        return Err(Failure::command("--config and --state stand behind the subcommand"));
    }
    match &arguments.command {
        // What it may be called with was met before (`words_of_resident`).
        None => Err(Failure::command("the agent takes --config and --state alone: limits stand in the configuration")),
        Some(AgentCommand::Init(init)) => write_configuration(&configuration_path(&init.config)),
        Some(AgentCommand::Check(check)) => check_configuration(&configuration_path(&check.config), context),
        Some(AgentCommand::Status(status)) => show_status(status),
        Some(AgentCommand::RunDue(due)) => {
            match round(&due.places, clock(due.at.as_deref())?, "")? {
                Ok(finished) => code(finished.level as u8),
                // cron comes again while a long one is at work.
                Err(error @ Error::AtWork(_)) => {
                    context.log.info(error.to_string());
                    Ok(())
                }
                Err(error) => Err(failure(&error, UNKNOWN, context)),
            }
        }
        Some(AgentCommand::Round(arguments)) => {
            let clock = Clock::system();
            let finished = round(&arguments.places, clock.clone(), "status ")?;
            let finished = finished.map_err(|error| failure(&error, UNUSABLE, context))?;
            say(&format!("idle sleeps until {}", shown(finished.wake, clock.zone())))?;
            say(&format!("wake {}", finished.wake))
        }
    }
}

/// The words behind `agent` when they are all about the process that stays: it must not pay, for as long as the machine runs,
/// for what the command line and the self-tests leave in memory. `None` leaves them to the parser.
pub(crate) fn words_of_resident(words: &[OsString]) -> Option<Vec<OsString>> {
    let (first, rest) = words.split_first()?;
    let mut options = rest.iter();
    while let Some(option) = options.next() {
        let option = option.to_str()?;
        let is_joined = ["--config=", "--state="].iter().any(|start| option.starts_with(start));
        let is_whole = is_joined || (["--config", "--state"].contains(&option) && options.next().is_some());
        if !is_whole {
            return None;
        }
    }
    (first == "agent").then(|| rest.to_vec())
}

/// Stays until it is stopped; gives the exit code.
pub(crate) fn resident(places: Vec<OsString>) -> u8 {
    let stay = || -> io::Result<u8> {
        let resident = Resident {
            program: std::env::current_exe()?,
            arguments: ["agent".into(), "round".into()].into_iter().chain(places).collect(),
            reload: bell(&[SIGHUP])?,
            stop: bell(&[SIGTERM, SIGINT])?,
            watcher: Watcher::new(
                std::env::var_os("NOTIFY_SOCKET").as_deref(),
                std::env::var_os("WATCHDOG_USEC").as_deref(),
            ),
        };
        resident.run(&mut |line| drop(say(line)))
    };
    stay().unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "nanoprobe agent: {error}");
        2
    })
}

/// A stream that becomes readable when one of these signals comes.
fn bell(signals: &[i32]) -> io::Result<OwnedFd> {
    let (bell, rope) = UnixStream::pair()?;
    for &signal in signals {
        pipe::register(signal, rope.try_clone()?)?;
    }
    Ok(bell.into())
}

fn code(code: u8) -> Result<(), Failure> {
    if code == 0 { Ok(()) } else { Err(Failure::silent(code)) }
}

fn say(line: &str) -> Result<(), Failure> {
    let mut output = io::stdout();
    Ok(writeln!(output, "{line}").and_then(|()| output.flush())?)
}

fn places(places: &AgentPlaces) -> (PathBuf, PathBuf) {
    (configuration_path(&places.config), places.state.clone().unwrap_or_else(|| STATE.into()))
}

fn configuration_path(typed: &Option<PathBuf>) -> PathBuf {
    typed.clone().unwrap_or_else(|| CONFIGURATION.into())
}

fn clock(typed: Option<&str>) -> Result<Clock, Failure> {
    let wrong = |text| Failure::command(format_args!("--at {text}: a time such as 2026-11-25T03:00 is expected"));
    typed.map_or_else(|| Ok(Clock::system()), |text| Clock::typed(text).ok_or_else(|| wrong(text)))
}

fn round(typed: &AgentPlaces, clock: Clock, before: &str) -> Result<Result<Finished, Error>, Failure> {
    let (configuration, state) = places(typed);
    signals::stoppable();
    let round = Round { program: std::env::current_exe()?, configuration, state, clock, stop: signals::waker()? };
    Ok(round.run(&mut |text| {
        for line in text.lines() {
            // Who listened is gone; what is to be done is done all the same.
            let _ = say(&format!("{before}{line}"));
        }
    }))
}

/// A configuration that cannot be used has an exit code of its own.
fn failure(error: &Error, unusable: u8, context: &Context<'_>) -> Failure {
    match error {
        Error::Configuration { .. } => {
            context.log.error(error.to_string(), None);
            Failure::silent(unusable)
        }
        error => Failure::error(error),
    }
}

fn check_configuration(path: &Path, context: &Context<'_>) -> Result<(), Failure> {
    match configuration::load(path) {
        Ok((configuration, _)) => {
            let mode = std::fs::metadata(path)?.mode();
            if configuration.holds_secrets() && mode & 0o077 != 0 {
                let told = "others can read it, and it holds secret addresses: chmod 600";
                context.log.warning(format!("{}: {told}", path.display()), None);
                context.status.warn(1);
            }
            say(&format!("{}: no mistakes", path.display()))
        }
        Err(problems) => {
            for problem in problems {
                context.log.error(problem.to_string(), None);
            }
            Err(Failure::silent(2))
        }
    }
}

/// Monitoring takes this for "it cannot be said".
const UNKNOWN: u8 = 3;

fn show_status(arguments: &AgentStatus) -> Result<(), Failure> {
    let (path, directory) = places(&arguments.places);
    let clock = clock(arguments.at.as_deref())?;
    let unknown = |error: &dyn std::fmt::Display| {
        let _ = say(&format!("UNKNOWN\n  {error}"));
        Failure::silent(UNKNOWN)
    };
    let state = state::peek(&directory).map_err(|error| unknown(&error))?;
    // The file may have a mistake: then the last good one is what the agent goes by.
    let (configuration, trouble) = match configuration::load(&path) {
        Ok((configuration, _)) => (configuration, None),
        Err(problems) => {
            let error = Error::Configuration { problems };
            match configuration::load(&state::last_good(&directory)) {
                Ok((configuration, _)) => (configuration, Some(error.to_string())),
                Err(_) => return Err(unknown(&error)),
            }
        }
    };
    let status = Status::new(&configuration, &state, clock.now(), clock.zone(), trouble);
    match arguments.json {
        true => say(&format!("{:#}", status.json()))?,
        false => say(status.text().trim_end())?,
    }
    code(status.level() as u8)
}

fn write_configuration(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::error(format_args!("{} is there already", path.display())));
    }
    let answers = sample::Answers {
        location: ask("Repository (a path, or ssh://user@host/path)", None)?,
        passphrase_file: Some(ask("File with its passphrase (- for none)", Some("/etc/nanoprobe/passphrase"))?)
            .filter(|answer| answer != "-"),
        sources: ask("What to back up (absolute paths, with spaces between)", Some("/home /etc"))?
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        schedule: ask("When (hourly 15, daily 02:30, weekly sunday 03:00, monthly 1 04:00)", Some("daily 02:30"))?,
        ping: Some(ask("Address to ping, as healthchecks gives it (- for none)", Some("-"))?)
            .filter(|answer| answer != "-"),
    };
    let text = sample::text(&answers);
    if let Err(problems) = configuration::parse("answers", &text) {
        let reasons: Vec<String> = problems.into_iter().map(|problem| problem.reason).collect();
        return Err(Failure::error(reasons.join("\n")));
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))?;
    say(&format!(
        "{} is written; everything else that there is stands in it behind a #.\nThe repository has to be there: \
         nanoprobe init --encryption auto REPOSITORY\nThen: nanoprobe agent check, and nanoprobe agent run-due for a first backup.",
        path.display()
    ))
}

fn ask(question: &str, usual: Option<&str>) -> Result<String, Failure> {
    let mut output = io::stdout();
    match usual {
        Some(usual) => write!(output, "{question} [{usual}]: ")?,
        None => write!(output, "{question}: ")?,
    }
    output.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match (answer.trim(), usual) {
        ("", Some(usual)) => Ok(usual.to_owned()),
        ("", None) => Err(Failure::error("there is nothing to go by")),
        (answer, _) => Ok(answer.to_owned()),
    }
}
