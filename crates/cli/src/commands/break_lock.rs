use crate::{Failure, arguments::BreakLock, commands::Context};

pub(super) fn run(_arguments: &BreakLock, _context: &Context<'_>) -> Result<(), Failure> {
    Err(Failure::not_built("x"))
}
