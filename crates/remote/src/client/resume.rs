//! A line dropped: the next one.
//!
//! 1. Wait a little, longer each time; connect, take the lock again, and see that it is the same repository.
//! 2. What was reserved of nonces must be reserved still: else an old state of the repository has come back.
//! 3. The manifest tells what is committed. The one of the last commit: nothing that was sent since is there, and all of it
//!    is sent again, byte for byte. The one that was to be committed: the commit happened, only its answer was lost.
//!    Any other one, or another number of objects: somebody else has written meanwhile, and nothing is sent.
//!
//! The lock sees to it that the server of the line before has ended by then, whatever it was still about to read.
//!
//! RAM: one object while they are sent again.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nanoprobe_format::rpc::Call;
use nanoprobe_repository::Locking;

use super::Retries;
use super::conversation::{Conversation, Trouble};
use super::link::{Link, manifest, read_free_nonce};
use super::transaction::Transaction;
use crate::Error;

/// How long the server of the line before may take to notice, at least, in seconds.
const LEAST_LOCK_WAIT: i64 = 10;
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Between two looks whether somebody wants to stop.
const LOOK: Duration = Duration::from_millis(100);

/// What was under way when the line dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// A commit was asked for.
    Commit,
    /// The repository was to be removed.
    Destroy,
    Else,
}

/// What has to be done on the new line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resumed {
    /// What was under way is to be asked for again.
    Again,
    /// Nothing: the commit happened.
    Committed,
}

/// Why a line is of no use.
enum Failed {
    /// The next one may be.
    Now(Trouble),
    /// No other one will be either.
    Forever(Trouble),
}

impl From<Trouble> for Failed {
    /// Whoever was reached and refused will refuse again.
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Line(_) => Self::Now(trouble),
            Trouble::Server(..) => Self::Forever(trouble),
        }
    }
}

impl Link {
    /// `broken` met the end of its line: there is another conversation when this returns. All that was sent since the last
    /// commit is on its way again.
    pub(super) fn resume(
        &self,
        transaction: &mut Transaction,
        broken: &Arc<Conversation>,
        error: Arc<Error>,
        doing: Doing,
    ) -> Result<Resumed, Trouble> {
        if !Arc::ptr_eq(broken, &self.current()) {
            return Ok(Resumed::Again); // somebody else has done it
        }
        if let Some(trouble) = &transaction.over {
            return Err(trouble.clone());
        }
        let has_dropped = matches!(*error, Error::ConnectionClosed | Error::ConnectionBroken(_));
        let resumed = if has_dropped && self.resumes() && transaction.journal.is_complete() {
            self.try_lines(transaction, broken, &error, doing)
        } else {
            Err(Trouble::Line(error))
        };
        transaction.over = resumed.as_ref().err().cloned();
        resumed
    }

    fn try_lines(
        &self,
        transaction: &mut Transaction,
        broken: &Conversation,
        error: &Arc<Error>,
        doing: Doing,
    ) -> Result<Resumed, Trouble> {
        let retries = &self.reach.options.retries;
        let wanted = broken.unfetched();
        broken.end();
        transaction.line_broke();
        let mut last = Trouble::Line(Arc::clone(error));
        loop {
            let attempt = transaction.next_attempt();
            if attempt > retries.attempts {
                return Err(Trouble::Line(Arc::clone(error)));
            }
            wait(retries, attempt, &self.reach.error(last, None).to_string())?;
            match self.try_line(transaction, doing) {
                Ok((conversation, resumed)) => {
                    conversation.announce(&wanted);
                    self.go_on_with(conversation);
                    transaction.connected();
                    return Ok(resumed);
                }
                Err(Failed::Now(trouble)) => last = trouble,
                Err(Failed::Forever(trouble)) => return Err(trouble),
            }
        }
    }

    fn try_line(&self, transaction: &mut Transaction, doing: Doing) -> Result<(Conversation, Resumed), Failed> {
        let asked = self.reach.options.lock_wait;
        let lock_wait = if asked < 0 { asked } else { asked.max(LEAST_LOCK_WAIT) };
        let reached = self.reach.reach(None, lock_wait).map_err(|trouble| match trouble {
            Trouble::Line(error) if error.is_final() => Failed::Forever(Trouble::Line(error)),
            Trouble::Server(exception, _) if is_passing(&exception, doing) => {
                Failed::Now(Trouble::Server(exception, None))
            }
            trouble => trouble.into(),
        })?;
        if reached.id != self.id {
            return Err(not_as_it_was("another repository was at its place"));
        }
        let resumed = self.compare(&reached.conversation, transaction, doing)?;
        if resumed == Resumed::Again {
            send_again(&reached.conversation, transaction, doing)?;
        }
        Ok((reached.conversation, resumed))
    }

    /// Finds out what of the transaction is committed: nothing or all.
    fn compare(&self, conversation: &Conversation, transaction: &Transaction, doing: Doing) -> Result<Resumed, Failed> {
        let reserved = self.see_reserved(0);
        if reserved > 0 {
            let free = read_free_nonce(&conversation.call(&Call::FreeNonce)?)?;
            if free.is_none_or(|free| free < reserved) {
                return Err(not_as_it_was("it had returned to an older state"));
            }
        }
        let Some(committed) = transaction.committed.filter(|_| self.reach.options.lock != Locking::None) else {
            return Ok(Resumed::Again);
        };
        let seen = manifest(conversation)?;
        if doing == Doing::Commit && transaction.changes_manifest() && transaction.pending == Some(seen) {
            return Ok(Resumed::Committed);
        }
        // A commit that changes everything but the manifest may have changed the number of objects.
        let is_counted = doing != Doing::Commit || transaction.changes_manifest();
        let objects = match transaction.objects.filter(|_| is_counted) {
            Some(expected) => {
                conversation.call(&Call::Length)?.read(|reader| reader.number()).map(|found: u64| found == expected)
            }
            None => Ok(true),
        };
        if seen != committed || !objects.map_err(Trouble::from)? {
            return Err(not_as_it_was("it had been changed by somebody else"));
        }
        Ok(Resumed::Again)
    }
}

/// Sends all that is in the journal. A change that the server refuses is told to whoever asks for the commit.
fn send_again(conversation: &Conversation, transaction: &mut Transaction, doing: Doing) -> Result<(), Failed> {
    let unreadable = |error| Failed::Forever(Error::NotResumable(error).into());
    let may_be_there = doing == Doing::Commit && !transaction.changes_manifest();
    let mut object = Vec::new();
    let mut entries = transaction.journal.entries().map_err(unreadable)?;
    while let Some((id, change)) = entries.next(&mut object).map_err(unreadable)? {
        let sent = if may_be_there { conversation.repeat(&id, &change) } else { conversation.change(&id, &change) };
        match sent {
            Ok(()) => {}
            Err(Trouble::Server(..)) => break,
            Err(trouble) => return Err(trouble.into()),
        }
    }
    Ok(())
}

/// The server of the line before still has the lock, or is not done with removing everything.
fn is_passing(exception: &super::exception::Exception, doing: Doing) -> bool {
    exception.is("LockTimeout") || (doing == Doing::Destroy && exception.is("InvalidRepository"))
}

fn not_as_it_was(how: &'static str) -> Failed {
    Failed::Forever(Error::NotAsItWas(how).into())
}

/// Tells the user, and waits.
fn wait(retries: &Retries, attempt: u32, reason: &str) -> Result<(), Trouble> {
    let pause = retries.pause.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST_PAUSE);
    let interrupted = || if (retries.is_interrupted)() { Err(Error::Interrupted.into()) } else { Ok(()) };
    interrupted()?;
    (retries.warn)(&format!(
        "Connection to the server lost ({}), trying again in {} s (attempt {attempt} of {}).",
        reason.trim_end_matches('.'),
        pause.as_secs_f64().ceil(),
        retries.attempts
    ));
    // Clients that lost their lines at the same time need not come back at the same time: up to a quarter less.
    let clock = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().subsec_nanos();
    let until = Instant::now() + pause - pause / 4 * (clock % 1024) / 1024;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        interrupted()?;
        thread::sleep(left.min(LOOK));
    }
    interrupted()
}
