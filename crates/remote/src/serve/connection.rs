//! The streams: bytes in, messages out, and the other way round.

use std::io;
use std::os::fd::BorrowedFd;

use embedded_io::ErrorType;
use nanoprobe_format::rpc::Splitter;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::Errno;

use super::Streams;
use crate::Error;

/// Asked of the kernel at a time: what a pipe holds.
const READ_BYTES: usize = 64 << 10;
/// Answers wait for each other up to this size; larger ones go out as they are.
const GATHERED_BYTES: usize = 64 << 10;
/// A client that is silent for so long gets our memory back.
const SILENCE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// We were told to end while the client did not read.
pub(super) const ENDED: io::ErrorKind = io::ErrorKind::Interrupted;
/// Something came, or the other end of a pipe is gone.
const WOKEN: PollFlags = PollFlags::IN.union(PollFlags::HUP);

/// What comes from the client.
pub(super) struct Input<'a> {
    streams: Streams<'a>,
    splitter: Splitter,
    bytes: Vec<u8>,
    /// Where the first message that was not given out yet begins.
    start: usize,
    /// How far the splitter has looked.
    seen: usize,
}

/// What came when more was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Bytes,
    Closed,
    Woken,
}

impl<'a> Input<'a> {
    pub(super) fn new(streams: Streams<'a>) -> Self {
        Self { streams, splitter: Splitter::default(), bytes: Vec::new(), start: 0, seen: 0 }
    }

    /// The next message, if it has arrived whole.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        let new = self.bytes.get(self.seen..).unwrap_or_default();
        let end = self.splitter.feed(new).map_err(|_| Error::UnexpectedFromClient)?;
        let Some(end) = end else {
            self.seen = self.bytes.len();
            return Ok(None);
        };
        let start = self.start;
        self.seen += end;
        self.start = self.seen;
        Ok(self.bytes.get(start..self.seen))
    }

    /// Waits for bytes; `idle` is called once when none come for a while.
    pub(super) fn more(&mut self, idle: impl FnOnce()) -> io::Result<Next> {
        self.bytes.drain(..self.start);
        self.seen -= self.start;
        self.start = 0;
        if !self.wait(Some(&SILENCE))? {
            if self.bytes.is_empty() {
                self.bytes = Vec::new();
            }
            idle();
            self.wait(None)?;
        }
        if self.is_woken()? {
            return Ok(Next::Woken);
        }
        self.bytes.reserve(READ_BYTES);
        loop {
            match rustix::io::read(self.streams.input, spare_capacity(&mut self.bytes)) {
                Ok(0) => return Ok(Next::Closed),
                Ok(_) => return Ok(Next::Bytes),
                Err(Errno::INTR | Errno::AGAIN) => drop(self.wait(None)?),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// False when nothing came in time.
    fn wait(&self, timeout: Option<&Timespec>) -> io::Result<bool> {
        let mut wanted =
            [PollFd::new(&self.streams.input, PollFlags::IN), PollFd::new(&self.streams.wake, PollFlags::IN)];
        loop {
            match poll(&mut wanted, timeout) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_woken(&self) -> io::Result<bool> {
        Ok(is_ready(self.streams.wake, WOKEN)?)
    }
}

/// Whether anybody is still waiting for us.
#[derive(Clone, Copy)]
pub(super) struct Peer<'a> {
    streams: Streams<'a>,
}

impl<'a> Peer<'a> {
    pub(super) fn new(streams: Streams<'a>) -> Self {
        Self { streams }
    }

    /// The client has closed its stream, or we are to end.
    pub(super) fn is_gone(&self) -> bool {
        let closed = PollFlags::HUP | PollFlags::RDHUP | PollFlags::ERR;
        is_ready(self.streams.input, closed).unwrap_or(true) || is_ready(self.streams.wake, WOKEN).unwrap_or(true)
    }
}

fn is_ready(stream: BorrowedFd<'_>, flags: PollFlags) -> Result<bool, Errno> {
    let mut wanted = [PollFd::new(&stream, flags)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut wanted, Some(&at_once)) {
        Ok(_) => Ok(wanted[0].revents().intersects(flags)),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What goes to the client. Answers are gathered while there are more requests at hand, so that small ones share a write.
///
/// A client that does not read must not hold us: a pipe or socket is written to without blocking, and while it is full
/// the end may come. Whoever shares it finds it as it was when we are done.
pub(super) struct Output<'a> {
    streams: Streams<'a>,
    gathered: Vec<u8>,
    /// What the stream's flags were before.
    flags: Option<OFlags>,
}

impl<'a> Output<'a> {
    pub(super) fn new(streams: Streams<'a>) -> Self {
        Self { streams, gathered: Vec::new(), flags: without_blocking(streams.output) }
    }

    /// Fails with [`ENDED`] when we are to end while the client does not read.
    fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(self.streams.output, bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn wait(&self) -> io::Result<()> {
        let mut wanted =
            [PollFd::new(&self.streams.output, PollFlags::OUT), PollFd::new(&self.streams.wake, PollFlags::IN)];
        match poll(&mut wanted, None) {
            Ok(_) if wanted[1].revents().intersects(WOKEN) => Err(ENDED.into()),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The former flags of what is a pipe or a socket.
fn without_blocking(stream: BorrowedFd<'_>) -> Option<OFlags> {
    let kind = FileType::from_raw_mode(fstat(stream).ok()?.st_mode);
    let flags = fcntl_getfl(stream).ok().filter(|_| matches!(kind, FileType::Fifo | FileType::Socket))?;
    fcntl_setfl(stream, flags | OFlags::NONBLOCK).ok().map(|()| flags)
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        if let Some(flags) = self.flags {
            let _ = fcntl_setfl(self.streams.output, flags); // nobody is left to tell
        }
    }
}

impl Output<'_> {
    /// Sends what is gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.send(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}

impl ErrorType for Output<'_> {
    type Error = io::Error;
}

impl embedded_io::Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() + bytes.len() > GATHERED_BYTES {
            Output::flush(self)?;
        }
        if bytes.len() > GATHERED_BYTES {
            self.send(bytes)?;
        } else {
            self.gathered.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Output::flush(self)
    }
}
