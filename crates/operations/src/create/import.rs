//! `import-tar`: the members of a tar archive in the place of the walk; everything from the cut on is the same.

use std::{
    io::{self, BufReader},
    os::fd::AsFd,
};

use rustix::fs::makedev;

use super::{
    fill::Filling,
    halt::{Failure, Halt},
    paths::{normalize, unsafe_prefix},
    read::{Content, Length},
    stream::Input,
    unit::{Entry, Record, Span},
};
use crate::{
    Error, Interrupt,
    tar::{Member, TarInput, TarReader, Zeros, kind},
};

/// Headers of small files come many at a time.
const READ_BYTES: usize = 64 << 10;
/// Borg stores no time after this one: two days before 32-bit seconds end.
const LATEST: i128 = ((1 << 31) - 1 - 48 * 3600) * 1_000_000_000;

/// The reader's thread.
pub(super) struct Import<'a> {
    tar: TarReader<BufReader<Input<'a>>>,
    content: Content<'a>,
    filling: Filling<'a>,
    interrupt: &'a Interrupt,
}

impl<'a> Import<'a> {
    pub(super) fn new(
        tar: &'a TarInput,
        zeros: Zeros,
        content: Content<'a>,
        filling: Filling<'a>,
        interrupt: &'a Interrupt,
    ) -> Self {
        let input = BufReader::with_capacity(READ_BYTES, Input { file: tar.as_fd(), interrupt });
        Self { tar: TarReader::new(input, zeros), content, filling, interrupt }
    }

    /// Reads all members.
    pub(super) fn run(mut self) -> Result<(), Halt> {
        let result = self.members();
        // What was read before an interrupt is not lost.
        self.filling.dispatch()?;
        result
    }

    fn members(&mut self) -> Result<(), Halt> {
        loop {
            if self.interrupt.requested() {
                return Err(Halt::Interrupted);
            }
            let next = self.tar.next();
            let Some(member) = next.map_err(|error| halt(error, self.interrupt))? else { break };
            match self.member(&member) {
                Ok(Some(status)) => self.filling.report(status, &member.name)?,
                Ok(None) => {}
                Err(Failure::Run(halt)) => return Err(halt),
                Err(Failure::File(trouble)) => self.filling.warn(&trouble, &member.name)?,
            }
        }
        if self.tar.is_damaged() {
            let offset = self.tar.offset();
            self.filling
                .warn_with(&format!("tar archive ends at byte {offset} with something that is no header"), 1)?;
        }
        Ok(())
    }

    /// One member's item; gives Borg's status letter, `None` when it was told already.
    fn member(&mut self, member: &Member) -> Result<Option<char>, Failure> {
        let (bits, status) = match member.kind {
            kind::REGULAR | kind::OLD_REGULAR | kind::CONTIGUOUS | kind::SPARSE => (0o100_000, 'A'),
            kind::DIRECTORY => (0o040_000, 'd'),
            kind::SYMBOLIC_LINK => (0o120_000, 's'),
            kind::HARD_LINK => (0o100_000, 'h'),
            kind::BLOCK_DEVICE => (0o060_000, 'b'),
            kind::CHARACTER_DEVICE => (0o020_000, 'c'),
            kind::FIFO => (0o010_000, 'f'),
            other => {
                let name = String::from_utf8_lossy(&member.name).into_owned();
                self.filling.warn_with(&format!("{name}: Unsupported tarinfo type {}", literal(other)), 1)?;
                return Ok(Some('E'));
            }
        };
        let path = self.push_path(&member.name);
        let source = match member.kind {
            kind::SYMBOLIC_LINK => Some(self.filling.unit.push(&member.link)),
            // The name that the linked member has here.
            kind::HARD_LINK => Some(self.push_path(&member.link)),
            _ => None,
        };
        let is_device = matches!(member.kind, kind::BLOCK_DEVICE | kind::CHARACTER_DEVICE);
        let name = |name: &[u8]| (!name.is_empty()).then(|| name.into());
        let content = status == 'A';
        self.filling.begin(Entry {
            text: path.until(self.filling.unit.text.len()),
            path,
            shown: path,
            status: content.then_some(status),
            mode: bits | member.mode,
            uid: member.uid,
            gid: member.gid,
            user: name(&member.user),
            group: name(&member.group),
            mtime: member.mtime.clamp(0, LATEST) as i64,
            source,
            rdev: is_device.then(|| makedev(member.device.0, member.device.1)),
            content,
            ..Entry::default()
        });
        if content {
            let Self { tar, interrupt, .. } = self;
            self.content.cut(Length::Regular(member.size), &mut self.filling, &mut |room| {
                if interrupt.requested() {
                    return Err(Halt::Interrupted.into());
                }
                tar.read(room).map_err(|error| halt(error, interrupt).into())
            })?;
        }
        self.filling.unit.records.push(Record::End(None));
        self.filling.dispatch_if_full()?;
        Ok((!content).then_some(status))
    }

    /// A path as Borg stores it: relative, and inside.
    fn push_path(&mut self, name: &[u8]) -> Span {
        let normal = normalize(name);
        match &normal[unsafe_prefix(&normal)..] {
            b"" => self.filling.unit.push(b"."),
            path => self.filling.unit.push(path),
        }
    }
}

fn halt(error: io::Error, interrupt: &Interrupt) -> Halt {
    match interrupt.requested() {
        true => Halt::Interrupted,
        false => Halt::Failed(Error::local("read", "tar archive")(error)),
    }
}

/// A byte as Python shows it.
fn literal(byte: u8) -> String {
    match byte {
        b'\'' => "b\"'\"".to_owned(),
        b'\\' => r"b'\\'".to_owned(),
        b'\t' => r"b'\t'".to_owned(),
        b'\n' => r"b'\n'".to_owned(),
        b'\r' => r"b'\r'".to_owned(),
        b' '..=b'~' => format!("b'{}'", char::from(byte)),
        other => format!("b'\\x{other:02x}'"),
    }
}
