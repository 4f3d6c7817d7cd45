//! Pings as healthchecks and its likes take them: `/start`, nothing, `/fail` and `/log` behind the address, with the log's tail.

use super::{Event, Kind};
use crate::{address::below, configuration::Address, http};

/// Healthchecks keeps this much of a body, and so do others.
const MOST_BYTES: usize = 10_000;

/// `own`: the address is for this very job. Of jobs that share it only failures are told.
pub(super) fn send(address: &Address, own: bool, event: &Event) -> Result<(), String> {
    let word = match event.kind {
        Kind::Failed => "fail",
        _ if !own => return Ok(()),
        Kind::Start => "start",
        Kind::Success | Kind::Warning => "",
        Kind::Skipped | Kind::TooOld | Kind::NeverRan => "log",
        Kind::Recovered | Kind::Agent => return Ok(()),
    };
    let body = event.body();
    let start = body.ceil_char_boundary(body.len().saturating_sub(MOST_BYTES));
    http::post(&below(address.secret(), word), &[], &body[start..])
}
