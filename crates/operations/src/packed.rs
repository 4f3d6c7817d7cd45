//! Items in their packed form, as they wait in memory or in temporary files of our own.

use nanoprobe_format::{item::Item, msgpack};

/// Appends an item to `bytes`.
pub(crate) fn append_item(item: &Item<'_>, bytes: &mut Vec<u8>) {
    let Ok(()) = item.emit(&mut msgpack::Writer::new(Sink(bytes)));
}

/// A vector as a sink that cannot fail.
struct Sink<'a>(&'a mut Vec<u8>);

impl embedded_io::ErrorType for Sink<'_> {
    type Error = core::convert::Infallible;
}

impl embedded_io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}
