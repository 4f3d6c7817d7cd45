//! `create`: what was typed becomes `operations::create::Options`; statistics at the end.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
    time::Duration,
};

use nanoprobe_archive::{ArchiveMetadata, FILES_CACHE_LIFETIME, FeatureOperation, text};
use nanoprobe_operations::{
    Error, Session,
    create::{AttributeOptions, Created, FilesChanged, Options, Sources, Statistics, StdinFile, create, dry_run},
    info::known_totals,
    patterns::PatternMatcher,
};
use nanoprobe_repository::Locking;

use super::{
    Context,
    context::Archive,
    describe::{self, Description},
    selection, timestamp,
};
use crate::{
    Failure,
    arguments::{ArchiveOptions, Create, only_one, usage_error},
    monitor::Listing,
    output::{statistics::ArchiveStatistics, time::Zone},
    placeholders::{host_name, user_name},
    signals::{self, INTERRUPT, Signal},
};

pub(super) fn run(arguments: &Create, context: &Context<'_>) -> Result<(), Failure> {
    let timestamp = arguments.archive.timestamp.as_deref().map(timestamp::parse).transpose()?;
    let location = context.location(&arguments.location, Archive::Required, timestamp)?;
    let rules = selection::rules(&arguments.patterns)?;
    let paths = selection::paths(&rules, &arguments.paths)?;
    let sources = sources(arguments, paths)?;
    let mut matcher = PatternMatcher::new(&rules.rules)?;
    let filter = only_one("--filter", arguments.filter.clone())?;
    let statistics = wanted_statistics(arguments, context);

    context.log.info([b"Creating archive at \"".as_slice(), &location.processed, b"\""].concat());
    let path = Context::local_path(&location).map(std::path::absolute).transpose()?;
    let caches = [context.environment.borg_cache_directory(), context.environment.cache_directory()];
    let caches = caches.into_iter().chain(path).collect();
    let name = Context::archive_name(&location);
    let options = options(arguments, name, timestamp, sources, caches, context)?;

    let listing = if arguments.output_list { Listing::Status(filter) } else { Listing::Off };
    if arguments.dry_run {
        let monitor = context.monitor(listing, None);
        signals::stoppable();
        let done = dry_run(&context.budget()?, &options, &mut matcher, &monitor, &INTERRUPT);
        monitor.finish();
        return Ok(done?);
    }
    let repository = context.repository(&location, Locking::Exclusive)?;
    let mut session = context.session(repository, FeatureOperation::Write)?;
    let expected = context.log.is_terminal().then(|| expected_bytes(&session, &options.name)).flatten();
    let monitor = context.monitor(listing, expected);
    signals::stoppable();
    let outcome = create(&mut session, &options, &mut matcher, &monitor, &INTERRUPT);
    monitor.finish_archive();
    monitor.finish();
    let outcome = outcome.map_err(|error| match (error, signals::received()) {
        // Borg's words for an archive that is left as a checkpoint.
        (Error::Interrupted, Some(Signal::Interrupt)) => Failure::error("Got Ctrl-C / SIGINT."),
        (error, _) => error.into(),
    })?;
    context.log.debug(format!("security: state is saved in {}", session.security.path().display()));
    match statistics {
        Some(wanted) => print(&session, &outcome.archive, &outcome.statistics, wanted, arguments.json, context),
        None => Ok(()),
    }
}

/// How much is told about the new archive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Archive,
    ArchiveAndRepository,
}

fn wanted_statistics(arguments: &Create, context: &Context<'_>) -> Option<Wanted> {
    if arguments.dry_run {
        for (option, given) in [("--stats", arguments.stats), ("--quick-stats", arguments.quick_stats)] {
            if given {
                let message = format!("Ignoring {option}. It is not supported when using --dry-run.");
                context.log.warning(message, None);
            }
        }
        return None;
    }
    match (arguments.quick_stats, arguments.stats || arguments.json) {
        (true, _) => Some(Wanted::Archive),
        (false, true) => Some(Wanted::ArchiveAndRepository),
        (false, false) => None,
    }
}

fn sources(arguments: &Create, paths: Vec<Vec<u8>>) -> Result<Sources, Failure> {
    let error = |text: &str| Err(usage_error(format_args!("{text}")).into());
    let paths: Vec<OsString> = paths.into_iter().map(OsString::from_vec).collect();
    let delimiter = || arguments.paths_delimiter.as_deref().map_or(b"\n".to_vec(), unescape);
    if arguments.paths_from_stdin && !paths.is_empty() {
        return error("Must not pass PATH with --paths-from-stdin.");
    }
    if arguments.content_from_command || arguments.paths_from_command {
        if paths.is_empty() {
            return error("No command given.");
        }
        return Ok(match arguments.content_from_command {
            true => Sources::ContentFromCommand(paths),
            false => Sources::PathsFromCommand { command: paths, delimiter: delimiter() },
        });
    }
    if arguments.paths_from_stdin {
        return Ok(Sources::PathsFromStdin { delimiter: delimiter() });
    }
    if paths.is_empty() {
        return error("Need at least one PATH argument.");
    }
    Ok(Sources::Roots(paths.into_iter().map(PathBuf::from).collect()))
}

fn options(
    arguments: &Create,
    name: String,
    timestamp: Option<i64>,
    sources: Sources,
    skip: Vec<PathBuf>,
    context: &Context<'_>,
) -> Result<Options, Failure> {
    let Create { tags, file_system, .. } = arguments;
    let files_cache = match only_one("--files-cache", file_system.files_cache.clone())? {
        Some(text) => text.parse().map_err(|error| invalid("--files-cache", error))?,
        None => nanoprobe_operations::create::FilesCacheMode::default(),
    };
    let default = StdinFile::default();
    Ok(Options {
        sources,
        one_file_system: file_system.one_file_system,
        exclude_caches: tags.exclude_caches,
        exclude_if_present: tags.exclude_if_present.clone(),
        keep_exclude_tags: tags.keep_exclude_tags,
        exclude_nodump: tags.exclude_nodump,
        read_special: file_system.read_special,
        sparse: file_system.sparse,
        attributes: AttributeOptions {
            numeric_ids: file_system.attributes.numeric_ids,
            atime: file_system.atime,
            ctime: !file_system.noctime,
            flags: !file_system.attributes.noflags,
            acls: !file_system.attributes.noacls,
            xattrs: !file_system.attributes.noxattrs,
        },
        files_cache,
        files_cache_lifetime: lifetime(context)?,
        files_cache_suffix: context.environment.text("BORG_FILES_CACHE_SUFFIX").unwrap_or_default(),
        files_changed: match only_one("--files-changed", file_system.files_changed.clone())?.as_deref() {
            Some("mtime") => FilesChanged::Mtime,
            Some("disabled") => FilesChanged::Disabled,
            _ => FilesChanged::Ctime,
        },
        stdin: StdinFile {
            name: arguments.stdin_name.clone(),
            user: arguments.stdin_user.clone().unwrap_or(default.user),
            group: arguments.stdin_group.clone().unwrap_or(default.group),
            mode: arguments.stdin_mode.unwrap_or(default.mode),
        },
        skip,
        ..archive_options(&arguments.archive, name, timestamp, context)?
    })
}

/// What `create` and `import-tar` have in common.
pub(super) fn archive_options(
    archive: &ArchiveOptions,
    name: String,
    timestamp: Option<i64>,
    context: &Context<'_>,
) -> Result<Options, Failure> {
    let chunker = match only_one("--chunker-params", archive.chunker_params.clone())? {
        Some(text) => text.parse().map_err(|error| invalid("--chunker-params", error))?,
        None => nanoprobe_chunker::Parameters::DEFAULT,
    };
    let compression = archive.compression.parse();
    Ok(Options {
        name,
        comment: text::decode(&context.replace(archive.comment.as_bytes(), timestamp)?),
        timestamp,
        checkpoint_interval: Duration::from_secs(archive.checkpoint_interval),
        chunker,
        compression: compression.map_err(|error: nanoprobe_compress::Error| invalid("-C/--compression", error))?,
        command_line: std::env::args_os().map(|word| text::decode(word.as_bytes())).collect(),
        hostname: host_name(),
        username: user_name(),
        ..Options::default()
    })
}

/// BORG_FILES_CACHE_TTL: for how many runs a file is remembered that is not met.
fn lifetime(context: &Context<'_>) -> Result<u8, Failure> {
    let Some(text) = context.environment.text("BORG_FILES_CACHE_TTL") else { return Ok(FILES_CACHE_LIFETIME) };
    let runs: i64 =
        text.trim().parse().map_err(|_| Failure::error(format_args!("BORG_FILES_CACHE_TTL is no number: {text}")))?;
    Ok(runs.clamp(0, i64::from(u8::MAX)) as u8)
}

fn invalid(option: &str, reason: impl std::fmt::Display) -> Failure {
    usage_error(format_args!("argument {option}: {reason}")).into()
}

/// Plain bytes of the newest archive whose name begins alike: what the time that remains is reckoned from.
fn expected_bytes(session: &Session, name: &str) -> Option<u64> {
    let prefix = name.split(|character: char| character.is_ascii_digit()).next().unwrap_or_default();
    let alike = session.manifest.archives().iter().filter(|entry| entry.name.starts_with(prefix));
    let newest = alike.max_by(|left, right| left.time.cmp(&right.time))?;
    let opener = &mut session.key.opener();
    ArchiveMetadata::open(&*session.repository, &session.key, opener, &newest.id).ok()?.size_bytes
}

pub(super) fn print(
    session: &Session,
    archive: &Created,
    statistics: &Statistics,
    wanted: Wanted,
    json: bool,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let statistics = ArchiveStatistics {
        original_bytes: statistics.original_bytes,
        compressed_bytes: statistics.compressed_bytes,
        deduplicated_bytes: statistics.deduplicated_bytes,
        files: statistics.files,
    };
    let totals = match wanted {
        Wanted::Archive => None,
        Wanted::ArchiveAndRepository => Some(describe::totals(&known_totals(session, &INTERRUPT)?)),
    };
    let (id, zone, key_file) = (session.repository.id(), Zone::local(), describe::key_file(session));
    let repository = describe::repository(session, &id, key_file.as_deref());
    let description = Description::new(&archive.metadata);
    let created = description.created(&archive.id, archive.stored_bytes.into(), statistics);
    if json {
        let cache = session.cache.display().to_string();
        let cache = totals.as_ref().map(|totals| (cache.as_str(), totals));
        return context.print_document(&created.document(&repository, cache, &zone));
    }
    let mut table = Vec::new();
    created.write(&repository, totals.as_ref(), context.units(), &zone, &mut table)?;
    context.print_statistics(&table);
    Ok(())
}

/// Python's escapes in `--paths-delimiter`: `\n`, `\t`, `\0`, `\x00` and the like; anything else stays.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (unescaped, length) = match (byte, after) {
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            (b'\\', [b'x', high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low].map(|digit| (digit as char).to_digit(16).unwrap_or(0) as u8);
                (digits[0] << 4 | digits[1], 4)
            }
            (b'\\', [b'0'..=b'7', ..]) => {
                let digits = after.iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit));
                let count = digits.clone().count();
                (digits.fold(0_u8, |value, digit| value.wrapping_mul(8).wrapping_add(digit - b'0')), 1 + count)
            }
            _ => (byte, 1),
        };
        bytes.push(unescaped);
        rest = &rest[length..];
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn delimiters() {
        for (text, bytes) in [
            ("\\n", &b"\n"[..]),
            ("\\0", b"\0"),
            ("\\x00", b"\0"),
            ("\\000", b"\0"),
            (";", b";"),
            ("\\q\\\\", b"\\q\\"),
        ] {
            assert_eq!(unescape(text), bytes, "{text}");
        }
    }
}
