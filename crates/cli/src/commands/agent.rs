//! `agent`: what stays, and what can be asked of it. Everything that decides is in the crate of that name.

use std::{
    ffi::{OsStr, OsString},
    fs::OpenOptions,
    io::{self, BufRead, Write},
    net::SocketAddr,
    os::{
        fd::OwnedFd,
        unix::{
            ffi::OsStrExt,
            fs::{MetadataExt, OpenOptionsExt},
            net::UnixStream,
        },
    },
    path::{Path, PathBuf},
};

use nanoprobe_agent::{
    CONFIGURATION, Error, STATE,
    clock::{Clock, shown},
    configuration::{self, InUse, in_use, sample},
    notify::Watcher,
    plan,
    resident::{Resident, UNUSABLE},
    round::{Finished, Round},
    state::{
        self,
        requests::{self, Heard},
    },
    status::Status,
    web::Web,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    low_level::pipe,
};

use super::Context;
use crate::{
    Failure,
    arguments::{Agent, AgentCommand, AgentDirectory, AgentFile, AgentPlaces, AgentRunNow, AgentStatus, AgentWeb},
    signals,
};

pub(super) fn run(arguments: &Agent, context: &Context<'_>) -> Result<(), Failure> {
    let AgentPlaces { file, directory } = &arguments.places;
    if arguments.command.is_some() && (file.config.is_some() || directory.state.is_some()) {
        return Err(Failure::command("--config and --state stand behind the subcommand"));
    }
    match &arguments.command {
        // What it may be called with was met before (`who_stays`).
        None => Err(Failure::command("the agent takes --config and --state alone: limits stand in the configuration")),
        Some(AgentCommand::Init(init)) => write_configuration(&configuration_path(&init.file)),
        Some(AgentCommand::Check(check)) => check_configuration(&configuration_path(&check.file), context),
        Some(AgentCommand::Status(status)) => show_status(status),
        Some(AgentCommand::RunNow(now)) => run_now(now),
        Some(AgentCommand::SetClock(set)) => super::set_clock::run(set),
        Some(AgentCommand::Update(update)) => super::update::run(update, context),
        Some(AgentCommand::RunDue(due)) => {
            // cron tells of those that fail, and comes again before anything changed.
            match round(&due.places, clock(due.at.as_deref())?, false, "")? {
                Ok(finished) => code(finished.level as u8),
                // cron comes again while a long one is at work.
                Err(error @ Error::AtWork(_)) => {
                    context.log.info(error.to_string());
                    Ok(())
                }
                Err(error) => Err(failure(&error, UNKNOWN, context)),
            }
        }
        Some(AgentCommand::Web(web)) => serve(web),
        Some(AgentCommand::Round(arguments)) => {
            let clock = Clock::system();
            let finished = round(&arguments.places, clock.clone(), arguments.alarm, "status ")?;
            let finished = finished.map_err(|error| failure(&error, UNUSABLE, context))?;
            say(&format!("idle sleeps until {}", shown(finished.wake, clock.zone())))?;
            say(&format!("wake {}", finished.wake))
        }
    }
}

/// A process that stays, with what was typed behind its name.
#[derive(Debug)]
pub(crate) enum Stays {
    /// `agent`
    Agent(Vec<OsString>),
    /// `agent web`
    Web(Vec<OsString>),
}

/// Who stays, when these words are about that alone: it must not pay, for as long as the machine runs, for what the command line
/// and the self-tests leave in memory. `None` leaves them to the parser.
pub(crate) fn who_stays(words: &[OsString]) -> Option<Stays> {
    let rest = words.strip_prefix(&[OsString::from("agent")])?;
    let (stays, known, rest): (fn(Vec<OsString>) -> Stays, &[&str], _) =
        match rest.strip_prefix(&[OsString::from("web")]) {
            Some(rest) => (Stays::Web, &["--config", "--state", "--listen"], rest),
            None => (Stays::Agent, &["--config", "--state"], rest),
        };
    let mut options = rest.iter();
    while let Some(option) = options.next() {
        let option = option.to_str()?;
        let (name, is_whole) = match option.split_once('=') {
            Some((name, _)) => (name, true),
            None => (option, options.next().is_some()),
        };
        if !known.contains(&name) || !is_whole {
            return None;
        }
    }
    let is_address = |word: &OsStr| word.to_str().is_some_and(|text| text.parse::<SocketAddr>().is_ok());
    typed(rest, "--listen").is_none_or(is_address).then(|| stays(rest.to_vec()))
}

/// The value of an option among such words.
fn typed<'w>(words: &'w [OsString], option: &str) -> Option<&'w OsStr> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let joined = word.as_bytes().iter().position(|&byte| byte == b'=').map(|place| word.as_bytes().split_at(place));
        let (name, value) = match joined {
            Some((name, value)) => (name, OsStr::from_bytes(&value[1..])),
            None => (word.as_bytes(), words.next()?.as_os_str()),
        };
        if name == option.as_bytes() {
            return Some(value);
        }
    }
    None
}

/// Stays until it is stopped; gives the exit code.
pub(crate) fn stay(stays: Stays) -> u8 {
    let code = match stays {
        Stays::Agent(words) => resident(words).map_err(|error| error.to_string()),
        Stays::Web(words) => page(&words).map_err(|error| error.to_string()),
    };
    code.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "nanoprobe agent: {error}");
        2
    })
}

fn resident(words: Vec<OsString>) -> io::Result<u8> {
    let resident = Resident {
        program: std::env::current_exe()?,
        state: typed(&words, "--state").map_or(STATE.into(), PathBuf::from),
        arguments: ["agent".into(), "round".into()].into_iter().chain(words).collect(),
        reload: bell(&[SIGHUP])?,
        stop: bell(&[SIGTERM, SIGINT])?,
        watcher: Watcher::new(
            std::env::var_os("NOTIFY_SOCKET").as_deref(),
            std::env::var_os("WATCHDOG_USEC").as_deref(),
        ),
    };
    resident.run(&mut |line| drop(say(line)))
}

fn page(words: &[OsString]) -> Result<u8, Error> {
    let web = Web {
        program: std::env::current_exe()?,
        configuration: typed(words, "--config").map_or(CONFIGURATION.into(), PathBuf::from),
        state: typed(words, "--state").map_or(STATE.into(), PathBuf::from),
        listen: typed(words, "--listen").and_then(|word| word.to_str()?.parse().ok()),
        clock: Clock::system(),
        stop: bell(&[SIGTERM, SIGINT])?,
    };
    web.run(&mut |line| drop(say(line)))?;
    Ok(0)
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

pub(super) fn say(line: &str) -> Result<(), Failure> {
    let mut output = io::stdout();
    Ok(writeln!(output, "{line}").and_then(|()| output.flush())?)
}

fn places(places: &AgentPlaces) -> (PathBuf, PathBuf) {
    (configuration_path(&places.file), state_path(&places.directory))
}

pub(super) fn state_path(typed: &AgentDirectory) -> PathBuf {
    typed.state.clone().unwrap_or_else(|| STATE.into())
}

fn configuration_path(typed: &AgentFile) -> PathBuf {
    typed.config.clone().unwrap_or_else(|| CONFIGURATION.into())
}

fn clock(typed: Option<&str>) -> Result<Clock, Failure> {
    let wrong = |text| Failure::command(format_args!("--at {text}: a time such as 2026-11-25T03:00 is expected"));
    typed.map_or_else(|| Ok(Clock::system()), |text| Clock::typed(text).ok_or_else(|| wrong(text)))
}

fn round(typed: &AgentPlaces, clock: Clock, alarm: bool, before: &str) -> Result<Result<Finished, Error>, Failure> {
    let (configuration, state) = places(typed);
    signals::stoppable();
    let round =
        Round { program: std::env::current_exe()?, configuration, state, clock, stop: signals::waker()?, alarm };
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
    let InUse { configuration, problems, .. } =
        in_use(&path, &state::last_good(&directory)).map_err(|error| unknown(&error))?;
    let trouble = (!problems.is_empty()).then(|| Error::Configuration { problems }.to_string());
    let status = Status::new(&configuration, &state, clock.now(), clock.zone(), trouble);
    match arguments.json {
        true => say(&format!("{:#}", status.json()))?,
        false => say(status.text().trim_end())?,
    }
    code(status.level() as u8)
}

fn run_now(arguments: &AgentRunNow) -> Result<(), Failure> {
    let (path, directory) = places(&arguments.places);
    let InUse { configuration, .. } = in_use(&path, &state::last_good(&directory)).map_err(Failure::error)?;
    let wanted = arguments.job.join(" ");
    let jobs: Vec<String> =
        plan::jobs(&configuration).iter().filter(|job| job.schedule().is_some()).map(plan::Job::name).collect();
    if !jobs.contains(&wanted) {
        return Err(Failure::error(format_args!(
            "{wanted}: no job that can be asked for; there are: {}",
            jobs.join(", ")
        )));
    }
    match requests::ask(&directory, &wanted).map_err(Failure::error)? {
        Heard::AtOnce => say(&format!("{wanted}: the agent looks at it now")),
        Heard::Later => say(&format!("{wanted}: no agent stays here; the next agent run-due looks at it")),
    }
}

/// With options that the early way does not know, such as those of the log.
fn serve(arguments: &AgentWeb) -> Result<(), Failure> {
    let (configuration, state) = places(&arguments.places);
    signals::stoppable();
    let (program, stop) = (std::env::current_exe()?, signals::waker()?);
    let web = Web { program, configuration, state, listen: arguments.listen, clock: Clock::system(), stop };
    web.run(&mut |line| drop(say(line))).map_err(Failure::error)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn only_what_stays_is_entered_early() {
        let is_agent = |line| matches!(who_stays(&words(line)), Some(Stays::Agent(_)));
        let is_page = |line| matches!(who_stays(&words(line)), Some(Stays::Web(_)));
        for line in ["agent", "agent --config /c --state=/s"] {
            assert!(is_agent(line), "{line}");
        }
        for line in
            ["agent web", "agent web --listen 127.0.0.1:80 --config=/c", "agent web --state /s --listen=[::1]:8475"]
        {
            assert!(is_page(line), "{line}");
        }
        for line in [
            "create",
            "agent status",
            "agent --listen 127.0.0.1:80",
            "agent --config",
            "agent --config /c web",
            "agent web --listen box:80",
            "agent web --log-json",
            "agent web web",
        ] {
            assert!(who_stays(&words(line)).is_none(), "{line}");
        }
        assert_eq!(typed(&words("--config /c --state=/a=b"), "--state"), Some(OsStr::new("/a=b")));
        assert_eq!(typed(&words("--config --state --state /s"), "--state"), Some(OsStr::new("/s")));
        assert_eq!(typed(&words("--config /c"), "--state"), None);
    }
}
