//! Everything that the segments hold, in order: also what is deleted, superseded or was never committed. For who looks for
//! lost objects; nothing else reads segments this way.
//!
//! Cost: one object.

use nanoprobe_format::Id;
use nanoprobe_format::index::Location;
use nanoprobe_format::segment::Tag;

use crate::segment_list::Order;
use crate::segment_read::Depth;
use crate::{Error, LocalRepository};

/// One log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedEntry {
    /// What it does.
    pub tag: Tag,
    /// All zero for COMMIT.
    pub id: Id,
    /// The segment it is in.
    pub segment: u32,
    /// Where in the segment.
    pub offset: u32,
}

impl LocalRepository {
    /// Hands every entry, of one segment or at one offset if so wished, to `visit` until it returns false, with the object
    /// that a PUT stores. What is damaged is warned about and passed over with the rest of its segment.
    pub fn log_entries<E: From<Error>>(
        &self,
        segment: Option<u32>,
        offset: Option<u32>,
        visit: &mut dyn FnMut(LoggedEntry, &mut [u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let (mut object, mut failure) = (Vec::new(), None);
        self.reader.segments.each(segment.unwrap_or(0), Order::OldestFirst, |number| {
            if segment.is_some_and(|segment| number > segment) {
                return Ok(false);
            }
            let mut go_on = true;
            let walked = self.reader.walk(number, offset.unwrap_or(0), Depth::Headers, |entry| {
                if offset.is_some_and(|offset| entry.offset > offset) {
                    return Ok(false);
                }
                object.clear();
                if entry.tag == Tag::Put {
                    self.reader.read(Location { segment: number, offset: entry.offset }, &entry.id, &mut object)?;
                }
                let logged = LoggedEntry { tag: entry.tag, id: entry.id, segment: number, offset: entry.offset };
                go_on = visit(logged, &mut object).unwrap_or_else(|error| {
                    failure = Some(error);
                    false
                });
                Ok(go_on)
            });
            match walked {
                Err(Error::Integrity(reason)) => {
                    let path = self.reader.segments.path(number);
                    (self.options.warn)(&format!(
                        "Segment {number} ({}) has IntegrityError(s) [{reason}] - skipping.",
                        path.display()
                    ));
                    Ok(true)
                }
                walked => walked.map(|()| go_on),
            }
        })?;
        failure.map_or(Ok(()), Err)
    }
}
