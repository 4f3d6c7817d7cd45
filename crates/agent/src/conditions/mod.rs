//! Why a job that is due does not run now: reasons in words for people. Looking changes nothing.

pub mod disks;
pub mod mounts;
pub mod power;
mod sources;

use crate::{
    configuration::{Configuration, Hold},
    plan::Job,
    state::Record,
};

pub(crate) use sources::with_files;

/// The first reason not to run it now.
pub fn against(job: &Job<'_>, configuration: &Configuration, record: &Record) -> Option<String> {
    let limits = &configuration.limits;
    if limits.on_battery == Hold::Wait
        && let Some(reason) = power::on_battery(&limits.sys)
    {
        return Some(reason);
    }
    let repository = configuration.repository(job.repository())?;
    if let Some(reason) = mounts::missing(&repository.require_mount) {
        return Some(reason);
    }
    let mut touched = vec![std::path::Path::new(&repository.location)];
    if let Job::Backup(backup) | Job::Drill(backup) = job {
        if let Some(reason) = mounts::missing(&backup.require_mount).or_else(|| sources::missing(backup, record)) {
            return Some(reason);
        }
        touched.extend(backup.sources.iter().map(std::path::PathBuf::as_path));
    }
    if limits.failing_disk == Hold::Wait { disks::failing(&limits.sys, &touched) } else { None }
}
