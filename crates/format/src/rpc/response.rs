//! Answers: a result, or an exception with what the client needs to raise it anew.

use embedded_io::Write;

use super::{Form, Version};
use crate::msgpack::{Error, Reader, Writer};
use crate::packed::{Element, List, Packed};

/// One message of a server.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// The number of the request that it answers.
    pub number: u64,
    /// What came of it.
    pub outcome: Outcome<'a>,
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// The packed result; nil where there is nothing to say.
    Result(&'a [u8]),
    /// It failed.
    Exception(Exception<'a>),
}

/// An exception of the server's.
#[derive(Clone, Copy, Debug)]
pub struct Exception<'a> {
    /// Name of its class, without the class that this is in.
    pub class: &'a [u8],
    /// What it was made of.
    pub arguments: List<'a, Argument<'a>>,
    /// The lines of its trace.
    pub full: List<'a, &'a [u8]>,
    /// The lines of its text.
    pub short: List<'a, &'a [u8]>,
    /// Show the trace to the user.
    pub trace: bool,
    /// About the server's system.
    pub system: &'a [u8],
}

/// One argument of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// Text or bytes.
    Raw(&'a [u8]),
    /// Anything else, packed.
    Other(&'a [u8]),
}

impl<'a> Response<'a> {
    /// Reads a message that fills `bytes` exactly.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let response = match reader.peek()? {
            0x90..=0x9f | 0xdc | 0xdd => Self::read_positional(&mut reader)?,
            _ => Self::read_named(&mut reader)?,
        };
        if reader.is_empty() { Ok(response) } else { Err(Error::TrailingBytes) }
    }

    /// Reads the result of `negotiate`; `None` from servers that are too old to tell.
    pub fn server_version(result: &[u8]) -> Result<Option<Version>, Error> {
        let mut reader = Reader::new(result);
        if reader.number::<i64>() == Ok(2) {
            return Ok(None);
        }
        let version = Reader::new(result).find(b"server_version")?.ok_or(Error::Missing("server_version"))?;
        Version::read(&mut Reader::new(version)).map(Some)
    }

    /// Writes the result of `negotiate` for a client that tells its version, or the number that older ones expect.
    pub fn emit_server_version<W: Write>(version: Option<&Version>, writer: &mut Writer<W>) -> Result<(), W::Error> {
        let Some(version) = version else { return writer.unsigned(2) };
        writer.map(1)?;
        writer.raw(b"server_version")?;
        version.emit(writer)
    }

    fn read_named(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let (mut number, mut result, mut exception) = (None, None, Exception::of_class(b""));
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"i" => number = Some(reader.number()?),
                b"r" => result = Some(reader.skip()?),
                b"exception_class" => exception.class = reader.raw()?,
                b"exception_args" => exception.arguments = List::Packed(Packed::read_array(reader)?),
                b"exception_full" => exception.full = List::Packed(Packed::read_array(reader)?),
                b"exception_short" => exception.short = List::Packed(Packed::read_array(reader)?),
                b"exception_trace" => exception.trace = reader.boolean()?,
                b"sysinfo" => exception.system = reader.raw()?,
                _ => drop(reader.skip()?),
            }
        }
        let outcome = match result {
            _ if !exception.class.is_empty() => Outcome::Exception(exception),
            Some(result) => Outcome::Result(result),
            None => return Err(Error::Missing("r")),
        };
        Ok(Self { number: number.ok_or(Error::Missing("i"))?, outcome })
    }

    fn read_positional(reader: &mut Reader<'a>) -> Result<Self, Error> {
        if reader.array()? != 4 {
            return Err(Error::WrongLength);
        }
        reader.skip()?;
        let number = reader.number()?;
        if reader.nil()? {
            return Ok(Self { number, outcome: Outcome::Result(reader.skip()?) });
        }
        let class = reader.raw()?;
        reader.skip()?;
        Ok(Self { number, outcome: Outcome::Exception(Exception::of_class(class)) })
    }
}

/// Writes an answer whose result `emit` writes: one value.
pub fn emit_result<W: Write>(
    number: u64,
    form: Form,
    writer: &mut Writer<W>,
    emit: impl FnOnce(&mut Writer<W>) -> Result<(), W::Error>,
) -> Result<(), W::Error> {
    match form {
        Form::Named => {
            writer.map(2)?;
            writer.raw(b"i")?;
            writer.unsigned(number)?;
            writer.raw(b"r")?;
        }
        Form::Positional => {
            writer.array(4)?;
            writer.unsigned(1)?;
            writer.unsigned(number)?;
            writer.nil()?;
        }
    }
    emit(writer)
}

impl<'a> Exception<'a> {
    /// One of which nothing but the class is known.
    pub fn of_class(class: &'a [u8]) -> Self {
        let (arguments, full, short) = (List::default(), List::default(), List::default());
        Self { class, arguments, full, short, trace: true, system: b"" }
    }

    /// The argument at `place`, if there is one and it is text.
    pub fn argument(&self, place: usize) -> Option<&'a [u8]> {
        match self.arguments.iter().nth(place)? {
            Argument::Raw(text) => Some(text),
            Argument::Other(_) => None,
        }
    }

    /// Writes the whole answer.
    pub fn emit<W: Write>(&self, number: u64, form: Form, writer: &mut Writer<W>) -> Result<(), W::Error> {
        if form == Form::Positional {
            writer.array(4)?;
            writer.unsigned(1)?;
            writer.unsigned(number)?;
            writer.raw(self.class)?;
            return writer.raw(b"Remote Exception (see remote log for the traceback)");
        }
        writer.map(7)?;
        writer.raw(b"i")?;
        writer.unsigned(number)?;
        writer.raw(b"exception_class")?;
        writer.raw(self.class)?;
        writer.raw(b"exception_args")?;
        self.arguments.emit(writer)?;
        writer.raw(b"exception_full")?;
        self.full.emit(writer)?;
        writer.raw(b"exception_short")?;
        self.short.emit(writer)?;
        writer.raw(b"exception_trace")?;
        writer.boolean(self.trace)?;
        writer.raw(b"sysinfo")?;
        writer.raw(self.system)
    }
}

impl<'a> Element<'a> for Argument<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        match reader.peek()? {
            0xa0..=0xbf | 0xc4..=0xc6 | 0xd9..=0xdb => reader.raw().map(Self::Raw),
            _ => reader.skip().map(Self::Other),
        }
    }

    fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        match self {
            Self::Raw(text) => writer.raw(text),
            Self::Other(packed) => writer.packed(packed),
        }
    }
}
