//! The hints file: what compaction and quota need to know about segments.
//!
//! ```text
//! file   msgpack {version: 2, segments: {segment: live PUTs}, compact: {segment: bytes that compaction frees},
//!                 storage_quota_use: bytes, shadow_index: {id: [segment that holds a superseded PUT, …]}}
//! ```
//!
//! The shadow index can be large, so the file is never one value in memory: [`Parser`] hands out one [`Event`] at a
//! time from whatever part of the file its caller has read. Cost: 32 bytes of state.

use crate::Id;
use crate::msgpack::{self, Reader, Writer};

/// The version this module reads and writes.
pub const VERSION: u64 = 2;

/// One step through the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Live PUTs of a segment.
    Segment(u32, i64),
    /// Bytes that compaction of a segment would free.
    Compact(u32, i64),
    /// Bytes that count towards the quota.
    QuotaUse(i64),
    /// The shadow index starts and has so many ids.
    Shadow(u32),
    /// An id of the shadow index, followed by so many [`Event::Shadowed`].
    ShadowId(Id, u32),
    /// A segment with a superseded PUT of the last id.
    Shadowed(u32),
    /// The file is complete.
    End,
}

/// What can be wrong with a hints file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the msgpack it should be; [`msgpack::Error::Truncated`] asks for more bytes, if there are any.
    #[error(transparent)]
    Msgpack(#[from] msgpack::Error),
    /// Another version's hints.
    #[error("unknown hints version")]
    Version,
    /// An id that is not 32 bytes long.
    #[error("malformed id in the shadow index")]
    Id,
}

/// Where in the file the parser stands.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    started: bool,
    /// Top-level pairs not yet begun.
    pairs: usize,
    /// Version seen.
    version: bool,
    inside: Inside,
}

#[derive(Clone, Copy, Debug, Default)]
enum Inside {
    #[default]
    Top,
    Segments(usize),
    Compact(usize),
    Shadow(usize),
    /// Ids left after this one, and segments of this one.
    Shadowed(usize, usize),
}

impl Parser {
    /// Stands before the first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next event. On [`msgpack::Error::Truncated`] nothing has moved: call again with more bytes behind the same
    /// start. Otherwise `reader` has been moved past the event.
    pub fn next(&mut self, reader: &mut Reader<'_>) -> Result<Event, Error> {
        loop {
            let mut ahead = *reader;
            let mut state = self.clone();
            let event = state.step(&mut ahead)?;
            *reader = ahead;
            *self = state;
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    fn step(&mut self, reader: &mut Reader<'_>) -> Result<Option<Event>, Error> {
        match self.inside {
            Inside::Top if !self.started => {
                self.pairs = reader.map()?;
                self.started = true;
                Ok(None)
            }
            Inside::Top if self.pairs == 0 => {
                if self.version {
                    Ok(Some(Event::End))
                } else {
                    Err(Error::Version)
                }
            }
            Inside::Top => {
                self.pairs -= 1;
                self.top(reader)
            }
            Inside::Segments(0) | Inside::Compact(0) | Inside::Shadow(0) => {
                self.inside = Inside::Top;
                Ok(None)
            }
            Inside::Segments(left) => {
                self.inside = Inside::Segments(left - 1);
                Ok(Some(Event::Segment(reader.number()?, reader.number()?)))
            }
            Inside::Compact(left) => {
                self.inside = Inside::Compact(left - 1);
                Ok(Some(Event::Compact(reader.number()?, reader.number()?)))
            }
            Inside::Shadow(left) => {
                let id = Id(reader.raw()?.try_into().map_err(|_| Error::Id)?);
                let segments = reader.array()?;
                self.inside = Inside::Shadowed(left - 1, segments);
                Ok(Some(Event::ShadowId(id, u32::try_from(segments).map_err(|_| msgpack::Error::OutOfRange)?)))
            }
            Inside::Shadowed(ids, 0) => {
                self.inside = Inside::Shadow(ids);
                Ok(None)
            }
            Inside::Shadowed(ids, left) => {
                self.inside = Inside::Shadowed(ids, left - 1);
                Ok(Some(Event::Shadowed(reader.number()?)))
            }
        }
    }

    fn top(&mut self, reader: &mut Reader<'_>) -> Result<Option<Event>, Error> {
        match reader.raw()? {
            b"version" => {
                if reader.integer()? != i128::from(VERSION) {
                    return Err(Error::Version);
                }
                self.version = true;
            }
            b"segments" => self.inside = Inside::Segments(reader.map()?),
            b"compact" => self.inside = Inside::Compact(reader.map()?),
            b"storage_quota_use" => return Ok(Some(Event::QuotaUse(reader.number()?))),
            b"shadow_index" => {
                let ids = reader.map()?;
                self.inside = Inside::Shadow(ids);
                return Ok(Some(Event::Shadow(u32::try_from(ids).map_err(|_| msgpack::Error::OutOfRange)?)));
            }
            _ => drop(reader.skip()?),
        }
        Ok(None)
    }
}

/// Emits everything up to the first id of the shadow index; the ids follow through [`emit_shadowed`].
pub fn emit_tables<W: embedded_io::Write>(
    sink: W,
    segments: impl ExactSizeIterator<Item = (u32, i64)>,
    compact: impl ExactSizeIterator<Item = (u32, i64)>,
    quota_use: i64,
    shadow_ids: u32,
) -> Result<(), W::Error> {
    let mut writer = Writer::new(sink);
    writer.map(5)?;
    writer.raw(b"version")?;
    writer.unsigned(VERSION)?;
    writer.raw(b"segments")?;
    writer.map(segments.len())?;
    for (segment, live) in segments {
        writer.unsigned(u64::from(segment))?;
        writer.signed(live)?;
    }
    writer.raw(b"compact")?;
    writer.map(compact.len())?;
    for (segment, bytes) in compact {
        writer.unsigned(u64::from(segment))?;
        writer.signed(bytes)?;
    }
    writer.raw(b"storage_quota_use")?;
    writer.signed(quota_use)?;
    writer.raw(b"shadow_index")?;
    writer.map(shadow_ids as usize)
}

/// Emits one id of the shadow index with the segments of its superseded PUTs.
pub fn emit_shadowed<W: embedded_io::Write>(sink: W, id: &Id, segments: &[u32]) -> Result<(), W::Error> {
    let mut writer = Writer::new(sink);
    writer.raw(&id.0)?;
    writer.array(segments.len())?;
    segments.iter().try_for_each(|&segment| writer.unsigned(u64::from(segment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> ([u8; 256], usize) {
        let mut bytes = [0; 256];
        let mut rest = &mut bytes[..];
        emit_tables(&mut rest, [(0, 3), (1, 0)].into_iter(), [(1, 9)].into_iter(), 12345, 2).unwrap();
        emit_shadowed(&mut rest, &Id([1; 32]), &[0, 70_000]).unwrap();
        emit_shadowed(&mut rest, &Id([2; 32]), &[]).unwrap();
        let left = rest.len();
        (bytes, 256 - left)
    }

    const EVENTS: [Event; 10] = [
        Event::Segment(0, 3),
        Event::Segment(1, 0),
        Event::Compact(1, 9),
        Event::QuotaUse(12345),
        Event::Shadow(2),
        Event::ShadowId(Id([1; 32]), 2),
        Event::Shadowed(0),
        Event::Shadowed(70_000),
        Event::ShadowId(Id([2; 32]), 0),
        Event::End,
    ];

    #[test]
    fn events_come_back_whatever_the_reads() {
        let (bytes, length) = file();
        for step in 1..length {
            let (mut start, mut end) = (0, 0);
            let mut parser = Parser::new();
            for expected in EVENTS {
                let event = loop {
                    let mut reader = Reader::new(&bytes[start..end]);
                    match parser.next(&mut reader) {
                        Err(Error::Msgpack(msgpack::Error::Truncated)) => {
                            start = end - reader.rest().len();
                            end = (end + step).min(length);
                        }
                        event => {
                            start = end - reader.rest().len();
                            break event.unwrap();
                        }
                    }
                };
                assert_eq!(event, expected, "reading {step} bytes at a time");
            }
        }
    }

    #[test]
    fn other_versions_are_refused() {
        let (mut bytes, length) = file();
        bytes[9] = 1;
        assert_eq!(Parser::new().next(&mut Reader::new(&bytes[..length])), Err(Error::Version));
    }
}
