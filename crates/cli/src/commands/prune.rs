//! `prune`: deletes the archives that the rules do not keep.

use std::os::unix::ffi::OsStrExt;

use jiff::Timestamp;
use nanoprobe_archive::{FeatureOperation, text};
use nanoprobe_operations::{
    delete::Force,
    prune::{Decision, Period, Rules, Verdict, decide, is_checkpoint},
};
use nanoprobe_repository::Locking;

use super::{
    Context,
    context::Archive,
    deletion::{self, Wanted, archive_line},
};
use crate::{
    Failure,
    arguments::Prune,
    log::{LIST, Level},
    output::time::Zone,
};

/// What Borg says when nothing was told to be kept.
const NO_RULES: &str = "At least one of the \"keep-within\", \"keep-last\", \"keep-secondly\", \"keep-minutely\", \
                        \"keep-hourly\", \"keep-daily\", \"keep-weekly\", \"keep-monthly\", \"keep-13weekly\", \
                        \"keep-3monthly\", or \"keep-yearly\" settings must be specified.";

pub(super) fn run(arguments: &Prune, context: &Context<'_>) -> Result<(), Failure> {
    let statistics = Wanted::new(arguments.stats, arguments.quick_stats, arguments.dry_run, context);
    let glob = arguments.filters.glob()?.map(|glob| context.replace(glob.as_bytes(), None)).transpose()?;
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    let mut session = context.session(repository, FeatureOperation::Delete)?;
    let rules = rules(arguments);
    if rules.is_empty() {
        return Err(Failure::command(NO_RULES));
    }
    let (archives, zone) = (session.manifest.archives(), Zone::local());
    let glob = glob.map(|glob| text::decode(&glob));
    let decision = decide(archives, glob.as_deref(), &rules, Timestamp::now(), zone.rules())?;

    let checkpoints = archives.iter().filter(|entry| is_checkpoint(&entry.name)).count();
    let (normal, matching) = (archives.len() - checkpoints, decision.verdicts.len() - decision.checkpoints);
    context.log.info(format!("Repository contains {normal} normal archives and {checkpoints} checkpoint archives."));
    context.log.info(format!(
        "Applying rules to the matching {matching} archives and {} checkpoints...",
        decision.checkpoints
    ));
    context.log.info(format!(
        "Keeping {} archives and {} checkpoints, pruning {} archives and {} checkpoints.",
        decision.count(false, false),
        decision.count(true, false),
        decision.count(false, true),
        decision.count(true, true)
    ));
    if arguments.output_list {
        list(&decision, arguments.dry_run, &zone, context);
    }
    let pruned = decision.verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Pruned);
    let names: Vec<&str> = pruned.map(|(entry, _)| entry.name.as_str()).collect();
    let force = if arguments.forced { Force::Yes } else { Force::No };
    let deleted = match arguments.dry_run {
        true => Default::default(),
        false => deletion::run(&mut session, &names, force, arguments.checkpoint_interval, context)?,
    };
    match statistics {
        Some(wanted) => deletion::print(&session, &deleted, wanted, context),
        None => Ok(()),
    }
}

fn rules(arguments: &Prune) -> Rules {
    let periods = Period::ALL.into_iter().map(|period| {
        let count = match period {
            Period::Second => arguments.secondly,
            Period::Minute => arguments.minutely,
            Period::Hour => arguments.hourly,
            Period::Day => arguments.daily,
            Period::Week => arguments.weekly,
            Period::Month => arguments.monthly,
            Period::ThirteenWeeks => arguments.quarterly_13weekly,
            Period::ThreeMonths => arguments.quarterly_3monthly,
            Period::Year => arguments.yearly,
        };
        (period, count)
    });
    Rules { within_hours: arguments.within, periods: periods.collect() }
}

fn list(decision: &Decision, dry_run: bool, zone: &Zone, context: &Context<'_>) {
    let pruned = decision.verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Pruned).count();
    let mut number = 0;
    for (entry, verdict) in &decision.verdicts {
        let message = match verdict {
            Verdict::Pruned if dry_run => "Would prune:".to_owned(),
            Verdict::Pruned => {
                number += 1;
                format!("Pruning archive ({number}/{pruned}):")
            }
            Verdict::KeptCheckpoint => "Keeping checkpoint archive:".to_owned(),
            Verdict::Kept { rule, oldest, number } => {
                let oldest = if *oldest { "[oldest]" } else { "" };
                format!("Keeping archive (rule: {rule}{oldest} #{number}):")
            }
        };
        context.log.always(Level::Info, LIST, None, format!("{message:<44} {}", archive_line(entry, zone)));
    }
}
