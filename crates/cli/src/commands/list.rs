use crate::{Failure, arguments::List, commands::Context};

pub(super) fn run(_arguments: &List, _context: &Context<'_>) -> Result<(), Failure> {
    Err(Failure::not_built("x"))
}
