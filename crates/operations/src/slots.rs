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

    /// A piece of at least `least` and at most `most` bytes that begins with the first `content` bytes of `piece`, which
    /// becomes a part of it or is given back: its free neighbours join it, or the content moves. Without content it is the
    /// free piece with the lowest address.
    ///
    /// Waits until there is one; when all is given back but `piece`, there is. `None` when nobody will give anything back.
    pub(crate) fn grow(&self, mut piece: BytesMut, content: usize, least: usize, most: usize) -> Option<BytesMut> {
        let mut free = self.lock();
        if content == 0 {
            free.give(std::mem::take(&mut piece));
        }
        loop {
            if free.closed {
                return None;
            }
            free.extend(&mut piece);
            // Content that is copied should not have to be copied again soon.
            let elsewhere = if content == 0 { least } else { least.max(2 * content) };
            if piece.len() < least
                && let Some(position) = free.pieces.iter().position(|piece| piece.len() >= elsewhere)
            {
                let mut larger = free.pieces.remove(position);
                larger[..content].copy_from_slice(&piece[..content]);
                free.give(std::mem::replace(&mut piece, larger));
            }
            if piece.len() < least {
                piece = free.slide(piece, content, least);
            }
            if piece.len() >= least {
                if piece.len() > most {
                    free.give(piece.split_off(most));
                }
                return Some(piece);
            }
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Joins what is free behind a piece to it, if that makes it `least` bytes long.
    pub(crate) fn extend(&self, piece: &mut BytesMut, least: usize) -> bool {
        self.lock().extend(piece);
        piece.len() >= least
    }

    /// Gives a piece back.
    pub(crate) fn give(&self, piece: BytesMut) {
        self.lock().give(piece);
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

impl Free {
    fn give(&mut self, piece: BytesMut) {
        if piece.is_empty() {
            return;
        }
        let position = self.position(&piece);
        self.pieces.insert(position, piece);
        self.join(position);
        if position > 0 {
            self.join(position - 1);
        }
    }

    /// Where a piece belongs in the order of addresses.
    fn position(&self, piece: &BytesMut) -> usize {
        self.pieces.partition_point(|other| other.as_ptr() < piece.as_ptr())
    }

    /// Makes the free piece at `position` and its successor one, where they touch.
    fn join(&mut self, position: usize) {
        if position + 1 < self.pieces.len() {
            let next = self.pieces.remove(position + 1);
            if let Err(next) = self.pieces[position].try_unsplit(next) {
                self.pieces.insert(position + 1, next);
            }
        }
    }

    /// Joins the free piece behind `piece` to it, where they touch.
    fn extend(&mut self, piece: &mut BytesMut) {
        let position = self.position(piece);
        if !piece.is_empty() && position < self.pieces.len() {
            let next = self.pieces.remove(position);
            if let Err(next) = piece.try_unsplit(next) {
                self.pieces.insert(position, next);
            }
        }
    }

    /// Joins `piece` to the free piece before it and moves its content to the front, where that makes it long enough.
    fn slide(&mut self, piece: BytesMut, content: usize, least: usize) -> BytesMut {
        let position = self.position(&piece);
        if piece.is_empty() || position == 0 {
            return piece;
        }
        let mut joined = self.pieces.remove(position - 1);
        let (before, whole) = (joined.len(), joined.len() + piece.len());
        if whole < least {
            self.pieces.insert(position - 1, joined);
            return piece;
        }
        match joined.try_unsplit(piece) {
            Ok(()) => {
                joined.copy_within(before..before + content, 0);
                joined
            }
            Err(piece) => {
                self.pieces.insert(position - 1, joined);
                piece
            }
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
                    let mut piece = slots.grow(BytesMut::new(), 0, size, 2 * size).unwrap();
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

    proptest! {
        /// One piece grows while others come and go, as the reader's does; its content moves with it.
        #[test]
        fn a_piece_grows_with_its_content(steps in prop::collection::vec((1usize..300, 0usize..300, 0usize..10), 1..200)) {
            let slots = Slots::new(1000);
            let (mut piece, mut content) = (BytesMut::new(), Vec::new());
            let mut handed_on: Vec<BytesMut> = Vec::new();
            for (more, cut, which) in steps {
                let least = content.len() + more;
                while slots.lock().pieces.iter().map(BytesMut::len).max().unwrap_or(0) < 2 * least && !handed_on.is_empty() {
                    slots.give(handed_on.swap_remove(which % handed_on.len()));
                }
                if least > 1000 {
                    break;
                }
                piece = slots.grow(piece, content.len(), least, 2 * least).unwrap();
                prop_assert!(piece.len() >= least && piece[..content.len()] == content[..]);
                piece[content.len()..least].fill(which as u8);
                content.resize(least, which as u8);
                let cut = cut.min(least);
                handed_on.push(piece.split_to(cut));
                content.drain(..cut);
                let all = |pieces: &[BytesMut]| pieces.iter().map(BytesMut::len).sum::<usize>();
                prop_assert_eq!(all(&handed_on) + piece.len() + all(&slots.lock().pieces), 1000);
            }
        }
    }

    #[test]
    fn taking_waits_for_giving() {
        let slots = Slots::new(10);
        let piece = slots.grow(BytesMut::new(), 0, 8, 8).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| slots.grow(BytesMut::new(), 0, 9, 10).map(|piece| piece.len()));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waiting.is_finished());
            slots.give(piece);
            assert_eq!(waiting.join().unwrap(), Some(10));
        });
        slots.close();
        assert!(slots.grow(BytesMut::new(), 0, 1, 1).is_none());
    }
}
