//! write → attributes: units in order become files. The only stage that touches the destination.
//!
//! A small file costs openat, write, fchmod, futimens and close; its owner is looked at once a directory and changed only where
//! it differs. Attributes of directories wait until their contents are there, in a stack as deep as the tree.

use std::io::{self, Write};

use nanoprobe_format::item::Item;
use nanoprobe_key::Opener;
use nanoprobe_repository::Repository;

use super::{
    Options, Target,
    file::{self, NewFile},
    items::Places,
    trouble::Trouble,
    unit::{Content, Step, Unit},
};
use crate::{
    Error, Event, Monitor,
    tar::{self, TarWriter},
};

const TYPE_BITS: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// Where content goes.
enum Sink<'a> {
    Places(Box<Places<'a>>),
    Tar(TarWriter<'a>),
    Stream(&'a mut (dyn Write + Send)),
    Nothing,
}

/// Carries units out.
pub(super) struct Writer<'a> {
    sink: Sink<'a>,
    repository: &'a dyn Repository,
    opener: Opener,
    monitor: &'a dyn Monitor,
    list: bool,
    sparse: bool,
    /// The item at hand, packed, and how much of its path is stripped.
    current: Vec<u8>,
    stripped: usize,
    file: Option<NewFile>,
    /// Trouble that was reported: the rest of the item is passed over.
    has_failed: bool,
    written_bytes: u64,
    object: Vec<u8>,
    data: Vec<u8>,
    progress: Progress,
}

/// Bytes done of all; reported by tenths of a percent.
#[derive(Debug, Default)]
struct Progress {
    done: u64,
    total: u64,
    reported: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        target: Target<'a>,
        options: &Options,
        repository: &'a dyn Repository,
        opener: Opener,
        monitor: &'a dyn Monitor,
        total_bytes: Option<u64>,
    ) -> Result<Self, Error> {
        let sink = match target {
            Target::Directory(path) => Sink::Places(Box::new(Places::open(path, options.attributes, monitor)?)),
            Target::Tar(out) => Sink::Tar(TarWriter::new(out)),
            Target::Stream(stream) => Sink::Stream(stream),
            Target::Nothing => Sink::Nothing,
        };
        Ok(Self {
            sink,
            repository,
            opener,
            monitor,
            list: options.list,
            sparse: options.sparse,
            current: Vec::new(),
            stripped: 0,
            file: None,
            has_failed: false,
            written_bytes: 0,
            object: Vec::new(),
            data: Vec::new(),
            progress: Progress { total: total_bytes.unwrap_or(0), ..Progress::default() },
        })
    }

    /// Carries out one unit. Trouble with a file is a warning; trouble with the repository ends the run.
    pub(super) fn write(&mut self, unit: &Unit) -> Result<(), Error> {
        let mut chunks = unit.chunks.iter();
        for step in &unit.steps {
            match *step {
                Step::Begin { start, end, stripped, content } => {
                    self.current.clear();
                    self.current.extend_from_slice(&unit.items[start as usize..end as usize]);
                    self.stripped = stripped as usize;
                    self.begin(content)?;
                }
                Step::Chunk => {
                    let Some(chunk) = chunks.next() else { break };
                    match chunk.data {
                        Some((start, end)) => self.content(&unit.slot.plain[start as usize..end as usize])?,
                        None => {
                            self.repository.get(&chunk.id, &mut self.object)?;
                            let mut data = std::mem::take(&mut self.data);
                            self.opener.open(Some(&chunk.id), &self.object, &mut data)?;
                            let written = self.content(&data);
                            self.data = data;
                            written?;
                        }
                    }
                }
                Step::End => self.end()?,
            }
        }
        Ok(())
    }

    /// All items are there: what is left of the directories gets its attributes.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        match &mut self.sink {
            Sink::Places(places) => places.finish_directories(),
            Sink::Tar(tar) => tar.finish().map_err(tar_failed)?,
            Sink::Stream(_) | Sink::Nothing => {}
        }
        if self.progress.total > 0 {
            self.monitor.event(Event::ProgressFinished { operation: "extract" });
        }
        Ok(())
    }

    fn begin(&mut self, content: Content) -> Result<(), Error> {
        let item = parse(&self.current)?;
        let path = &item.path[self.stripped..];
        (self.has_failed, self.written_bytes, self.file) = (false, 0, None);
        if let Sink::Places(places) = &mut self.sink {
            places.leave_directories(path);
        }
        if let Sink::Tar(tar) = &mut self.sink {
            let place = if content == Content::Link { tar::Place::Elsewhere } else { tar::Place::Here };
            if tar.begin(&item, path, place).map_err(tar_failed)? == tar::Begun::Unsupported {
                warn(self.monitor, item.path, &Trouble::NotInTar(item.mode & TYPE_BITS));
                self.has_failed = true;
            } else if self.list {
                self.monitor.event(Event::File { status: ' ', path: item.path });
            }
            return Ok(());
        }
        if self.list {
            self.monitor.event(Event::File { status: ' ', path });
        }
        let Sink::Places(places) = &mut self.sink else { return Ok(()) };
        let begun = match (item.mode & TYPE_BITS, content) {
            (_, Content::Present) => Ok(()),
            (DIRECTORY, _) => places.directory(&item, path),
            (_, Content::Link) => places.link(&item, path),
            (REGULAR, Content::Own) => places.file(path).map(|file| self.file = Some(file)),
            (_, Content::Own) => places.special(&item, path),
        };
        self.has_failed = begun.is_err() || content == Content::Present;
        if let Err(trouble) = begun {
            warn(self.monitor, item.path, &trouble);
        }
        Ok(())
    }

    fn content(&mut self, data: &[u8]) -> Result<(), Error> {
        self.written_bytes += data.len() as u64;
        self.advance(data.len() as u64)?;
        if self.has_failed {
            return Ok(());
        }
        match (&mut self.sink, &mut self.file) {
            (Sink::Tar(tar), _) => tar.content(data).map_err(tar_failed)?,
            (Sink::Stream(stream), _) => {
                stream.write_all(data).map_err(Error::local("cannot write to", "standard output"))?;
            }
            (Sink::Places(places), Some(file)) => {
                let how = if self.sparse { file::Zeros::Skip } else { file::Zeros::Write };
                if let Err(errno) = file.write(data, how) {
                    let item = parse(&self.current)?;
                    let shown = places.shown(&item.path[self.stripped..]);
                    warn(self.monitor, item.path, &Trouble::System { operation: "write", errno, shown });
                    (self.has_failed, self.file) = (true, None);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let item = parse(&self.current)?;
        if self.has_failed {
            return Ok(());
        }
        if let Sink::Tar(tar) = &mut self.sink {
            return tar.end().map_err(tar_failed);
        }
        let mut result = Ok(());
        if let (Sink::Places(places), Some(file)) = (&mut self.sink, self.file.take()) {
            result = places.finish_file(&item, &item.path[self.stripped..], file);
        }
        if item.chunks_healthy.is_some() && result.is_ok() {
            result = Err(Trouble::Damaged);
        }
        if let Some(size) = item.size
            && item.mode & TYPE_BITS == REGULAR
            && item.source.is_none()
            && size != self.written_bytes
            && matches!(result, Ok(()) | Err(Trouble::Damaged))
        {
            result = Err(Trouble::Inconsistent { size, chunks: self.written_bytes });
        }
        if let Err(trouble) = result {
            warn(self.monitor, item.path, &trouble);
        }
        Ok(())
    }

    fn advance(&mut self, bytes: u64) -> Result<(), Error> {
        let progress = &mut self.progress;
        if progress.total == 0 {
            return Ok(());
        }
        progress.done += bytes;
        let permille = u128::from(progress.done) * 1000 / u128::from(progress.total);
        if permille as u64 > progress.reported {
            progress.reported = permille as u64;
            let information = parse(&self.current)?.path;
            self.monitor.event(Event::Progress {
                operation: "extract",
                done: progress.done,
                total: progress.total,
                information,
            });
        }
        Ok(())
    }
}

fn tar_failed(source: io::Error) -> Error {
    Error::Local { action: "write", path: "tar archive".into(), source }
}

/// Reports trouble with the item of this path.
pub(super) fn warn(monitor: &dyn Monitor, path: &[u8], trouble: &Trouble) {
    monitor.event(Event::Warning { message: &trouble.message(path), exit_code: trouble.exit_code() });
}

/// What a unit holds was emitted by the planner: it parses.
pub(super) fn parse(packed: &[u8]) -> Result<Item<'_>, Error> {
    Ok(Item::parse(packed)?)
}
