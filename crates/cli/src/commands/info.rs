//! `info`

use super::Context;
use crate::{Failure, arguments::Info};

pub(super) fn run(_arguments: &Info, context: &Context<'_>) -> Result<(), Failure> {
    Err(Failure::not_built(format_args!("{} info", context.name)))
}
