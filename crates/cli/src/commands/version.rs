//! `version`: this side and the repository's side.

use crate::{
    Failure,
    arguments::Version,
    commands::{Context, context::Archive},
    placeholders::BORG_VERSION,
};

pub(super) fn run(arguments: &Version, context: &Context<'_>) -> Result<(), Failure> {
    context.location(&arguments.location, Archive::Refused, None)?;
    // A local repository is read by this program itself.
    println!("{BORG_VERSION} / {BORG_VERSION}");
    Ok(())
}
