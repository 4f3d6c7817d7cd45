//! The server's end: one client on standard input and output, one repository, until the stream closes.
//!
//! `connection.rs` cuts what comes into messages and gathers answers; `session.rs` does what is asked; `place.rs` decides
//! which directory a client's path means and whether it may be there; `exception.rs` words what goes wrong.
//!
//! Memory: one message at a time (at most 20 MiB), one object to be sent (the same), the repository's own tables. Both
//! buffers are given back when the client is silent.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::Duration;

use nanoprobe_format::rpc::Request;
use nanoprobe_repository::{CheckReport, CompactReport, OpenOptions};

use crate::Error;
use connection::{ENDED, Input, Next, Output, Peer};
use session::Session;

mod connection;
mod exception;
mod place;
mod session;

/// What the owner of the server allows; no client can widen it.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Repositories at or below one of these; anywhere when empty.
    pub restrict_to_paths: Vec<PathBuf>,
    /// Only these repositories; any when empty.
    pub restrict_to_repositories: Vec<PathBuf>,
    /// Nothing that exists is destroyed.
    pub append_only: bool,
    /// Instead of the quota that the repository knows; a new one is given it.
    pub storage_quota: Option<u64>,
    /// How long to wait for a lock where a client does not say.
    pub lock_wait: Option<Duration>,
}

/// Who runs the server.
pub trait Attendant {
    /// Something that the client's user should know.
    fn event(&self, event: Event<'_>);
    /// Where the home directory is: of the named user, else of this one.
    fn home(&self, user: Option<&OsStr>) -> Option<PathBuf>;
    /// A folder for what is not to be written to a repository that is only read.
    fn scratch(&self) -> std::io::Result<PathBuf>;
    /// About this system, for a client whose call went wrong.
    fn system(&self) -> String;
    /// Ends the process: nobody waits any more for work that cannot be ended otherwise. The lock is free.
    fn leave(&self) -> !;
}

/// What a server tells beside its answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Of the low-level check.
    Check(CheckReport<'a>),
    /// The low-level check is over.
    CheckFinished,
    /// Of compaction.
    Compact(CompactReport<'a>),
    /// Compaction is over.
    CompactFinished,
    /// How the conversation goes.
    Debug(&'a str),
}

/// The streams of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Streams<'a> {
    /// From the client.
    pub input: BorrowedFd<'a>,
    /// To the client.
    pub output: BorrowedFd<'a>,
    /// Readable when the server is to end.
    pub wake: BorrowedFd<'a>,
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The client closed its stream.
    Closed,
    /// It did so without ever having asked for a repository.
    NeverOpened,
    /// The server was told to end.
    Woken,
}

/// Serves one client. `open` says how repositories are opened, but for what client and policy say. The lock is free when
/// it returns.
pub fn serve(
    policy: &Policy,
    open: &OpenOptions,
    streams: Streams<'_>,
    attendant: &dyn Attendant,
) -> Result<Farewell, Error> {
    let mut input = Input::new(streams);
    let mut output = Output::new(streams);
    let mut session = Session::new(policy, open, Peer::new(streams), attendant);
    let farewell = loop {
        let sent = match input.next()? {
            Some(message) => {
                let request = Request::parse(message).map_err(|_| Error::UnexpectedFromClient)?;
                session.answer(&request, &mut output).map(|()| Next::Bytes)
            }
            // Before we wait, the client must have all answers.
            None => output.flush().and_then(|()| input.more(|| session.idle())),
        };
        match sent {
            Ok(Next::Bytes) => {}
            Ok(Next::Woken) => break Farewell::Woken,
            Ok(Next::Closed) if !session.has_been_asked() => break Farewell::NeverOpened,
            Ok(Next::Closed) => break Farewell::Closed,
            Err(error) if error.kind() == ENDED => break Farewell::Woken,
            // Nobody listens any more.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                break Farewell::Closed;
            }
            Err(error) => return Err(error.into()),
        }
    };
    session.close()?;
    Ok(farewell)
}
