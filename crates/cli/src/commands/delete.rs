//! `delete`: archives, or the whole repository.

use std::{collections::BTreeSet, os::unix::ffi::OsStrExt, sync::Arc};

use nanoprobe_archive::{FeatureOperation, text};
use nanoprobe_format::Id;
use nanoprobe_operations::{
    Session,
    delete::{
        Force, forget,
        repository::{SecurityInformation, archives, destroy, destroy_cache},
    },
    select::{ArchiveSelection, Checkpoints, SortKey},
};
use nanoprobe_repository::{Locking, Repository};

use super::{
    Context,
    context::Archive,
    deletion::{self, Wanted, archive_line},
    selection,
};
use crate::{
    Failure,
    arguments::Delete,
    location::Location,
    log::{LIST, Level},
    output::{DASHES, text::printable, time::Zone},
};

pub(super) fn run(arguments: &Delete, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Allowed, None)?;
    let statistics = Wanted::new(arguments.stats, arguments.quick_stats, arguments.dry_run, context);
    let narrow = arguments.filters.narrow();
    let explicit = location.archive.is_some() || !arguments.archives.is_empty();
    if narrow && explicit {
        return Err(Failure::command("Mixing archive filters and explicitly named archives is not supported."));
    }
    let repository = context.repository(&location, Locking::Exclusive)?;
    match narrow || explicit {
        true => delete_archives(arguments, &location, repository, statistics, context),
        false => delete_repository(arguments, &repository, context),
    }
}

fn delete_archives(
    arguments: &Delete,
    location: &Location,
    repository: Arc<dyn Repository>,
    statistics: Option<Wanted>,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let mut session = context.session(repository, FeatureOperation::Delete)?;
    let names: Vec<String> = if arguments.filters.narrow() {
        let selection = selection::archives(&arguments.filters, Checkpoints::Consider, context)?;
        selection.apply(session.manifest.archives()).into_iter().map(|entry| entry.name.clone()).collect()
    } else {
        let first = location.archive.iter().map(|_| Context::archive_name(location));
        first.chain(arguments.archives.iter().map(|name| text::decode(name.as_bytes()))).collect()
    };
    if names.is_empty() {
        return Ok(());
    }
    let found = announce(arguments, &session, &names, context);
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    if arguments.forced >= 2 {
        return delete_unseen(arguments, &mut session, &found, context);
    }
    let force = if arguments.forced > 0 { Force::Yes } else { Force::No };
    let deleted = match arguments.dry_run {
        true => Default::default(),
        false => deletion::run(&mut session, &found, force, arguments.checkpoint_interval, context)?,
    };
    match statistics {
        Some(wanted) => deletion::print(&session, &deleted, wanted, context),
        None => Ok(()),
    }
}

/// Tells what is going to be done with each archive, and warns of those that there are not. Gives those that there are.
fn announce(arguments: &Delete, session: &Session, names: &[String], context: &Context<'_>) -> Vec<String> {
    let words = match (arguments.forced >= 2, arguments.dry_run) {
        (false, true) => "Would delete archive:",
        (false, false) => "Deleting archive:",
        (true, true) => "Would delete:",
        (true, false) => "Deleted archive:",
    };
    let (zone, count) = (Zone::local(), names.len());
    let (mut found, mut gone) = (Vec::new(), BTreeSet::new());
    for (name, number) in names.iter().zip(1..) {
        match session.manifest.archive(name).filter(|_| !gone.contains(name)) {
            Some(entry) => {
                if arguments.output_list {
                    let line = format!("{words} {} ({number}/{count})", archive_line(entry, &zone));
                    context.log.always(Level::Info, LIST, None, line);
                }
                if !arguments.dry_run || arguments.forced >= 2 {
                    gone.insert(name);
                }
                found.push(name.clone());
            }
            None => {
                let name = text::encode(name);
                let message = format!("Archive {} not found ({number}/{count}).", printable(&name));
                context.status.warn(1);
                context.log.warning(message, None);
            }
        }
    }
    found
}

/// `--force --force`
fn delete_unseen(
    arguments: &Delete,
    session: &mut Session,
    names: &[&str],
    context: &Context<'_>,
) -> Result<(), Failure> {
    if arguments.dry_run {
        context.log.info("Finished dry-run.");
    } else if names.is_empty() {
        context.log.warning("Aborted.", None);
    } else {
        forget(session, names)?;
        context.log.warning("Done. Run \"borg check --repair\" to clean up the mess.", None);
    }
    Ok(())
}

fn delete_repository(
    arguments: &Delete,
    repository: &Arc<dyn Repository>,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let places = context.places()?;
    let (security, becomes) = match arguments.keep_security_info {
        true => (SecurityInformation::Kept, "keep"),
        false => (SecurityInformation::Deleted, "delete"),
    };
    if !arguments.cache_only {
        if arguments.forced == 0 && !context.prompt().delete_repository(&question(arguments, repository, context)?) {
            return Err(Failure::cancelled());
        }
        if arguments.dry_run {
            context.log.info("Would delete repository.");
            context.log.info(format!("Would {becomes} security info."));
        } else {
            destroy(&**repository, &places, security)?;
            context.log.info("Repository deleted.");
        }
    }
    if arguments.dry_run {
        context.log.info("Would delete cache.");
        return Ok(());
    }
    destroy_cache(&**repository, &places)?;
    context.log.info("Cache deleted.");
    Ok(())
}

/// What is asked before a repository is deleted.
fn question(arguments: &Delete, repository: &Arc<dyn Repository>, context: &Context<'_>) -> Result<String, Failure> {
    let archives = archives(repository, &context.places()?, &mut context.prompt())?;
    let mut lines = vec![match &archives {
        Some(archives) => format!(
            "You requested to completely DELETE the following repository *including* {} archives it contains:",
            archives.len()
        ),
        None => "You requested to completely DELETE the following repository *including* all archives it may contain:"
            .to_owned(),
    }];
    lines.push(DASHES.to_owned());
    lines.push(format!("Repository ID: {}", Id(repository.id())));
    lines.push(format!("Location: {}", repository.location()));
    if arguments.output_list {
        lines.extend([String::new(), "Archives:".to_owned()]);
        match &archives {
            Some(archives) if archives.is_empty() => {
                lines.push("This repository seems to not have any archives.".to_owned());
            }
            Some(archives) => {
                let selection = ArchiveSelection { sort_by: vec![SortKey::Timestamp], ..ArchiveSelection::default() };
                let zone = Zone::local();
                lines.extend(selection.apply(archives).into_iter().map(|entry| archive_line(entry, &zone)));
            }
            None => lines.push(
                "This repository seems to have no manifest, so we can't tell anything about its contents.".to_owned(),
            ),
        }
    }
    lines.push(DASHES.to_owned());
    lines.push("Type 'YES' if you understand this and want to continue: ".to_owned());
    Ok(lines.join("\n"))
}
