//! Looking an id up in the table's file.

use nanoprobe_format::Id;
use nanoprobe_format::index::{BUCKET_BYTES, Bucket, HEADER_BYTES, Location, SEGMENT_MOST, home};

use super::Table;
use crate::Error;
use crate::fs;

/// Buckets read at a time: at Borg's load nearly every probe ends within them.
const PROBE_BUCKETS: u32 = 16;

impl Table {
    /// Where the object stands.
    pub(crate) fn find(&self, id: &Id) -> Result<Option<Location>, Error> {
        let Some(file) = &self.file else { return Ok(None) };
        let buckets = self.header.buckets;
        let mut window = [0; PROBE_BUCKETS as usize * BUCKET_BYTES];
        let mut bucket = home(id, buckets);
        let mut left = buckets;
        while left > 0 {
            let count = PROBE_BUCKETS.min(buckets - bucket).min(left);
            let bytes = &mut window[..count as usize * BUCKET_BYTES];
            let offset = HEADER_BYTES as u64 + u64::from(bucket) * BUCKET_BYTES as u64;
            if fs::read_full(&**file, bytes, offset).map_err(Error::io(&self.path))? < bytes.len() {
                return Err(self.damaged());
            }
            let (found, _) = bytes.as_chunks::<BUCKET_BYTES>();
            for bytes in found {
                match Bucket::from_bytes(bytes) {
                    Bucket::Empty => return Ok(None),
                    Bucket::Live(found, location) if found == *id => {
                        return if location.segment <= SEGMENT_MOST { Ok(Some(location)) } else { Err(self.damaged()) };
                    }
                    _ => {}
                }
            }
            left -= count;
            bucket = (bucket + count) % buckets;
        }
        Ok(None)
    }
}
