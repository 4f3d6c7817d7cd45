use crate::{Failure, arguments::Init, commands::Context};

pub(super) fn run(_arguments: &Init, _context: &Context<'_>) -> Result<(), Failure> {
    Err(Failure::not_built("x"))
}
