//! Workers finish in any order and commit in the order of the walk.
//!
//! There is no thread that only commits: whose turn it is does it, with its own output still in hand, so that sealed
//! objects are never handed over and each worker needs room for one unit only.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::Error;

/// What is worked on in turns, and whose turn it is.
pub(super) struct Turns<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    next: u64,
    value: T,
    failure: Option<Error>,
}

/// Somebody failed before this turn came.
#[derive(Debug)]
pub(super) struct Failed;

impl<T> Turns<T> {
    pub(super) fn new(value: T) -> Self {
        Self { state: Mutex::new(State { next: 0, value, failure: None }), changed: Condvar::new() }
    }

    /// Waits for the turn of `sequence` and does its work.
    pub(super) fn take(&self, sequence: u64, work: impl FnOnce(&mut T) -> Result<(), Error>) -> Result<(), Failed> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_while(state, |state| state.next != sequence && state.failure.is_none());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_some() {
            return Err(Failed);
        }
        let result = work(&mut state.value);
        state.next += 1;
        state.failure = result.err();
        self.changed.notify_all();
        if state.failure.is_some() { Err(Failed) } else { Ok(()) }
    }

    /// Nobody's turn comes any more.
    pub(super) fn fail(&self, error: Error) -> Failed {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failure.get_or_insert(error);
        self.changed.notify_all();
        Failed
    }

    /// The value when all is done, or the first failure.
    pub(super) fn finish(self) -> Result<T, Error> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.failure {
            Some(error) => Err(error),
            None => Ok(state.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order() {
        let turns = Turns::new(Vec::new());
        std::thread::scope(|scope| {
            for sequence in (0..20).rev() {
                let turns = &turns;
                scope.spawn(move || {
                    turns
                        .take(sequence, |done| {
                            done.push(sequence);
                            Ok(())
                        })
                        .unwrap()
                });
            }
        });
        assert!(turns.finish().unwrap().into_iter().eq(0..20));
    }

    #[test]
    fn a_failure_ends_all_waiting() {
        let turns = Turns::new(());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.take(5, |()| Ok(())));
            turns.fail(Error::Interrupted);
            assert!(waiting.join().unwrap().is_err());
        });
        assert!(turns.finish().is_err());
    }
}
