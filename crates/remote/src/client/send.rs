//! The sending thread: what was handed over goes to the line, no faster than allowed.

use std::io::Write;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use super::conversation::Shared;
use crate::Error;

/// Written at a time: what a pipe takes.
const PIECE_BYTES: usize = 64 << 10;
/// The line's other side usually tells better why nothing can be sent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Works until nothing will be sent any more.
pub(super) fn run(shared: &Shared, mut line: Box<dyn Write + Send>, bytes_per_second: Option<u64>) {
    let mut pace = bytes_per_second.map(Pace::new);
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    loop {
        piece.clear();
        {
            let mut state = shared.lock();
            while state.outgoing.is_empty() {
                if state.is_closing || state.broken.is_some() {
                    return;
                }
                state = shared.to_send.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let most = pace.as_ref().map_or(PIECE_BYTES, |pace| pace.piece_bytes);
            let length = state.outgoing.as_slices().0.len().min(most);
            piece.extend(state.outgoing.drain(..length));
            state.ask_ahead();
            shared.came.notify_all();
        }
        if let Some(pace) = &mut pace {
            pace.wait(piece.len());
        }
        if line.write_all(&piece).and_then(|()| line.flush()).is_err() {
            let state = shared.lock();
            drop(shared.came.wait_timeout_while(state, PATIENCE, |state| state.broken.is_none()));
            return shared.break_off(Error::ConnectionBroken("Broken Pipe"));
        }
    }
}

/// Spreads bytes over time: what is sent never runs ahead of the clock by more than a tenth of a second.
struct Pace {
    bytes_per_second: u64,
    piece_bytes: usize,
    /// When the bytes sent so far have had their time.
    due: Instant,
}

impl Pace {
    fn new(bytes_per_second: u64) -> Self {
        let piece_bytes = (bytes_per_second / 20).clamp(1, PIECE_BYTES as u64) as usize;
        Self { bytes_per_second, piece_bytes, due: Instant::now() }
    }

    fn wait(&mut self, bytes: usize) {
        let now = Instant::now();
        self.due = self.due.max(now);
        thread::sleep(self.due.saturating_duration_since(now));
        self.due += Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
    }
}
