//! `recreate`: archives written anew.

use std::{
    io::{self, Write},
    os::unix::ffi::OsStrExt,
    time::Duration,
};

use nanoprobe_archive::{FeatureOperation, text};
use nanoprobe_operations::{
    Session,
    info::known_totals,
    recreate::{Options, Recompress, Recreate as Run, RecreateError, Recreated, TEMPORARY},
    select::{ArchiveSelection, SortKey},
};
use nanoprobe_repository::Locking;

use super::{
    Context,
    context::{Archive, archive},
    describe::{self, Description},
    selection, timestamp,
};
use crate::{
    Failure,
    arguments::{Recreate, only_one, usage_error},
    monitor::Listing,
    output::{statistics::ArchiveStatistics, time::Zone},
    placeholders::{host_name, user_name},
    signals::{self, INTERRUPT},
};

pub(super) fn run(arguments: &Recreate, context: &Context<'_>) -> Result<(), Failure> {
    let timestamp = arguments.timestamp.as_deref().map(timestamp::parse).transpose()?;
    let target = arguments.target.as_deref().map(|name| context.new_archive_name(name, "--target")).transpose()?;
    let filter = only_one("--filter", arguments.filter.clone())?;
    let options = options(arguments, timestamp, context)?;
    let location = context.location(&arguments.location, Archive::Allowed, timestamp)?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    let mut session = context.session(repository, FeatureOperation::Check)?;
    let listing = if arguments.output_list { Listing::Status(filter) } else { Listing::Off };
    let monitor = context.monitor(listing, None);
    signals::stoppable();

    let single = location.archive.is_some().then(|| Context::archive_name(&location));
    let names = match &single {
        Some(name) if name.ends_with(TEMPORARY) => {
            let name = text::displayable(name);
            let message = format!("Refusing to work on temporary archive of prior recreate: {name}");
            return Err(Failure::command(message));
        }
        Some(name) => vec![name.clone()],
        None if target.is_some() => return Err(Failure::command("--target: Need to specify single archive")),
        None => {
            let by_time = ArchiveSelection { sort_by: vec![SortKey::Timestamp], ..ArchiveSelection::default() };
            let names = by_time.apply(session.manifest.archives()).into_iter().map(|entry| entry.name.clone());
            names.filter(|name| !name.ends_with(TEMPORARY)).collect()
        }
    };
    let mut run = Run::new(&mut session, &options, &monitor, &INTERRUPT);
    for name in &names {
        let processed = match single {
            Some(_) => process_single(&mut run, name, target.as_deref()),
            None => process(&mut run, name, context),
        };
        if let Err(error) = processed {
            run.finish_failed();
            return Err(error);
        }
    }
    let recreated = run.finish()?;
    monitor.finish();
    if arguments.stats && !arguments.dry_run {
        recreated.iter().try_for_each(|recreated| print(&session, recreated, context))?;
    }
    Ok(())
}

fn process_single(run: &mut Run<'_>, name: &str, target: Option<&str>) -> Result<(), Failure> {
    if run.archive(name, target)? {
        return Ok(());
    }
    Err(Failure::command(
        "Nothing to do. Archive was not processed.\n\
         Specify at least one pattern, PATH, --comment, re-compression or re-chunking option.",
    ))
}

/// One of all archives.
fn process(run: &mut Run<'_>, name: &str, context: &Context<'_>) -> Result<(), Failure> {
    let shown = text::displayable(name);
    writeln!(io::stdout(), "Processing {shown}")?;
    if !run.archive(name, None)? {
        context.log.info(format!("Skipped archive {shown}: Nothing to do. Archive was not processed."));
    }
    Ok(())
}

impl From<RecreateError> for Failure {
    fn from(error: RecreateError) -> Self {
        match error {
            RecreateError::Operation(error) => error.into(),
            RecreateError::Pattern(error) => error.into(),
            error => Self::unforeseen(error),
        }
    }
}

fn options(arguments: &Recreate, timestamp: Option<i64>, context: &Context<'_>) -> Result<Options, Failure> {
    let invalid =
        |option: &str, reason: String| Failure::from(usage_error(format_args!("argument {option}: {reason}")));
    let rules = selection::rules(&arguments.patterns)?;
    let paths = selection::paths(&rules, &arguments.paths)?;
    let comment = arguments.comment.as_ref();
    let chunker = only_one("--chunker-params", arguments.chunker_params.clone())?.map(|text| {
        text.parse().map_err(|error: nanoprobe_chunker::Error| invalid("--chunker-params", format!("{error}")))
    });
    let compression = arguments.compression.parse();
    Ok(Options {
        rules: rules.rules,
        paths,
        exclude_caches: arguments.exclude_caches,
        exclude_if_present: arguments.exclude_if_present.iter().map(|name| name.as_bytes().to_vec()).collect(),
        keep_exclude_tags: arguments.keep_exclude_tags,
        recompress: match arguments.recompress.as_str() {
            "always" => Recompress::Always,
            "if-different" => Recompress::IfDifferent,
            _ => Recompress::Never,
        },
        compression: compression
            .map_err(|error: nanoprobe_compress::Error| invalid("-C/--compression", format!("{error}")))?,
        chunker: chunker.transpose()?,
        comment: comment
            .map(|comment| context.replace(comment.as_bytes(), timestamp).map(|comment| text::decode(&comment)))
            .transpose()?,
        timestamp,
        checkpoint_interval: Duration::from_secs(arguments.checkpoint_interval),
        dry_run: arguments.dry_run,
        command_line: std::env::args_os().map(|word| text::decode(word.as_bytes())).collect(),
        hostname: host_name(),
        username: user_name(),
    })
}

/// What Borg logs about a new archive, as information.
fn print(session: &Session, recreated: &Recreated, context: &Context<'_>) -> Result<(), Failure> {
    let (entry, metadata) = archive(session, &recreated.name)?;
    let statistics = ArchiveStatistics {
        original_bytes: recreated.statistics.original_bytes,
        compressed_bytes: recreated.statistics.compressed_bytes,
        deduplicated_bytes: recreated.statistics.deduplicated_bytes,
        files: recreated.statistics.files,
    };
    let totals = describe::totals(&known_totals(session, &INTERRUPT)?);
    let (id, zone, key_file) = (session.repository.id(), Zone::local(), describe::key_file(session));
    let repository = describe::repository(session, &id, key_file.as_deref());
    let description = Description::new(&metadata);
    let metadata_bytes = session.repository.stored_bytes(&entry.id)?.unwrap_or(0);
    let mut table = Vec::new();
    let created = description.created(&entry.id, metadata_bytes.into(), statistics);
    created.write(&repository, Some(&totals), context.units(), &zone, &mut table)?;
    for line in table.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        context.log.info(line);
    }
    Ok(())
}
