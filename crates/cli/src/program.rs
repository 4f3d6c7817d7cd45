//! From the words of the command line to the exit code: parse, set up log and signals, run the command, tell how it ended.

use std::{ffi::OsString, io::Write, os::unix::ffi::OsStrExt, path::Path};

use clap::error::ErrorKind;
use nanoprobe_chunker::BuzhashForm;
use nanoprobe_cpu::{Features, Form, FormVisitor};

use crate::{
    Failure,
    arguments::{self, Command, CommonOptions, NOT_BUILT},
    commands::{self, Context},
    environment::Environment,
    log::{self, Format, Level, Log},
    placeholders::BORG_VERSION,
    shell_words, signals,
    status::{Status, classify},
};

/// Runs the program; gives the exit code.
pub(crate) fn run() -> u8 {
    let mut words = std::env::args_os();
    let called = words.next().unwrap_or_default();
    let words: Vec<OsString> = words.collect();
    if let Some(stays) = commands::who_stays(&words) {
        return commands::stay(stays);
    }
    let name = program_name(&called);
    let environment = Environment::of_process();
    // Before anything is parsed: errors of parsing have to be JSON too.
    let format = if words.iter().any(|word| word == "--log-json") { Format::Json } else { Format::Text };
    let parsed = parse(name, &words, format).and_then(|parsed| forced(name, parsed, format, &environment));
    match parsed {
        Ok((mut command, common)) => {
            let outdated: Vec<String> = words.iter().filter_map(outdated).collect();
            run_command(name, &mut command, common, &outdated, &environment)
        }
        Err(code) => code,
    }
}

/// Borg's warning about an option that should no longer be used.
fn outdated(word: &OsString) -> Option<String> {
    let (name, advice) = match word.to_str()?.split('=').next()? {
        name @ "--noatime" => (name, "because it is the default now."),
        name @ "--nobsdflags" => (name, "Use --noflags instead."),
        name @ "--numeric-owner" => (name, "Use --numeric-ids instead."),
        name @ "--remote-ratelimit" => (name, "Use --upload-ratelimit instead."),
        name @ "--remote-buffer" => (name, "Use --upload-buffer instead."),
        name @ "--prefix" => (name, "Use \"--glob-archives 'yourprefix*'\" (-a) instead."),
        "--sort" => return Some("Warning: \"--sort\" is deprecated. Use \"--sort-by=path\" instead.".to_owned()),
        _ => return None,
    };
    let dot = if advice.starts_with("because") { "" } else { "." };
    Some(format!("Warning: \"{name}\" has been deprecated{dot} {advice}"))
}

/// The name the program shows: `borg` when it was called so.
fn program_name(called: &OsString) -> &'static str {
    let base = Path::new(called).file_name().unwrap_or_default();
    if base.as_bytes().starts_with(b"borg") { "borg" } else { "nanoprobe" }
}

/// What front ends read the second word of.
fn version(name: &str) -> String {
    match name {
        "borg" => format!("borg {BORG_VERSION}"),
        name => format!("{name} {BORG_VERSION} ({})", env!("CARGO_PKG_VERSION")),
    }
}

/// The command with its common options, or the exit code of a run that ends here.
fn parse(name: &'static str, words: &[OsString], format: Format) -> Result<(Command, CommonOptions), u8> {
    let parsed = match arguments::parse(name, words) {
        Ok(parsed) => parsed,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp) => {
            let _ = error.print();
            return Err(0);
        }
        Err(error) => return Err(usage(&error.into(), format)),
    };
    if parsed.version {
        return Err(print(&(version(name) + "\n")));
    }
    let Some(mut command) = parsed.command else {
        return Err(print(&arguments::definition(name).render_help().to_string()));
    };
    let common = command.common().over(parsed.common);
    if common.bypass_lock && !command.may_bypass_lock() {
        let failure = Failure::error("Not allowed to bypass locking mechanism for chosen command");
        return Err(usage(&failure, format));
    }
    if let Command::Other(words) = &command {
        let wanted = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let failure = if NOT_BUILT.contains(&wanted.as_str()) {
            Failure::not_built(format_args!("{name} {wanted}"))
        } else {
            Failure::usage(format!("{name}: error: argument <command>: invalid choice: '{wanted}'\n"))
        };
        return Err(usage(&failure, format));
    }
    Ok((command, common))
}

/// Where sshd runs `serve` instead of what its client asked for, that may choose what is logged and how long to wait, nothing
/// else: whatever else it typed is not looked at.
fn forced(
    name: &'static str,
    (command, common): (Command, CommonOptions),
    format: Format,
    environment: &Environment,
) -> Result<(Command, CommonOptions), u8> {
    let wanted = environment.text("SSH_ORIGINAL_COMMAND").filter(|_| matches!(command, Command::Serve(_)));
    let Some(words) = wanted.and_then(|wanted| shell_words::split(&wanted)) else { return Ok((command, common)) };
    // Variables in front of the program are dropped.
    let words = words.into_iter().skip_while(|word| word.contains('=')).skip(1).map(OsString::from);
    match parse(name, &words.collect::<Vec<_>>(), format)? {
        (Command::Serve(_), of_client) => Ok((command, common.for_client(of_client))),
        _ => Ok((command, common)),
    }
}

fn print(text: &str) -> u8 {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => 0,
        Err(_) => signals::BROKEN_PIPE,
    }
}

/// Tells about an error before the log is set up.
fn usage(failure: &Failure, format: Format) -> u8 {
    let log = Log::new(Level::Error, format);
    report(&log, failure);
    2
}

fn report(log: &Log, failure: &Failure) {
    let message = failure.message.trim_end_matches('\n');
    if !message.is_empty() {
        log.error(message, if failure.is_usage() { None } else { failure.class });
    }
}

/// Takes away what NANOPROBE_CPU_MASK names, before any primitive chooses its implementation, and tells which of them compute
/// wrongly here.
fn processor(environment: &Environment, log: &Log) -> Result<(), Failure> {
    if let Some(mask) = environment.text("NANOPROBE_CPU_MASK") {
        let known = Features::ALL;
        let features = mask.parse::<Features>().map_err(|error| {
            Failure::command(format_args!("NANOPROBE_CPU_MASK: {error}: {mask} (there are {known}, and all)"))
        })?;
        nanoprobe_cpu::withdraw(features);
    }
    let mut warnings = WrongForms(log);
    nanoprobe_crypto::visit_forms(&mut warnings);
    warnings.visit::<BuzhashForm>("buzhash");
    Ok(())
}

struct WrongForms<'log>(&'log Log);

impl FormVisitor for WrongForms<'_> {
    fn visit<F: Form>(&mut self, primitive: &'static str) {
        for form in F::wrong() {
            let name = form.name();
            let warning =
                format!("This machine computes {primitive} wrongly as {name}: another implementation is used.");
            self.0.warning(warning, None);
        }
    }
}

fn run_command(
    name: &'static str,
    command: &mut Command,
    common: CommonOptions,
    outdated: &[String],
    environment: &Environment,
) -> u8 {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(common.umask()));
    // One log a process, also for what repositories hold on to.
    let format = if common.log_json || matches!(command, Command::Serve(_)) { Format::Json } else { Format::Text };
    let log: &'static Log = Box::leak(Box::new(Log::new(common.verbosity(), format)));
    // A defect of this program must not look like a warning, nor like a crash without words.
    std::panic::set_hook(Box::new(move |panic| {
        log.error(format!("Local Exception: {panic}"), Some("Exception"));
        std::process::exit(2);
    }));
    for warning in outdated {
        log.always(Level::Warning, log::PROGRAM, None, warning);
    }
    for warning in environment.unsupported() {
        log.warning(warning, None);
    }
    if let Err(failure) = processor(environment, log) {
        report(log, &failure);
        return failure.exit_code(environment.exit_codes());
    }
    let status = Status::default();
    let codes = environment.exit_codes();
    if common.show_version {
        log.always(Level::Info, "borg.output.show-version", None, format!("borgbackup version {BORG_VERSION}"));
    }
    let show_rc = common.show_rc;
    let context = Context { name, environment, log, status: &status, common };
    let code = match signals::listen().map_err(Failure::from).and_then(|()| commands::run(command, &context)) {
        Ok(()) => status.exit_code(codes),
        Err(failure) => {
            report(log, &failure);
            failure.exit_code(codes)
        }
    };
    if show_rc {
        let class = classify(code);
        let level = match class {
            "success" => Level::Info,
            "warning" => Level::Warning,
            _ => Level::Error,
        };
        let message = format!("terminating with {class} status, rc {code}");
        log.always(level, "borg.output.show-rc", None, message);
    }
    code
}
