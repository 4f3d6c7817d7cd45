//! Between the SSH library and the network: a socket pair, and two bounded buffers that carry its bytes on.
//!
//! The library keeps a packet that could not be sent whole until exactly that call is repeated; whatever else it wants to send
//! meanwhile (answers to the server, more room for its data, signs of life) fails or is lost. Here its socket always has room for
//! what one call sends: it is emptied after each, and nothing large is begun while much waits for the network.
//!
//! RAM: 64 KiB each way, and one packet of 35 KB.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::ErrorCode;

const BUFFER_BYTES: usize = 64 << 10;
/// libssh2's `LIBSSH2_ERROR_EAGAIN`, `_TIMEOUT` and `_SOCKET_DISCONNECT`.
const TRY_AGAIN: ErrorCode = ErrorCode::Session(-37);
const TIMED_OUT: ErrorCode = ErrorCode::Session(-9);
const DISCONNECTED: ErrorCode = ErrorCode::Session(-13);

/// Carries bytes between the library and the network.
pub(super) struct Wire {
    network: TcpStream,
    library: UnixStream,
    outgoing: Buffer,
    incoming: Buffer,
    /// When something came from the network.
    heard: Instant,
    has_ended: bool,
}

/// Bytes that wait to be handed on.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    taken: usize,
}

impl Wire {
    /// Takes a connection; gives also the socket for the library.
    pub(super) fn new(network: TcpStream) -> io::Result<(Self, UnixStream)> {
        let (library, socket) = UnixStream::pair()?;
        library.set_nonblocking(true)?;
        network.set_nonblocking(true)?;
        network.set_nodelay(true)?;
        let (outgoing, incoming) = (Buffer::new(2 * BUFFER_BYTES), Buffer::new(BUFFER_BYTES));
        Ok((Self { network, library, outgoing, incoming, heard: Instant::now(), has_ended: false }, socket))
    }

    /// Moves what can be moved without waiting. Gives whether anything was.
    pub(super) fn exchange(&mut self) -> bool {
        let sent = self.send();
        self.receive() | sent
    }

    /// Empties the library's socket, and sends what the network takes.
    pub(super) fn send(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        let mut moved = false;
        while let Ok(length @ 1..) = self.library.read(&mut piece) {
            self.outgoing.append(&piece[..length]);
            moved = true;
        }
        while !self.outgoing.is_empty() && !self.has_ended {
            match self.outgoing.give(&mut self.network) {
                Ok(_) => moved = true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.end(),
            }
        }
        if self.has_ended {
            self.outgoing.clear();
        }
        moved
    }

    fn receive(&mut self) -> bool {
        let mut moved = false;
        if self.incoming.is_empty() && !self.has_ended {
            match self.incoming.take(&mut self.network) {
                Ok(1..) => (self.heard, moved) = (Instant::now(), true),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => self.end(),
            }
        }
        while !self.incoming.is_empty() {
            match self.incoming.give(&mut self.library) {
                Ok(_) => moved = true,
                Err(_) => break, // the library has yet to read
            }
        }
        if self.has_ended && self.incoming.is_empty() {
            let _ = self.library.shutdown(Shutdown::Write); // once more does no harm
        }
        moved
    }

    fn end(&mut self) {
        self.has_ended = true;
    }

    /// Whether something large may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.len() < BUFFER_BYTES
    }

    /// What the network is waited for, when there is anything.
    pub(super) fn wanted(&self) -> Option<PollFd<'_>> {
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, self.incoming.is_empty());
        events.set(PollFlags::OUT, !self.outgoing.is_empty());
        (!self.has_ended && !events.is_empty()).then(|| PollFd::new(&self.network, events))
    }

    /// How long nothing has come; nothing where nothing is being read.
    pub(super) fn silence(&mut self) -> Duration {
        if !self.incoming.is_empty() {
            self.heard = Instant::now();
        }
        self.heard.elapsed()
    }

    /// Does one thing with the library, however often it must be asked for, while the network goes on saying something.
    pub(super) fn complete<T>(
        &mut self,
        patience: Duration,
        mut act: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, ssh2::Error> {
        self.heard = Instant::now();
        loop {
            let begun = Instant::now();
            let done = act();
            self.heard += begun.elapsed(); // a person may have been asked meanwhile
            self.send();
            match done {
                Err(error) if error.code() == TRY_AGAIN => {}
                done => return done,
            }
            if self.has_ended && self.incoming.is_empty() {
                return Err(ssh2::Error::from_errno(DISCONNECTED));
            }
            let Some(left) = patience.checked_sub(self.heard.elapsed()) else {
                return Err(ssh2::Error::from_errno(TIMED_OUT));
            };
            if let Some(network) = self.wanted() {
                wait(&mut [network], Some(left));
            }
            self.exchange();
        }
    }
}

/// Waits for one of several streams.
pub(super) fn wait(streams: &mut [PollFd<'_>], timeout: Option<Duration>) {
    // A millisecond more, so that what is waited for has come when it is looked at.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout + Duration::from_millis(1)).ok());
    let _ = poll(streams, timeout.as_ref()); // a signal may end it: everything is looked at again anyway
}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), taken: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }

    fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// What waits.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// So many of the bytes are gone.
    pub(super) fn consume(&mut self, length: usize) {
        self.taken += length;
        if self.is_empty() {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.taken = 0;
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        if self.taken > 0 && self.bytes.len() + bytes.len() > self.bytes.capacity() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Reads once into an empty buffer, as much as fits.
    pub(super) fn take(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.bytes.resize(self.bytes.capacity(), 0);
        let length = from.read(&mut self.bytes);
        self.bytes.truncate(*length.as_ref().unwrap_or(&0));
        length
    }

    /// Writes once.
    pub(super) fn give(&mut self, to: &mut impl Write) -> io::Result<usize> {
        let length = to.write(self.rest())?;
        self.consume(length);
        Ok(length)
    }
}
