use crate::{Failure, arguments::Create, commands::Context};

pub(super) fn run(_arguments: &Create, _context: &Context<'_>) -> Result<(), Failure> {
    Err(Failure::not_built("x"))
}
