//! Starting a conversation: `negotiate`, then `open`.

use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use nanoprobe_format::rpc::{Call, Open, Response, Version};
use nanoprobe_format::{Id, msgpack};
use nanoprobe_repository::{Error as RepositoryError, Locking};

use super::conversation::{Conversation, Trouble};
use super::exception::unexpected;
use super::roster::{Roster, Upkeep};
use super::{RemoteRepository, value};
use crate::Error;
use crate::transport::Transport;

/// Servers before that speak another dialect.
const OLDEST: [i32; 4] = [1, 1, 0, -3];

/// What a conversation may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes that wait to be sent.
    pub upload_bytes: usize,
    /// Objects that were announced and came, in bytes; one more may be on its way.
    pub ahead_bytes: usize,
    /// `None`: as fast as it goes.
    pub upload_bytes_per_second: Option<u64>,
}

/// How a repository is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// As the server gets it.
    pub path: Vec<u8>,
    /// The location as Borg writes it into the security directory.
    pub location: String,
    /// The location as it was typed, without an archive.
    pub processed: String,
    /// The lock to take.
    pub lock: Locking,
    /// How long the server waits for it, in seconds; below zero for ever.
    pub lock_wait: i64,
    /// Make it.
    pub creation: Option<Creation>,
    /// What the conversation may use.
    pub limits: Limits,
    /// Directory that holds one of our cache directories for each repository.
    pub caches: PathBuf,
    /// Gets what the other end says to the user, line by line, with what ends the line.
    pub listener: Arc<dyn Fn(&[u8]) + Send + Sync>,
}

/// What a new repository is like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Creation {
    /// Nothing is ever destroyed in it.
    pub append_only: bool,
    /// Create missing directories above.
    pub make_parents: bool,
}

impl RemoteRepository {
    /// Reaches a server and opens or creates the repository.
    pub fn open(transport: &dyn Transport, options: OpenOptions) -> Result<Self, RepositoryError> {
        let line = transport.connect()?;
        let conversation = Conversation::start(line, options.limits, options.listener.clone())?;
        let failed = |trouble| match trouble {
            Trouble::Line(error) => RepositoryError::from(&*error),
            Trouble::Server(exception, _) => exception.into_error(&options.processed, None),
        };
        let version = negotiate(&conversation).map_err(|trouble| match trouble {
            Trouble::Line(error) if matches!(*error, Error::ConnectionClosed) => {
                Error::ConnectionClosedWithHint("Is borg working on the server?").into()
            }
            trouble => failed(trouble),
        })?;
        if version < Version::from(&OLDEST[..]) {
            return Err(Error::ServerOutdated { method: "negotiate", version: "1.1.0b3" }.into());
        }
        let creation = options.creation;
        let answer = conversation.call(&Call::Open(Open {
            path: &options.path,
            create: creation.is_some(),
            lock_wait: Some(options.lock_wait),
            lock: options.lock != Locking::None,
            exclusive: options.lock == Locking::Exclusive,
            append_only: creation.is_some_and(|creation| creation.append_only),
            make_parent_dirs: creation.is_some_and(|creation| creation.make_parents),
        }));
        let id = value(&answer.map_err(failed)?, |reader| reader.raw_array())?;
        let upkeep = if options.lock == Locking::Exclusive { Upkeep::Kept } else { Upkeep::LeftAlone };
        let roster = Roster::new(options.caches.join(Id(id).to_string()), id, upkeep);
        Ok(Self {
            conversation,
            id,
            location: options.location,
            processed: options.processed,
            version,
            roster: Mutex::new(roster),
            blind_deletions: AtomicU32::new(0),
        })
    }
}

/// Tells the server who we are; gives its version.
fn negotiate(conversation: &Conversation) -> Result<Version, Trouble> {
    let answer = conversation.call(&Call::Negotiate { version: Some(Version::from(&Version::OURS[..])) })?;
    let result = answer.result();
    match Response::server_version(result.rest()) {
        Ok(Some(version)) => Ok(version),
        // What servers before 1.1 answer.
        Ok(None) => Ok(Version::from(&[1, 0, 0][..])),
        Err(msgpack::Error::Missing(_) | _) => Err(Trouble::Line(unexpected(result.rest()).into())),
    }
}
