//! Starting a conversation: `negotiate`, then `open`.

use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nanoprobe_format::rpc::{Call, Open, Response, Version};
use nanoprobe_format::{Id, msgpack};
use nanoprobe_repository::{Error as RepositoryError, Locking};

use super::conversation::{Conversation, Trouble};
use super::exception::unexpected;
use super::roster::{Roster, Upkeep};
use super::{Link, RemoteRepository};
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
    /// Objects that are asked for or have come, in bytes. What `ahead_bytes` has no room for waits in the line.
    pub requested_bytes: usize,
    /// `None`: as fast as it goes.
    pub upload_bytes_per_second: Option<u64>,
    /// What may be kept on disk of a transaction, so that it can be sent again; less where the disk has little room.
    pub journal_bytes: u64,
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
    /// What happens when the line drops.
    pub retries: Retries,
}

/// What a new repository is like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Creation {
    /// Nothing is ever destroyed in it.
    pub append_only: bool,
    /// Create missing directories above.
    pub make_parents: bool,
}

/// What happens when a line drops.
#[derive(Clone)]
pub struct Retries {
    /// Lines that are tried before it is given up; 0: a line that drops ends everything.
    pub attempts: u32,
    /// Before the first of them. Each later one waits twice as long, up to a minute.
    pub pause: Duration,
    /// Asked several times a second while nothing else happens: true ends it.
    pub is_interrupted: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Gets a sentence for the user before each attempt.
    pub warn: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Default for Retries {
    /// Ten, without a word.
    fn default() -> Self {
        Self { attempts: 10, pause: Duration::from_secs(1), is_interrupted: Arc::new(|| false), warn: Arc::new(|_| {}) }
    }
}

/// How a server is reached, as often as it must be.
pub(super) struct Reach {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) options: OpenOptions,
}

/// A server, and the repository that it has opened.
pub(super) struct Reached {
    pub(super) conversation: Conversation,
    pub(super) id: [u8; 32],
    pub(super) version: Version,
}

impl Reach {
    /// Connects, tells who we are, and opens the repository.
    pub(super) fn reach(&self, creation: Option<Creation>, lock_wait: i64) -> Result<Reached, Trouble> {
        let Self { transport, options } = self;
        let line = transport.connect()?;
        let conversation = Conversation::start(line, options.limits, options.listener.clone())?;
        let version = negotiate(&conversation).map_err(|trouble| match trouble {
            Trouble::Line(error) if matches!(*error, Error::ConnectionClosed) => {
                Error::ConnectionClosedWithHint("Is borg working on the server?").into()
            }
            trouble => trouble,
        })?;
        if version < Version::from(&OLDEST[..]) {
            return Err(Error::ServerOutdated { method: "negotiate", version: "1.1.0b3" }.into());
        }
        let answer = conversation.call(&Call::Open(Open {
            path: &options.path,
            create: creation.is_some(),
            lock_wait: Some(lock_wait),
            lock: options.lock != Locking::None,
            exclusive: options.lock == Locking::Exclusive,
            append_only: creation.is_some_and(|creation| creation.append_only),
            make_parent_dirs: creation.is_some_and(|creation| creation.make_parents),
        }))?;
        let id = answer.read(|reader| reader.raw_array())?;
        Ok(Reached { conversation, id, version })
    }

    /// Whatever went wrong, in the words of a local repository; `id` is what was asked for.
    pub(super) fn error(&self, trouble: Trouble, id: Option<&Id>) -> RepositoryError {
        match trouble {
            Trouble::Line(error) => (&*error).into(),
            Trouble::Server(exception, of) => exception.into_error(&self.options.processed, of.as_ref().or(id)),
        }
    }
}

impl RemoteRepository {
    /// Reaches a server and opens or creates the repository. Later, when the line drops, it is reached again.
    pub fn open(transport: Arc<dyn Transport>, options: OpenOptions) -> Result<Self, RepositoryError> {
        let reach = Reach { transport, options };
        let OpenOptions { creation, lock_wait, .. } = reach.options;
        let reached = reach.reach(creation, lock_wait).map_err(|trouble| reach.error(trouble, None))?;
        let (id, version, options) = (reached.id, reached.version.clone(), &reach.options);
        let upkeep = if options.lock == Locking::Exclusive { Upkeep::Kept } else { Upkeep::LeftAlone };
        let cache = options.caches.join(Id(id).to_string());
        let roster = Mutex::new(Roster::new(cache.clone(), id, upkeep));
        Ok(Self { link: Link::new(reach, reached, cache), id, version, roster, blind_deletions: AtomicU32::new(0) })
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
        Err(msgpack::Error::Missing(_) | _) => Err(unexpected(result.rest()).into()),
    }
}
