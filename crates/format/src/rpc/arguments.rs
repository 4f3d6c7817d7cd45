//! Arguments by name: how each kind is written, and what is taken for it when read.

use embedded_io::Write;

use crate::Id;
use crate::msgpack::{Error, Reader, Writer};

/// Writes arguments one after another.
pub(super) struct Arguments<'w, W> {
    pub(super) writer: &'w mut Writer<W>,
}

impl<W: Write> Arguments<'_, W> {
    pub(super) fn count(&mut self, pairs: usize) -> Result<&mut Self, W::Error> {
        self.writer.map(pairs)?;
        Ok(self)
    }

    pub(super) fn raw(&mut self, name: &str, value: &[u8]) -> Result<&mut Self, W::Error> {
        self.writer.raw(name.as_bytes())?;
        self.writer.raw(value)?;
        Ok(self)
    }

    pub(super) fn flag(&mut self, name: &str, value: bool) -> Result<&mut Self, W::Error> {
        self.writer.raw(name.as_bytes())?;
        self.writer.boolean(value)?;
        Ok(self)
    }

    pub(super) fn float(&mut self, name: &str, value: f64) -> Result<&mut Self, W::Error> {
        self.writer.raw(name.as_bytes())?;
        self.writer.float(value)?;
        Ok(self)
    }

    pub(super) fn number(&mut self, name: &str, value: Option<i64>) -> Result<&mut Self, W::Error> {
        self.writer.raw(name.as_bytes())?;
        match value {
            Some(value) => self.writer.signed(value)?,
            None => self.writer.nil()?,
        }
        Ok(self)
    }

    pub(super) fn unsigned(&mut self, name: &str, value: Option<u64>) -> Result<&mut Self, W::Error> {
        self.writer.raw(name.as_bytes())?;
        match value {
            Some(value) => self.writer.unsigned(value)?,
            None => self.writer.nil()?,
        }
        Ok(self)
    }

    pub(super) fn id(&mut self, name: &str, value: Option<&Id>) -> Result<&mut Self, W::Error> {
        self.writer.raw(name.as_bytes())?;
        match value {
            Some(id) => self.writer.raw(&id.0)?,
            None => self.writer.nil()?,
        }
        Ok(self)
    }
}

/// What the call cannot do without.
pub(super) fn required<'a, T>(
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
) -> impl FnOnce(Option<Reader<'a>>) -> Result<T, Error> {
    |value| read(&mut value.ok_or(Error::Missing("it"))?)
}

/// What is missing or nil is `default`.
pub(super) fn optional<'a, T>(
    default: T,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
) -> impl FnOnce(Option<Reader<'a>>) -> Result<T, Error> {
    |value| {
        let Some(mut reader) = value else { return Ok(default) };
        if reader.nil()? { Ok(default) } else { read(&mut reader) }
    }
}

/// A truth value; Python takes nil and numbers for one.
pub(super) fn flag<'a>(default: bool) -> impl FnOnce(Option<Reader<'a>>) -> Result<bool, Error> {
    move |value| {
        let Some(mut reader) = value else { return Ok(default) };
        match reader.peek()? {
            0xc0 => Ok(false),
            0xc2 | 0xc3 => reader.boolean(),
            _ => reader.integer().map(|number| number != 0),
        }
    }
}

/// A number, for where nil is none.
pub(super) fn some_number<T: TryFrom<i128>>(reader: &mut Reader<'_>) -> Result<Option<T>, Error> {
    reader.number().map(Some)
}
