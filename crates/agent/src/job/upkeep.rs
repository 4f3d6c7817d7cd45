//! What follows a backup that succeeded: old archives go, and the room that they took is freed.

use std::io;

use super::{Ending, Work};
use crate::configuration::{Backup, Keep, Repository};

pub(super) fn prune(backup: &Backup, repository: &Repository, work: &Work<'_>) -> io::Result<Ending> {
    let mut command = work.command("prune", repository);
    command.arg("--glob-archives").arg(format!("{}*", backup.archive_prefix()));
    let rules = backup.keep.as_ref().map(|Keep(rules)| rules.as_slice()).unwrap_or_default();
    for (rule, value) in rules {
        command.arg(format!("--keep-{rule}={value}"));
    }
    Ok(Ending::of(&work.run(&mut command, &mut |_| {})?))
}

pub(super) fn compact(repository: &Repository, work: &Work<'_>) -> io::Result<Ending> {
    Ok(Ending::of(&work.run(&mut work.command("compact", repository), &mut |_| {})?))
}
