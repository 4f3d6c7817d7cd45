//! `agent update`: a new version of the system that a box runs from an image.

use std::path::Path;

use nanoprobe_agent::{
    Error,
    clock::iso,
    state,
    update::{Applied, Choice, Label, Slots, Standing, source},
};

use super::{
    Context,
    agent::{say, state_path},
};
use crate::{Failure, arguments::AgentUpdate};

/// Whose updates are taken: it is part of the root, which nobody writes to.
const KEY: &str = "/etc/nanoprobe.pub";

/// A job runs: the exit code that asks to be tried again.
const LATER: u8 = 75;

pub(super) fn run(arguments: &AgentUpdate, context: &Context<'_>) -> Result<(), Failure> {
    let slots = Slots::of_machine().map_err(Failure::error)?;
    if arguments.keep {
        return show("kept", &slots.keep().map_err(Failure::error)?);
    }
    let Some(place) = &arguments.source else {
        show("runs", &slots.current().map_err(Failure::error)?)?;
        return slots.next().map_err(Failure::error)?.map_or(Ok(()), |next| show("other", &next));
    };
    let choice = if arguments.anyway { Choice::Any } else { Choice::Promising };
    let key = arguments.key.as_deref().unwrap_or(Path::new(KEY));
    // Nothing runs while the disk is busy with this, and nobody restarts in the middle of a backup.
    let _nobody_else = state::Directory::open(&state_path(&arguments.directory)).map_err(|error| match error {
        Error::AtWork(_) => {
            context.log.error(error.to_string(), None);
            Failure::silent(LATER)
        }
        error => Failure::error(error),
    })?;
    let applied = slots.apply(&mut *source(place).map_err(Failure::error)?, key, choice);
    match applied.map_err(Failure::error)? {
        Applied::Written(label) => show("written, and tried at the next start:", &label),
        Applied::Known(label) => {
            show("there already:", &label)?;
            Err(Failure::silent(1))
        }
    }
}

fn show(what: &str, label: &Label) -> Result<(), Failure> {
    let standing = match label.standing {
        Standing::Kept => "kept".to_owned(),
        Standing::TriesLeft(0) => "did not come up".to_owned(),
        Standing::TriesLeft(tries) => format!("on trial, {tries} more tries"),
    };
    let Label { version, bytes, made, .. } = label;
    say(&format!("{what} version {version} of {}, {bytes} bytes, {standing}", iso(*made)))
}
