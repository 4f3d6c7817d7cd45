//! `break-lock`

use nanoprobe_repository::{LocalRepository, Locking};

use super::{Context, context::Archive};
use crate::{Failure, arguments::BreakLock};

pub(super) fn run(arguments: &BreakLock, context: &Context<'_>) -> Result<(), Failure> {
    let location = context.location(&arguments.location, Archive::Refused, None)?;
    let Some(path) = Context::local_path(&location) else {
        return Ok(context.remote(&location, Locking::None, None)?.break_lock()?);
    };
    // Opened first, so that nothing is removed where no repository is.
    drop(LocalRepository::open(&path, context.open_options(Locking::None))?);
    Ok(LocalRepository::break_lock(&path)?)
}
