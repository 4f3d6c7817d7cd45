//! Requests: a method with its arguments, by name.

use embedded_io::Write;

use super::Version;
use super::arguments::{Arguments, flag, optional, required, some_number};
use crate::Id;
use crate::msgpack::{Error, Reader, Writer};

/// How a message is written, and how its answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An array of four; only `negotiate` comes so from clients of 1.1 and later.
    Positional,
    /// A map, with arguments by name.
    Named,
}

/// One message of a client, whose arguments were not looked at yet.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The client's number for it: the answer carries the same.
    pub number: u64,
    /// How it was written.
    pub form: Form,
    /// What is called.
    pub method: &'a [u8],
    /// A packed map, or an array in the positional form.
    arguments: &'a [u8],
}

/// Everything a client can ask for. Arguments that a server does not know are passed over; those missing have Borg's defaults.
#[derive(Clone, Debug, PartialEq)]
pub enum Call<'a> {
    /// Says who asks; answered by [`Response::server_version`](super::Response::server_version)'s map.
    Negotiate {
        /// `None` from clients that are too old to tell.
        version: Option<Version>,
    },
    /// Opens or creates the repository; answered by its id.
    Open(Open<'a>),
    /// Low-level check; answered by whether all is sound.
    Check {
        /// Mend what is found.
        repair: bool,
        /// 0: no limit.
        maximum_seconds: i64,
    },
    /// Makes everything since the last commit durable.
    Commit {
        /// Free superseded room too.
        compact: bool,
        /// Share of a segment that must be superseded, from 0 to 1.
        threshold: f64,
        /// Look for segments that hold only a COMMIT.
        cleanup_commits: bool,
    },
    /// Forgets everything since the last commit.
    Rollback,
    /// Removes the repository.
    Destroy,
    /// Number of objects.
    Length,
    /// Ids in any order.
    List {
        /// At most so many.
        limit: Option<u64>,
        /// After this one.
        marker: Option<Id>,
    },
    /// Ids in the order of storage.
    Scan {
        /// At most so many.
        limit: Option<u64>,
        /// After this one.
        marker: Option<Id>,
    },
    /// An object.
    Get(Id),
    /// Stores or replaces an object.
    Put(Id, &'a [u8]),
    /// Removes an object.
    Delete(Id),
    /// Stores the key blob in the repository.
    SaveKey(&'a [u8]),
    /// The key blob, empty when there is none.
    LoadKey,
    /// Breaks every lock.
    BreakLock,
    /// The first free nonce.
    FreeNonce,
    /// Compare-and-swap of the first free nonce.
    ReserveNonces {
        /// The new one.
        next_free: u64,
        /// What it must be before.
        expected: Option<u64>,
    },
}

/// How a repository is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// The path as the user wrote it.
    pub path: &'a [u8],
    /// It is to be created.
    pub create: bool,
    /// How long to wait for the lock, in seconds; `None` is for ever.
    pub lock_wait: Option<i64>,
    /// Take a lock at all.
    pub lock: bool,
    /// An exclusive one.
    pub exclusive: bool,
    /// Refuse to destroy anything; of a new repository, for ever.
    pub append_only: bool,
    /// Create missing directories above.
    pub make_parent_dirs: bool,
}

/// Why a request is not a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No such method.
    #[error("unknown method")]
    UnknownMethod,
    /// An argument is missing, or is not what it must be.
    #[error("argument {0:?}: {1}")]
    Argument(&'static str, Error),
}

impl<'a> Request<'a> {
    /// Reads a message that fills `bytes` exactly.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let request = match reader.peek()? {
            0x90..=0x9f | 0xdc | 0xdd => Self::read_positional(&mut reader)?,
            _ => Self::read_named(&mut reader)?,
        };
        if reader.is_empty() { Ok(request) } else { Err(Error::TrailingBytes) }
    }

    /// What is asked for.
    pub fn call(&self) -> Result<Call<'a>, CallError> {
        Ok(match self.method {
            b"negotiate" => Call::Negotiate { version: self.argument("client_data", client_version)? },
            b"open" => Call::Open(self.open()?),
            b"check" => Call::Check {
                repair: self.argument("repair", flag(false))?,
                maximum_seconds: self.argument("max_duration", optional(0, Reader::number))?,
            },
            b"commit" => Call::Commit {
                compact: self.argument("compact", flag(true))?,
                threshold: self.argument("threshold", optional(0.1, Reader::float))?,
                cleanup_commits: self.argument("cleanup_commits", flag(false))?,
            },
            b"rollback" => Call::Rollback,
            b"destroy" => Call::Destroy,
            b"__len__" => Call::Length,
            b"list" => Call::List { limit: self.limit()?, marker: self.marker()? },
            b"scan" => Call::Scan { limit: self.limit()?, marker: self.marker()? },
            b"get" => Call::Get(self.id()?),
            b"put" => Call::Put(self.id()?, self.argument("data", required(Reader::raw))?),
            b"delete" => Call::Delete(self.id()?),
            b"save_key" => Call::SaveKey(self.argument("keydata", required(Reader::raw))?),
            b"load_key" => Call::LoadKey,
            b"break_lock" => Call::BreakLock,
            b"get_free_nonce" => Call::FreeNonce,
            b"commit_nonce_reservation" => Call::ReserveNonces {
                next_free: self.argument("next_unreserved", required(Reader::number))?,
                expected: self.argument("start_nonce", optional(None, some_number))?,
            },
            _ => return Err(CallError::UnknownMethod),
        })
    }

    fn read_named(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let (mut number, mut method, mut arguments) = (None, None, None);
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"i" => number = Some(reader.number()?),
                b"m" => method = Some(reader.raw()?),
                b"a" => arguments = Some(packed_arguments(reader)?),
                _ => drop(reader.skip()?),
            }
        }
        Ok(Self {
            number: number.ok_or(Error::Missing("i"))?,
            form: Form::Named,
            method: method.ok_or(Error::Missing("m"))?,
            arguments: arguments.ok_or(Error::Missing("a"))?,
        })
    }

    fn read_positional(reader: &mut Reader<'a>) -> Result<Self, Error> {
        if reader.array()? != 4 {
            return Err(Error::WrongLength);
        }
        reader.skip()?;
        let (number, method) = (reader.number()?, reader.raw()?);
        let arguments = reader.skip()?;
        Reader::new(arguments).array()?;
        Ok(Self { number, form: Form::Positional, method, arguments })
    }

    fn open(&self) -> Result<Open<'a>, CallError> {
        Ok(Open {
            path: self.argument("path", required(Reader::raw))?,
            create: self.argument("create", flag(false))?,
            lock_wait: self.argument("lock_wait", optional(None, some_number))?,
            lock: self.argument("lock", flag(true))?,
            exclusive: self.argument("exclusive", flag(false))?,
            append_only: self.argument("append_only", flag(false))?,
            make_parent_dirs: self.argument("make_parent_dirs", flag(false))?,
        })
    }

    fn id(&self) -> Result<Id, CallError> {
        self.argument("id", required(|reader| reader.raw_array().map(Id)))
    }

    fn limit(&self) -> Result<Option<u64>, CallError> {
        self.argument("limit", optional(None, some_number))
    }

    fn marker(&self) -> Result<Option<Id>, CallError> {
        self.argument("marker", optional(None, |reader| reader.raw_array().map(|id| Some(Id(id)))))
    }

    /// Only `negotiate` has a positional form, of one argument.
    fn argument<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Option<Reader<'a>>) -> Result<T, Error>,
    ) -> Result<T, CallError> {
        let value = match self.form {
            Form::Named => Reader::new(self.arguments).find(name.as_bytes()),
            Form::Positional if name == "client_data" => first(self.arguments),
            Form::Positional => return Err(CallError::UnknownMethod),
        };
        value.and_then(|value| read(value.map(Reader::new))).map_err(|error| CallError::Argument(name, error))
    }
}

impl Call<'_> {
    /// Writes the message, with its arguments in Borg's order.
    pub fn emit<W: Write>(&self, number: u64, writer: &mut Writer<W>) -> Result<(), W::Error> {
        if let Self::Negotiate { version } = self {
            return emit_negotiate(number, version.as_ref(), writer);
        }
        writer.map(3)?;
        writer.raw(b"i")?;
        writer.unsigned(number)?;
        writer.raw(b"m")?;
        writer.raw(self.method())?;
        writer.raw(b"a")?;
        self.emit_arguments(writer)
    }

    /// Its name on the wire.
    pub fn method(&self) -> &'static [u8] {
        match self {
            Self::Negotiate { .. } => b"negotiate",
            Self::Open(_) => b"open",
            Self::Check { .. } => b"check",
            Self::Commit { .. } => b"commit",
            Self::Rollback => b"rollback",
            Self::Destroy => b"destroy",
            Self::Length => b"__len__",
            Self::List { .. } => b"list",
            Self::Scan { .. } => b"scan",
            Self::Get(_) => b"get",
            Self::Put(..) => b"put",
            Self::Delete(_) => b"delete",
            Self::SaveKey(_) => b"save_key",
            Self::LoadKey => b"load_key",
            Self::BreakLock => b"break_lock",
            Self::FreeNonce => b"get_free_nonce",
            Self::ReserveNonces { .. } => b"commit_nonce_reservation",
        }
    }

    fn emit_arguments<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        let writer = &mut Arguments { writer };
        match self {
            Self::Open(open) => {
                writer.count(7)?.raw("path", open.path)?.flag("create", open.create)?;
                writer.number("lock_wait", open.lock_wait)?.flag("lock", open.lock)?;
                writer.flag("exclusive", open.exclusive)?.flag("append_only", open.append_only)?;
                writer.flag("make_parent_dirs", open.make_parent_dirs)?;
            }
            Self::Check { repair, maximum_seconds } => {
                writer.count(3)?.flag("repair", *repair)?.flag("save_space", false)?;
                writer.number("max_duration", Some(*maximum_seconds))?;
            }
            Self::Commit { compact, threshold, cleanup_commits } => {
                writer.count(4)?.flag("save_space", false)?.flag("compact", *compact)?;
                writer.float("threshold", *threshold)?.flag("cleanup_commits", *cleanup_commits)?;
            }
            Self::List { limit, marker } | Self::Scan { limit, marker } => {
                writer.count(2)?.unsigned("limit", *limit)?.id("marker", marker.as_ref())?;
            }
            Self::Get(id) | Self::Delete(id) => drop(writer.count(1)?.id("id", Some(id))?),
            Self::Put(id, data) => drop(writer.count(2)?.id("id", Some(id))?.raw("data", data)?),
            Self::SaveKey(blob) => drop(writer.count(1)?.raw("keydata", blob)?),
            Self::ReserveNonces { next_free, expected } => {
                writer.count(2)?.unsigned("next_unreserved", Some(*next_free))?;
                writer.unsigned("start_nonce", *expected)?;
            }
            _ => drop(writer.count(0)?),
        }
        Ok(())
    }
}

fn emit_negotiate<W: Write>(number: u64, version: Option<&Version>, writer: &mut Writer<W>) -> Result<(), W::Error> {
    writer.array(4)?;
    writer.unsigned(1)?;
    writer.unsigned(number)?;
    writer.raw(b"negotiate")?;
    writer.array(1)?;
    let Some(version) = version else { return writer.unsigned(2) };
    writer.map(1)?;
    writer.raw(b"client_version")?;
    version.emit(writer)
}

/// A map whose keys are raw, whatever the values.
fn packed_arguments<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    let map = reader.skip()?;
    Reader::new(map).find(b"")?;
    Ok(map)
}

fn first(array: &[u8]) -> Result<Option<&[u8]>, Error> {
    let mut reader = Reader::new(array);
    if reader.array()? == 0 { Ok(None) } else { reader.skip().map(Some) }
}

/// A map with the client's version; whatever else clients have sent tells none.
fn client_version(value: Option<Reader<'_>>) -> Result<Option<Version>, Error> {
    let mut reader = value.ok_or(Error::Missing("client_data"))?;
    if !matches!(reader.peek()?, 0x80..=0x8f | 0xde | 0xdf) {
        return Ok(None);
    }
    let version = reader.find(b"client_version")?.ok_or(Error::Missing("client_version"))?;
    Version::read(&mut Reader::new(version)).map(Some)
}
