//! `rename`: another name for an archive.

use nanoprobe_archive::FeatureOperation;
use nanoprobe_operations::rename::rename;
use nanoprobe_repository::Locking;

use super::{Context, context::Archive};
use crate::{
    Failure,
    arguments::Rename,
    monitor::Listing,
    signals::{self, INTERRUPT},
};

pub(super) fn run(arguments: &Rename, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Required, None)?;
    let name = context.new_archive_name(&arguments.name, "NEWNAME")?;
    let repository = context.repository(&location, Locking::Exclusive)?;
    let mut session = context.session(repository, FeatureOperation::Check)?;
    let monitor = context.monitor(Listing::Off, None);
    signals::stoppable();
    let renamed = rename(&mut session, &Context::archive_name(&location), &name, &monitor, &INTERRUPT);
    monitor.finish();
    Ok(renamed?)
}
