use crate::{Failure, arguments::Check, commands::Context};

pub(super) fn run(_arguments: &Check, _context: &Context<'_>) -> Result<(), Failure> {
    Err(Failure::not_built("x"))
}
