//! The fixed buffer for file content: allocated once, handed out in pieces, put together again without copying.
//!
//! The reader takes a piece, reads into it, cuts the filled part off for the workers and goes on in the rest; workers
//! give their part back when it is sealed. So the memory for content under way is one number, and chunks take no more
//! of it than their size.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;

/// The buffer and its free pieces, in order of address.
pub(crate) struct Slots {
    free: Mutex<Free>,
    returned: Condvar,
}

struct Free {
    pieces: Vec<BytesMut>,
    closed: bool,
}

impl Slots {
    /// Allocates the buffer.
    pub(crate) fn new(bytes: usize) -> Self {
        let free = Free { pieces: vec![BytesMut::zeroed(bytes)], closed: false };
        Self { free: Mutex::new(free), returned: Condvar::new() }
    }

    /// A free piece of at least `least` and at most `most` bytes, the one with the lowest address; waits until there
    /// is one. `None` when nobody will give anything back any more.
    pub(crate) fn take(&self, least: usize, most: usize) -> Option<BytesMut> {
        let mut free = self.lock();
        loop {
            if free.closed {
                return None;
            }
            if let Some(position) = free.pieces.iter().position(|piece| piece.len() >= least) {
                let piece = &mut free.pieces[position];
                if piece.len() > most {
                    return Some(piece.split_to(most));
                }
                return Some(free.pieces.remove(position));
            }
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives a piece back.
    pub(crate) fn give(&self, piece: BytesMut) {
        if piece.is_empty() {
            return;
        }
        let mut free = self.lock();
        let address = |piece: &BytesMut| piece.as_ptr() as usize;
        let position = free.pieces.partition_point(|other| address(other) < address(&piece));
        free.pieces.insert(position, piece);
        join(&mut free.pieces, position);
        if position > 0 {
            join(&mut free.pieces, position - 1);
        }
        self.returned.notify_one();
    }

    /// Wakes whoever waits: a worker failed.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.returned.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the piece at `position` and its successor one, where they touch.
fn join(pieces: &mut Vec<BytesMut>, position: usize) {
    if position + 1 < pieces.len() {
        let next = pieces.remove(position + 1);
        if let Err(next) = pieces[position].try_unsplit(next) {
            pieces.insert(position + 1, next);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_given_back_becomes_one_piece_again(steps in prop::collection::vec((1usize..400, 0usize..10), 1..200)) {
            let slots = Slots::new(1000);
            let start = slots.lock().pieces[0].as_ptr() as usize;
            let mut taken: Vec<BytesMut> = Vec::new();
            for (size, which) in steps {
                let largest = slots.lock().pieces.iter().map(|piece| piece.len()).max().unwrap_or(0);
                if largest >= size {
                    let mut piece = slots.take(size, 2 * size).unwrap();
                    prop_assert!(piece.len() >= size && piece.len() <= 2 * size);
                    let rest = piece.split_off(size / 2);
                    taken.extend([piece, rest]);
                } else if !taken.is_empty() {
                    slots.give(taken.swap_remove(which % taken.len()));
                }
                let all: usize = taken.iter().map(|piece| piece.len()).sum();
                let free: usize = slots.lock().pieces.iter().map(|piece| piece.len()).sum();
                prop_assert_eq!(all + free, 1000);
            }
            taken.into_iter().for_each(|piece| slots.give(piece));
            let free = slots.lock();
            prop_assert_eq!(free.pieces.len(), 1);
            prop_assert_eq!((free.pieces[0].len(), free.pieces[0].as_ptr() as usize), (1000, start));
        }
    }

    #[test]
    fn taking_waits_for_giving() {
        let slots = Slots::new(10);
        let piece = slots.take(8, 8).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| slots.take(9, 10).map(|piece| piece.len()));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waiting.is_finished());
            slots.give(piece);
            assert_eq!(waiting.join().unwrap(), Some(10));
        });
        slots.close();
        assert!(slots.take(1, 1).is_none());
    }
}
