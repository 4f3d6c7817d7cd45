//! read → chunk: file content straight into the slots, cut where the chunker says.

use std::os::fd::BorrowedFd;

use nanoprobe_chunker::{Chunker, Parameters, Stream};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{SeekFrom, seek},
    io::{Errno, read},
};

use super::{
    expected::Expected,
    fill::Filling,
    halt::{Failure, Halt},
    unit::{Chunk, Record},
};
use crate::{Interrupt, budget::READ_AHEAD};

/// How soon an interrupt is seen while nothing comes from a pipe.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Reads and cuts one file after another.
pub(super) struct Content<'a> {
    chunker: Chunker,
    parameters: Parameters,
    largest_chunk: usize,
    sparse: bool,
    interrupt: &'a Interrupt,
    /// What the next file held when it was read before.
    pub expected: Expected<'a>,
}

/// How much there is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// A regular file of this size, unless it changes meanwhile.
    Regular(u64),
    /// A pipe or device: until nothing comes any more.
    Unknown,
}

/// Waits until `file` has something to read or is at its end; a signal alone would not end a read that waits.
pub(super) fn await_input(file: BorrowedFd<'_>, interrupt: &Interrupt) -> Result<(), Halt> {
    loop {
        if interrupt.requested() {
            return Err(Halt::Interrupted);
        }
        match poll(&mut [PollFd::from_borrowed_fd(file, PollFlags::IN)], Some(&GLANCE)) {
            Ok(0) | Err(Errno::INTR) => {}
            // What cannot be waited for is read at once.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

impl<'a> Content<'a> {
    pub(super) fn new(
        chunker: Chunker,
        parameters: Parameters,
        sparse: bool,
        interrupt: &'a Interrupt,
        expected: Expected<'a>,
    ) -> Self {
        Self { chunker, parameters, largest_chunk: parameters.maximum_bytes(), sparse, interrupt, expected }
    }

    /// Reads `file` to its end; each chunk becomes a record.
    pub(super) fn read(
        &mut self,
        file: BorrowedFd<'_>,
        length: Length,
        filling: &mut Filling<'_>,
    ) -> Result<(), Failure> {
        if let (true, Parameters::Fixed { block_bytes, header_bytes }, Length::Regular(_)) =
            (self.sparse, self.parameters, length)
        {
            return self.read_sparse(file, block_bytes as usize, header_bytes as usize, filling);
        }
        let interrupt = self.interrupt;
        self.cut(length, filling, &mut |room| {
            if length == Length::Unknown {
                await_input(file, interrupt)?;
            }
            read_piece(file, room, interrupt)
        })
    }

    /// Cuts what `read` gives, until it gives nothing; it may give less than there is room for.
    pub(super) fn cut(
        &mut self,
        length: Length,
        filling: &mut Filling<'_>,
        read: &mut dyn FnMut(&mut [u8]) -> Result<usize, Failure>,
    ) -> Result<(), Failure> {
        self.chunker.start();
        self.expected.start();
        let (mut ahead, mut total) = (0, 0u64);
        loop {
            let (room, ends_early) = self.room(length, ahead, total);
            let piece = (room - ahead).min(READ_AHEAD);
            filling.reserve(ahead, ahead + piece, room)?;
            let got = read(&mut filling.room()[ahead..][..piece])?;
            ahead += got;
            total += got as u64;
            // A regular file that gives less than asked for, and all it was said to hold, is at its end.
            let ends = got == 0 || (ends_early && got < piece);
            let stream = if ends { Stream::Ends } else { Stream::Continues };
            while self.expected.compare(&filling.room()[..ahead], stream, &mut self.chunker)
                && let Some(bytes) = self.chunker.next_cut(&filling.room()[..ahead], stream)
            {
                ahead -= bytes;
                filling.chunk(bytes, self.expected.cut(bytes))?;
            }
            if ends {
                return Ok(());
            }
        }
    }

    /// Room for the chunk at hand, so that it stays in one piece, and whether the next read may reach the end.
    fn room(&self, length: Length, ahead: usize, total: u64) -> (usize, bool) {
        let room = match length {
            Length::Regular(size) if total < size || total == 0 => {
                usize::try_from(size - total).map_or(usize::MAX, |rest| rest.saturating_add(ahead + 1))
            }
            _ => usize::MAX,
        };
        let room = room.min(self.largest_chunk);
        let reaches_end = matches!(length, Length::Regular(size) if total + room.saturating_sub(ahead) as u64 > size);
        // A chunk of the largest size may be complete but for the byte that proves it does not end the stream.
        (room.max(ahead + 1), reaches_end)
    }

    /// Data and holes apart, each in blocks from its own start, as Borg cuts sparse files.
    fn read_sparse(
        &mut self,
        file: BorrowedFd<'_>,
        block: usize,
        header: usize,
        filling: &mut Filling<'_>,
    ) -> Result<(), Failure> {
        let mut position = self.read_range(file, header as u64, header, filling)?;
        if position < header as u64 {
            return Ok(());
        }
        let end = seek(file, SeekFrom::End(0)).map_err(Failure::system("read"))?;
        while position < end {
            let data = match seek(file, SeekFrom::Data(position)) {
                Ok(data) => data.min(end),
                Err(Errno::NXIO) => end,
                Err(_) => position,
            };
            while position < data {
                // Holes cost nothing, and so may be larger than anybody wants to wait for.
                if self.interrupt.requested() {
                    return Err(Halt::Interrupted.into());
                }
                let size = (data - position).min(block as u64);
                filling.unit.records.push(Record::Chunk(Chunk::hole(size as usize)));
                filling.dispatch_if_full()?;
                position += size;
            }
            let hole = if position < end { seek(file, SeekFrom::Hole(position)).unwrap_or(end) } else { end };
            seek(file, SeekFrom::Start(position)).map_err(Failure::system("read"))?;
            let read = self.read_range(file, hole - position, block, filling)?;
            if read < hole - position {
                return Ok(());
            }
            position = hole;
        }
        Ok(())
    }

    /// Reads `bytes` in blocks; gives how many there were.
    fn read_range(
        &mut self,
        file: BorrowedFd<'_>,
        bytes: u64,
        block: usize,
        filling: &mut Filling<'_>,
    ) -> Result<u64, Failure> {
        let mut total = 0;
        while total < bytes {
            let wanted = (bytes - total).min(block as u64) as usize;
            filling.reserve(0, wanted, wanted)?;
            let mut filled = 0;
            while filled < wanted {
                let piece = (wanted - filled).min(READ_AHEAD);
                match read_piece(file, &mut filling.room()[filled..][..piece], self.interrupt)? {
                    0 => break,
                    got => filled += got,
                }
            }
            if filled > 0 {
                filling.chunk(filled, None)?;
            }
            total += filled as u64;
            if filled < wanted {
                break;
            }
        }
        Ok(total)
    }
}

fn read_piece(file: BorrowedFd<'_>, room: &mut [u8], interrupt: &Interrupt) -> Result<usize, Failure> {
    loop {
        if interrupt.requested() {
            return Err(Halt::Interrupted.into());
        }
        match read(file, &mut *room) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => await_input(file, interrupt)?,
            result => return result.map_err(Failure::system("read")),
        }
    }
}
