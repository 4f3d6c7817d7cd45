use crate::{Failure, arguments::Extract, commands::Context};

pub(super) fn run(_arguments: &Extract, _context: &Context<'_>) -> Result<(), Failure> {
    Err(Failure::not_built("x"))
}
