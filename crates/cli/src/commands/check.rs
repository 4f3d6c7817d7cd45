//! `check`

use super::Context;
use crate::{Failure, arguments::Check};

pub(super) fn run(_arguments: &Check, context: &Context<'_>) -> Result<(), Failure> {
    Err(Failure::not_built(format_args!("{} check", context.name)))
}
