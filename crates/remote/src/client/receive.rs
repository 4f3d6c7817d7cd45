//! The receiving thread: bytes of the line become responses, and each goes to whom it is for.

use std::io::{ErrorKind, Read};
use std::sync::PoisonError;

use nanoprobe_format::rpc::Splitter;

use super::answer::Answer;
use super::conversation::Shared;
use super::exception::{Exception, NOT_FOUND, unexpected};
use super::state::Pending;
use crate::Error;

const PIECE_BYTES: usize = 64 << 10;
/// A message's buffer grows by this at most at a time: what a length field promises is not believed.
const GROWTH_BYTES_MOST: usize = 1 << 20;

/// Works until the line ends.
pub(super) fn run(shared: &Shared, mut line: Box<dyn Read + Send>) {
    let error = read(shared, &mut *line).err().unwrap_or(Error::ConnectionClosed);
    shared.break_off(error);
    shared.lock().has_ended = true;
    shared.came.notify_all();
}

fn read(shared: &Shared, line: &mut dyn Read) -> Result<(), Error> {
    let mut piece = vec![0; PIECE_BYTES];
    let (mut splitter, mut message) = (Splitter::default(), Vec::new());
    loop {
        let length = match line.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Ok(()),
        };
        let mut rest = &piece[..length];
        while !rest.is_empty() {
            let end = splitter.feed(rest).map_err(|_| unexpected(rest))?;
            let (now, later) = rest.split_at(end.unwrap_or(rest.len()));
            // What is said by anybody else is no map and no list.
            let is_start = message.is_empty() && !matches!(now.first(), Some(0x80..=0x9f | 0xdc..=0xdf));
            if is_start {
                return Err(unexpected(rest));
            }
            append(&mut message, now);
            if end.is_some() {
                let complete = std::mem::take(&mut message);
                let (number, answer) = Answer::parse(complete).map_err(|_| unexpected(rest))?;
                deliver(shared, number, answer).ok_or_else(|| unexpected(now))?;
            }
            rest = later;
        }
    }
}

fn append(message: &mut Vec<u8>, bytes: &[u8]) {
    let missing = (message.len() + bytes.len()).saturating_sub(message.capacity());
    if missing > 0 && !message.is_empty() {
        message.reserve_exact(bytes.len().max(message.capacity().min(GROWTH_BYTES_MOST)));
    } else if missing > 0 {
        message.reserve_exact(bytes.len());
    }
    message.extend_from_slice(bytes);
}

/// `None`: nobody asked for that.
fn deliver(shared: &Shared, number: u64, answer: Result<Answer, Exception>) -> Option<()> {
    let mut state = shared.lock();
    match (state.pending.remove(&number)?, answer) {
        (Pending::Call, answer) => drop(state.answers.insert(number, answer)),
        (pending @ (Pending::Change(id) | Pending::Repeated(id)), answer) => {
            state.unconfirmed = state.unconfirmed.saturating_sub(1);
            let is_done = |exception: &Exception| matches!(pending, Pending::Repeated(_)) && exception.is(NOT_FOUND);
            if let (Some(exception), None) = (answer.err().filter(|exception| !is_done(exception)), &state.failure) {
                state.failure = Some((exception, id));
            }
        }
        (Pending::Ahead(id), Ok(answer)) => {
            while state.waiting == 0 && !state.is_closing && state.ahead.is_full_for(&id, &answer) {
                state = shared.go_on.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.ahead.arrive(&id, answer);
        }
        (Pending::Ahead(id), Err(_)) => state.ahead.fail(&id),
    }
    state.ask_ahead();
    shared.to_send.notify_all();
    shared.came.notify_all();
    Some(())
}
