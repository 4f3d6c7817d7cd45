//! What the threads of a conversation share: what waits to be sent, what is awaited, what came.

use std::collections::{HashMap, VecDeque};

use std::sync::Arc;

use nanoprobe_format::Id;
use nanoprobe_format::msgpack::Writer;
use nanoprobe_format::rpc::Call;

use super::ahead::Ahead;
use super::answer::Answer;
use super::exception::Exception;
use super::open::Limits;
use crate::Error;

/// Room that a request for an object needs.
const REQUEST_BYTES: usize = 80;

/// Everything under the conversation's one lock.
pub(super) struct State {
    /// Number of the next request.
    next: u64,
    /// Bytes on their way to the line; never more than `room`.
    pub(super) outgoing: VecDeque<u8>,
    room: usize,
    /// A message is being handed over in pieces: nothing may come between.
    pub(super) is_amid: bool,
    /// What the requests under way are for.
    pub(super) pending: HashMap<u64, Pending>,
    /// What callers wait for.
    pub(super) answers: HashMap<u64, Result<Answer, Exception>>,
    /// Requests whose answer nobody waits for yet.
    pub(super) unconfirmed: usize,
    /// The first of them that failed; the transaction is doomed.
    pub(super) failure: Option<(Exception, Id)>,
    /// Objects that will be asked for.
    pub(super) ahead: Ahead,
    /// Callers that cannot go on before something is read from the line.
    pub(super) waiting: usize,
    /// Nothing more will be asked.
    pub(super) is_closing: bool,
    /// The line's end, and what came of it.
    pub(super) broken: Option<Arc<Error>>,
    /// The reader has seen the end of the line.
    pub(super) has_ended: bool,
}

/// What a request is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pending {
    /// Somebody waits for the answer.
    Call,
    /// A change: the answer matters at the next commit.
    Change(Id),
    /// One that may have been made before.
    Repeated(Id),
    /// An object asked for ahead.
    Ahead(Id),
}

impl State {
    pub(super) fn new(limits: &Limits) -> Self {
        let room = limits.upload_bytes;
        Self {
            next: 1,
            outgoing: VecDeque::with_capacity(room),
            room,
            is_amid: false,
            pending: HashMap::new(),
            answers: HashMap::new(),
            unconfirmed: 0,
            failure: None,
            ahead: Ahead::new(limits.ahead_bytes, limits.requested_bytes),
            waiting: 0,
            is_closing: false,
            broken: None,
            has_ended: false,
        }
    }

    /// Numbers a request.
    pub(super) fn number(&mut self, pending: Pending) -> u64 {
        let number = self.next;
        self.next += 1;
        self.pending.insert(number, pending);
        number
    }

    /// Takes as many of the bytes as there is room for; gives the rest.
    pub(super) fn take_in<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (now, later) = bytes.split_at(bytes.len().min(self.free()));
        self.outgoing.extend(now);
        later
    }

    /// Asks for as many objects ahead as may be under way.
    pub(super) fn ask_ahead(&mut self) {
        while !self.is_amid && !self.is_closing && self.broken.is_none() && self.free() >= REQUEST_BYTES {
            let Some(id) = self.ahead.next_request() else { return };
            let number = self.number(Pending::Ahead(id));
            let Ok(()) = Call::Get(id).emit(number, &mut Writer::new(&mut self.outgoing));
        }
    }

    /// The line is of no more use; the first reason counts.
    pub(super) fn break_off(&mut self, error: Error) {
        self.broken.get_or_insert_with(|| Arc::new(error));
        self.outgoing.clear();
        self.ahead.start_anew();
    }

    fn free(&self) -> usize {
        self.room - self.outgoing.len().min(self.room)
    }
}
