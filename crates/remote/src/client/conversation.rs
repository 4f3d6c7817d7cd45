//! One conversation with a server: calls that wait, changes that do not, objects that were announced.
//!
//! Three threads: one sends, one reads responses, one reads what the other end says to the user. None of them polls. The
//! reader stops while more objects are here than there is room for, unless somebody waits for anything: then what was
//! announced longest ago makes room, so that no two ends ever wait for each other.
//!
//! RAM: what waits to be sent (`Limits::upload_bytes`), objects (`Limits::ahead_bytes` and one more), 40 bytes a change whose
//! answer has not come.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use embedded_io::{ErrorKind, ErrorType, Write};
use nanoprobe_format::Id;
use nanoprobe_format::msgpack::Writer;
use nanoprobe_format::rpc::Call;

use super::ahead::Place;
use super::answer::Answer;
use super::exception::Exception;
use super::state::{Pending, State};
use super::{Limits, messages, receive, send};
use crate::Error;
use crate::transport::{Line, Process};

/// Changes whose answers have not come yet, at most.
const UNCONFIRMED_MOST: usize = 4096;
/// How long the other end may take to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same when it is of no use any more.
const NO_PATIENCE: Duration = Duration::from_secs(1);
/// How long its last words are waited for.
const LAST_WORDS: Duration = Duration::from_secs(2);
const STACK_BYTES: usize = 128 << 10;

/// What a call came to when it was not what was asked for.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The line is of no use any more.
    Line(Arc<Error>),
    /// The server refused; for a change that was sent before, with what it was about.
    Server(Exception, Option<Id>),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Line(Arc::new(error))
    }
}

/// A conversation; ends when it is dropped.
pub(super) struct Conversation {
    shared: Arc<Shared>,
    /// Whoever sends a message holds it until the whole message is handed over.
    turn: Mutex<()>,
    near_end: Mutex<Option<NearEnd>>,
}

/// What is left on this side when the line has ended.
struct NearEnd {
    process: Box<dyn Process>,
    messages: JoinHandle<()>,
}

/// What the threads share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something came, or there is room again: for callers.
    pub(super) came: Condvar,
    /// There is something to send, or nothing will be sent any more.
    pub(super) to_send: Condvar,
    /// There is room for an object, or somebody waits: for the reader.
    pub(super) go_on: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something was read, and lets it be read.
    fn wait<'s>(&self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        state.waiting += 1;
        self.go_on.notify_all();
        let mut state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    pub(super) fn break_off(&self, error: Error) {
        self.lock().break_off(error);
        for condition in [&self.came, &self.to_send, &self.go_on] {
            condition.notify_all();
        }
    }
}

impl Conversation {
    /// Starts one over `line`; lines for the user go to `listener`.
    pub(super) fn start(line: Line, limits: Limits, listener: Arc<dyn Fn(&[u8]) + Send + Sync>) -> Result<Self, Error> {
        let state = Mutex::new(State::new(&limits));
        let [came, to_send, go_on] = std::array::from_fn(|_| Condvar::new());
        let shared = Arc::new(Shared { state, came, to_send, go_on });
        let Line { requests, responses, messages, process } = line;
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(work);
            thread.map_err(|error| Error::Exception(error.to_string()))
        };
        let (sender, receiver) = (Arc::clone(&shared), Arc::clone(&shared));
        spawn("send", Box::new(move || send::run(&sender, requests, limits.upload_bytes_per_second)))?;
        spawn("receive", Box::new(move || receive::run(&receiver, responses)))?;
        let messages = spawn("messages", Box::new(move || messages::read_lines(messages, &*listener)))?;
        Ok(Self { shared, turn: Mutex::new(()), near_end: Mutex::new(Some(NearEnd { process, messages })) })
    }

    /// Asks and waits for the answer.
    pub(super) fn call(&self, call: &Call<'_>) -> Result<Answer, Trouble> {
        let number = {
            let _turn = self.turn.lock();
            self.hand_over(self.shared.lock(), Pending::Call, call)?
        };
        let mut state = self.shared.lock();
        loop {
            match state.answers.remove(&number) {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(exception)) => return Err(Trouble::Server(exception, None)),
                None => {}
            }
            if let Some(error) = &state.broken {
                return Err(Trouble::Line(Arc::clone(error)));
            }
            state = self.shared.wait(state);
        }
    }

    /// Sends a change of an object without waiting for its answer. Fails when an earlier one has failed.
    pub(super) fn change(&self, id: &Id, call: &Call<'_>) -> Result<(), Trouble> {
        self.send_change(id, call, Pending::Change(*id))
    }

    /// The same of a change that may have been made before: what it is to remove may be gone.
    pub(super) fn repeat(&self, id: &Id, call: &Call<'_>) -> Result<(), Trouble> {
        self.send_change(id, call, Pending::Repeated(*id))
    }

    fn send_change(&self, id: &Id, call: &Call<'_>, pending: Pending) -> Result<(), Trouble> {
        let _turn = self.turn.lock();
        let mut state = self.shared.lock();
        while state.unconfirmed >= UNCONFIRMED_MOST && state.broken.is_none() {
            state = self.shared.wait(state);
        }
        fail_if_doomed(&state)?;
        state.ahead.forget(id);
        state.unconfirmed += 1;
        self.hand_over(state, pending, call).map(drop)
    }

    /// Waits until every change has its answer.
    pub(super) fn confirm(&self) -> Result<(), Trouble> {
        let mut state = self.shared.lock();
        while state.unconfirmed > 0 && state.broken.is_none() {
            state = self.shared.wait(state);
        }
        fail_if_doomed(&state)
    }

    /// Forgets that a change failed: it is undone.
    pub(super) fn forgive(&self) {
        self.shared.lock().failure = None;
    }

    /// These will be asked for.
    pub(super) fn announce(&self, ids: &[Id]) {
        let mut state = self.shared.lock();
        state.ahead.announce(ids);
        state.ask_ahead();
        self.shared.to_send.notify_all();
    }

    /// What was announced and not fetched, in order; of a line that broke.
    pub(super) fn unfetched(&self) -> Vec<Id> {
        self.shared.lock().ahead.wanted()
    }

    /// Calls `look` with an object's response, if it was announced and can be had.
    pub(super) fn announced<T>(&self, id: &Id, mut look: impl FnMut(&Answer) -> T) -> Option<T> {
        let mut state = self.shared.lock();
        loop {
            match state.ahead.place(id) {
                Place::Nowhere => return None,
                Place::UnderWay if state.broken.is_some() => return None,
                Place::UnderWay => state = self.shared.wait(state),
                Place::Here => {
                    let seen = state.ahead.look(id, &mut look);
                    state.ask_ahead();
                    self.shared.to_send.notify_all();
                    self.shared.go_on.notify_all();
                    return seen;
                }
            }
        }
    }

    /// Puts a whole message on its way, in pieces where it does not fit; gives its number.
    fn hand_over(&self, mut state: MutexGuard<'_, State>, pending: Pending, call: &Call<'_>) -> Result<u64, Trouble> {
        let number = state.number(pending);
        state.is_amid = true;
        let mut writer = Writer::new(Sink { shared: &self.shared, state: Some(state) });
        let sent = call.emit(number, &mut writer);
        let mut state = writer.into_inner().state.unwrap_or_else(|| self.shared.lock());
        state.is_amid = false;
        state.ask_ahead();
        self.shared.to_send.notify_all();
        sent.map(|()| number).map_err(|LineBroke(error)| Trouble::Line(error))
    }
}

/// Where messages are emitted to: what waits to be sent. Whoever emits waits for room.
struct Sink<'s> {
    shared: &'s Shared,
    /// Always there between two writes.
    state: Option<MutexGuard<'s, State>>,
}

/// The line's end on its way through `embedded-io`.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct LineBroke(Arc<Error>);

impl ErrorType for Sink<'_> {
    type Error = LineBroke;
}

impl embedded_io::Error for LineBroke {
    fn kind(&self) -> ErrorKind {
        ErrorKind::BrokenPipe
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineBroke> {
        let mut state = self.state.take().unwrap_or_else(|| self.shared.lock());
        let mut rest = bytes;
        loop {
            if let Some(error) = &state.broken {
                return Err(LineBroke(Arc::clone(error)));
            }
            rest = state.take_in(rest);
            if rest.is_empty() {
                break;
            }
            self.shared.to_send.notify_all();
            state = self.shared.wait(state);
        }
        self.state = Some(state);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), LineBroke> {
        Ok(())
    }
}

fn fail_if_doomed(state: &State) -> Result<(), Trouble> {
    match (&state.broken, &state.failure) {
        (_, Some((exception, id))) => Err(Trouble::Server(exception.clone(), Some(*id))),
        (Some(error), None) => Err(Trouble::Line(Arc::clone(error))),
        (None, None) => Ok(()),
    }
}

impl Conversation {
    /// Sends what is left, closes the line, and waits for the other end, which releases its lock meanwhile. Nothing can be
    /// asked afterwards.
    pub(super) fn end(&self) {
        let near_end = self.near_end.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(NearEnd { mut process, messages }) = near_end else { return };
        let mut state = self.shared.lock();
        state.is_closing = true;
        let mut patience = if state.broken.is_none() { PATIENCE } else { NO_PATIENCE };
        self.shared.to_send.notify_all();
        self.shared.go_on.notify_all();
        let ended = self.shared.came.wait_timeout_while(state, patience, |state| !state.has_ended);
        if !ended.is_ok_and(|(state, _)| state.has_ended) {
            patience = NO_PATIENCE;
        }
        process.end(patience);
        // A master process of ssh may keep the stream open for ever.
        let until = Instant::now() + LAST_WORDS;
        while !messages.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.end();
    }
}
