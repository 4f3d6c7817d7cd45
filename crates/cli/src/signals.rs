//! SIGINT, SIGTERM and SIGHUP: the first asks the running operation to stop where nothing is lost; one that comes while nothing
//! can stop, or a second one, ends the process at once (what was not committed is as if it never was).

use std::{
    io,
    os::fd::OwnedFd,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nanoprobe_operations::Interrupt;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::log::lock;

/// Looked at by every operation.
pub(crate) static INTERRUPT: Interrupt = Interrupt::new();
static RECEIVED: AtomicU8 = AtomicU8::new(0);
static STOPPABLE: AtomicBool = AtomicBool::new(false);
/// The other end of what [`waker`] gave.
static ASLEEP: Mutex<Option<OwnedFd>> = Mutex::new(None);

/// Exit code when the reader of our output went away: 128 and SIGPIPE's number.
pub(crate) const BROKEN_PIPE: u8 = 141;
/// One key press may reach us twice, through a parent process.
const SAME_SIGNAL: Duration = Duration::from_millis(20);

/// A signal that ends the program in an orderly way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    HangUp,
    Interrupt,
    Terminate,
}

impl Signal {
    /// 128 and the signal's number.
    pub(crate) fn exit_code(self) -> u8 {
        128 + match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// The signal that came first, if any did.
pub(crate) fn received() -> Option<Signal> {
    match RECEIVED.load(Ordering::Relaxed) {
        1 => Some(Signal::HangUp),
        2 => Some(Signal::Interrupt),
        15 => Some(Signal::Terminate),
        _ => None,
    }
}

/// From now on the program looks at [`INTERRUPT`]; a signal no longer ends it at once.
pub(crate) fn stoppable() {
    STOPPABLE.store(true, Ordering::Relaxed);
}

/// A stream that ends when a signal comes, for those who wait for streams and look at nothing else.
pub(crate) fn waker() -> io::Result<OwnedFd> {
    let (wake, asleep) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    *lock(&ASLEEP) = Some(asleep);
    Ok(wake)
}

/// Starts listening. Costs one thread with a small stack.
pub(crate) fn listen() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let listener = thread::Builder::new().name("signals".into()).stack_size(64 << 10);
    listener.spawn(move || {
        let mut last: Option<Instant> = None;
        for number in signals.forever() {
            let code = 128 + i32::from(number as u8);
            let again = last.is_some_and(|last| last.elapsed() >= SAME_SIGNAL);
            if !STOPPABLE.load(Ordering::Relaxed) || again {
                std::process::exit(code);
            }
            if last.is_none() {
                RECEIVED.store(number as u8, Ordering::Relaxed);
                INTERRUPT.request();
                drop(lock(&ASLEEP).take());
                last = Some(Instant::now());
            }
        }
    })?;
    Ok(())
}
