//! The thread that carries a command's three streams between the library and pipes, and sleeps while there is nothing to carry.
//!
//! It ends when the command has ended, when the line is lost or silent for too long, or when nobody reads the responses any
//! more; then all pipes end. What it has to say stands among the messages, in the words of `ssh`.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};
use ssh2::{Channel, Session, Stream};

use super::options::Options;
use super::wire::{Buffer, Wire, wait};
use crate::transport::{Line, Process};

const BUFFER_BYTES: usize = 64 << 10;
const MESSAGES_BYTES: usize = 8 << 10;
/// Keys are exchanged anew on it from time to time.
const STACK_BYTES: usize = 512 << 10;
/// How long after the last of a command's output the server may take to close the channel.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// The library sends no sign of life more often; ours decides when one is due.
const LEAST_ALIVE_SECONDS: u32 = 2;

/// Starts carrying the streams of a command that was started.
pub(super) fn start(
    session: Session,
    channel: Channel,
    wire: Wire,
    network: TcpStream,
    options: &Options,
    banner: String,
) -> io::Result<Line> {
    let (requests_source, requests) = pipe(Side::Reader)?;
    let (responses, responses_sink) = pipe(Side::Writer)?;
    let (messages, messages_sink) = pipe(Side::Writer)?;
    let (sender, ended) = self::channel();
    let mut pump = Pump {
        session,
        messages_of_command: channel.stream(ssh2::EXTENDED_DATA_STDERR),
        command: channel,
        wire,
        requests: Source { pipe: Some(requests_source), buffer: Buffer::new(BUFFER_BYTES), is_told: false },
        responses: Sink { pipe: Some(responses_sink), buffer: Buffer::new(BUFFER_BYTES) },
        messages: Sink { pipe: Some(messages_sink), buffer: Buffer::new(MESSAGES_BYTES) },
        host: options.host.clone(),
        alive_interval: options.alive_interval,
        alive_count_most: options.alive_count_most,
        signs_of_life: 0,
        closing_since: None,
    };
    pump.messages.buffer.append(banner.as_bytes());
    pump.session.set_keepalive(true, LEAST_ALIVE_SECONDS);
    thread::Builder::new().name("ssh".into()).stack_size(STACK_BYTES).spawn(move || {
        pump.run();
        let _ = sender.send(()); // nobody may be waiting
    })?;
    Ok(Line {
        requests: Box::new(requests),
        responses: Box::new(responses),
        messages: Box::new(messages),
        process: Box::new(Pumping { ended, network }),
    })
}

/// Which end of a pipe is ours; it never waits.
enum Side {
    Reader,
    Writer,
}

fn pipe(ours: Side) -> io::Result<(File, File)> {
    let (reader, writer): (OwnedFd, OwnedFd) = pipe_with(PipeFlags::CLOEXEC)?;
    let ours = match ours {
        Side::Reader => &reader,
        Side::Writer => &writer,
    };
    fcntl_setfl(ours, fcntl_getfl(ours)? | OFlags::NONBLOCK)?;
    Ok((File::from(reader), File::from(writer)))
}

/// The near end of the line.
struct Pumping {
    ended: Receiver<()>,
    network: TcpStream,
}

impl Process for Pumping {
    fn end(&mut self, patience: Duration) {
        if self.ended.recv_timeout(patience).is_err() {
            let _ = self.network.shutdown(Shutdown::Both); // it may have ended just now
            let _ = self.ended.recv_timeout(patience);
        }
    }
}

struct Pump {
    // Dropped in this order: nothing is waited for when the wire has gone first.
    wire: Wire,
    messages_of_command: Stream,
    command: Channel,
    session: Session,
    requests: Source,
    responses: Sink,
    messages: Sink,
    host: String,
    alive_interval: Option<Duration>,
    alive_count_most: u32,
    /// Asked for since something came.
    signs_of_life: u32,
    /// The command has nothing more to say.
    closing_since: Option<Instant>,
}

/// How it goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    On,
    Ended,
}

impl Pump {
    fn run(mut self) {
        while self.responses.pipe.is_some() {
            let moved = self.wire.exchange();
            let (moved, course) = match self.step() {
                Ok((also_moved, course)) => (moved | also_moved, course),
                Err(reason) => {
                    self.say(&reason);
                    (true, Course::Ended)
                }
            };
            if course == Course::Ended {
                break;
            }
            if !moved {
                self.sleep();
            }
        }
        self.finish();
    }

    /// Carries what can be carried without waiting. An error is what is to be told.
    fn step(&mut self) -> Result<(bool, Course), String> {
        let host = &self.host;
        let lost = |error: io::Error| format!("Connection to {host} closed by remote host: {error}");
        let mut moved = false;
        if self.responses.buffer.is_empty() {
            moved |= received(self.responses.buffer.take(&mut self.command)).map_err(lost)?;
        }
        if self.messages.buffer.is_empty() {
            moved |= received(self.messages.buffer.take(&mut self.messages_of_command)).map_err(lost)?;
        }
        moved |= self.responses.flush() | self.messages.flush();
        moved |= self.requests.fill();
        while !self.requests.buffer.is_empty() && self.wire.has_room() {
            match self.command.write(self.requests.buffer.rest()) {
                Ok(length) => {
                    self.requests.buffer.consume(length);
                    moved = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break, // the server has no room
                // A command that has ended reads nothing; what it said is still to come.
                Err(_) if self.command.eof() => self.requests.buffer.clear(),
                Err(error) => return Err(lost(error)),
            }
            self.wire.send();
        }
        if self.requests.has_ended() && !self.requests.is_told && self.command.send_eof().is_ok() {
            self.requests.is_told = true;
            moved = true;
        }
        self.wire.send();
        self.stay_alive()?;
        let course = if self.has_closed() { Course::Ended } else { Course::On };
        Ok((moved, course))
    }

    /// Whether the command and the server have said their last.
    fn has_closed(&mut self) -> bool {
        if !self.command.eof() {
            self.closing_since = None;
            return false;
        }
        let since = *self.closing_since.get_or_insert_with(Instant::now);
        self.command.wait_close().is_ok() || since.elapsed() >= CLOSE_PATIENCE
    }

    /// Asks a silent server for a sign of life; one that gives none is gone.
    fn stay_alive(&mut self) -> Result<(), String> {
        let Some(interval) = self.alive_interval else { return Ok(()) };
        let silence = self.wire.silence();
        let due = u32::try_from(silence.as_millis() / interval.as_millis().max(1)).unwrap_or(u32::MAX);
        if due == 0 {
            self.signs_of_life = 0;
        } else if due > self.alive_count_most {
            return Err(format!("Timeout, server {} not responding.", self.host));
        } else if due > self.signs_of_life {
            self.signs_of_life = due;
            let _ = self.session.keepalive_send(); // whether it arrives is the question
            self.wire.send();
        }
        Ok(())
    }

    /// Waits until there is something to carry, or a sign of life is due.
    fn sleep(&mut self) {
        let silence = self.wire.silence();
        let until_sign = self.alive_interval.map(|interval| {
            let due = interval * (u32::try_from(silence.as_millis() / interval.as_millis().max(1)).unwrap_or(0) + 1);
            due.saturating_sub(silence)
        });
        let until_close = self.closing_since.map(|since| CLOSE_PATIENCE.saturating_sub(since.elapsed()));
        let timeout = until_sign.into_iter().chain(until_close).min();
        let mut streams: Vec<PollFd<'_>> = Vec::with_capacity(4);
        streams.extend(self.wire.wanted());
        streams.extend(self.requests.wanted());
        let messages = streams.len();
        streams.extend(self.messages.wanted());
        let responses = streams.len();
        streams.extend(self.responses.wanted());
        wait(&mut streams, timeout);
        let is_gone =
            |stream: Option<&PollFd<'_>>| stream.is_some_and(|stream| stream.revents().contains(PollFlags::ERR));
        let responses_gone = is_gone(streams.get(responses));
        let messages_gone = messages < responses && is_gone(streams.get(messages));
        if responses_gone {
            self.responses.pipe = None;
        }
        if messages_gone {
            self.messages.pipe = None;
        }
    }

    fn say(&mut self, text: &str) {
        self.messages.buffer.append(text.as_bytes());
        self.messages.buffer.append(b"\n");
    }

    /// Hands over what was received, and takes leave of the server without waiting for it.
    fn finish(&mut self) {
        self.requests.pipe = None;
        let _ = self.session.disconnect(None, "", None); // the line may be lost
        self.wire.send();
        loop {
            self.responses.flush();
            self.messages.flush();
            let waiting = [&self.responses, &self.messages].into_iter().filter(|sink| !sink.buffer.is_empty());
            let mut streams: Vec<PollFd<'_>> = waiting.filter_map(Sink::wanted).collect();
            if streams.is_empty() {
                return;
            }
            wait(&mut streams, None);
        }
    }
}

/// Whether anything was received; that nothing can be now is no error.
fn received(length: io::Result<usize>) -> io::Result<bool> {
    match length {
        Ok(length) => Ok(length > 0),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// What comes from a pipe.
struct Source {
    /// `None`: it has ended.
    pipe: Option<File>,
    buffer: Buffer,
    /// The other end knows that it has ended.
    is_told: bool,
}

impl Source {
    fn fill(&mut self) -> bool {
        let Some(pipe) = self.pipe.as_mut().filter(|_| self.buffer.is_empty()) else { return false };
        match self.buffer.take(pipe) {
            Ok(1..) => return true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return false,
            Ok(0) | Err(_) => self.pipe = None,
        }
        true
    }

    fn has_ended(&self) -> bool {
        self.pipe.is_none() && self.buffer.is_empty()
    }

    fn wanted(&self) -> Option<PollFd<'_>> {
        let pipe = self.pipe.as_ref().filter(|_| self.buffer.is_empty());
        pipe.map(|pipe| PollFd::new(pipe, PollFlags::IN))
    }
}

/// What goes to a pipe.
struct Sink {
    /// `None`: nobody reads it.
    pipe: Option<File>,
    buffer: Buffer,
}

impl Sink {
    fn flush(&mut self) -> bool {
        let mut moved = false;
        while let Some(pipe) = self.pipe.as_mut().filter(|_| !self.buffer.is_empty()) {
            match self.buffer.give(pipe) {
                Ok(_) => moved = true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return moved,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.pipe = None,
            }
        }
        if self.pipe.is_none() {
            self.buffer.clear();
        }
        moved
    }

    /// Also while nothing waits for it: that its reader is gone is told anyway.
    fn wanted(&self) -> Option<PollFd<'_>> {
        let events = if self.buffer.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
        self.pipe.as_ref().map(|pipe| PollFd::new(pipe, events))
    }
}
