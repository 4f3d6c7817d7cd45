//! A message as the body of a POST, its headline and weight in headers: what ntfy takes, and others can.

use super::{Event, Kind};
use crate::{configuration::Address, http};

pub(super) fn send(address: &Address, event: &Event) -> Result<(), String> {
    let priority = match event.kind {
        Kind::Failed | Kind::TooOld | Kind::NeverRan => "high",
        Kind::Recovered => "low",
        _ => "default",
    };
    http::post(address.secret(), &[("Title", &event.title), ("Priority", priority)], &event.body())
}
