//! `agent set-clock`

use nanoprobe_agent::{
    state,
    time_servers::{Found, USUAL, set_clock},
};

use super::agent::{say, state_path};
use crate::{Failure, arguments::AgentSetClock};

pub(super) fn run(arguments: &AgentSetClock) -> Result<(), Failure> {
    // Nothing is known where nothing can be read: then the time of the build is what counts.
    let newest = state::peek(&state_path(&arguments.directory)).map_or(0, |state| state.newest);
    let servers = match arguments.servers.as_slice() {
        [] => USUAL.map(str::to_owned).to_vec(),
        typed => typed.to_vec(),
    };
    match set_clock(&servers, newest).map_err(Failure::error)? {
        Found::Right { ahead } => say(&format!("the clock is right, within {} ms", ahead.abs())),
        Found::Set { ahead } => say(&format!("the clock was wrong by {} s, and is set", ahead / 1000)),
    }
}
