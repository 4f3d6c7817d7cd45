//! How a server is reached: anything that gives three streams, behind one trait.

#[cfg(feature = "builtin-ssh")]
mod builtin;
mod command;

use std::io::{Read, Write};
use std::time::Duration;

#[cfg(feature = "builtin-ssh")]
pub use builtin::{BuiltIn, Destination, Person};
pub use command::Command;

use crate::Error;

/// Reaches a server, as often as it is asked to.
pub trait Transport: Send + Sync {
    /// Starts a conversation.
    fn connect(&self) -> Result<Line, Error>;
}

/// The streams of one conversation.
pub struct Line {
    /// Requests go here.
    pub requests: Box<dyn Write + Send>,
    /// Responses come from here.
    pub responses: Box<dyn Read + Send>,
    /// Lines for the user come from here.
    pub messages: Box<dyn Read + Send>,
    /// Whoever is at the near end of it.
    pub process: Box<dyn Process>,
}

/// The near end of a line: usually a child process.
pub trait Process: Send {
    /// Waits until it has ended, and ends it when that takes too long.
    fn end(&mut self, patience: Duration);
}
