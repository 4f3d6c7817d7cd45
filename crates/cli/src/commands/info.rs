use crate::{Failure, arguments::Info, commands::Context};

pub(super) fn run(_arguments: &Info, _context: &Context<'_>) -> Result<(), Failure> {
    Err(Failure::not_built("x"))
}
