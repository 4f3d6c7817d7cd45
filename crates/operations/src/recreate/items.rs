//! items: each is left out, moved, or written with the content it gets.

use std::{io, path::Path};

use nanoprobe_archive::ItemReader;
use nanoprobe_format::{
    ChunkRef,
    item::{Chunks, Item},
};

use super::{RecreateError, content::Content, save::Target};
use crate::{
    Error, Event, Interrupt, Monitor,
    create::Statistics,
    extract::masters::{Master, Masters, Stored},
    patterns::PatternMatcher,
};

const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// One archive's way into another.
pub(super) struct Rewrite<'a> {
    pub(super) target: Target<'a>,
    /// None where content stays as it is.
    pub(super) content: Option<Content<'a>>,
    pub(super) statistics: Statistics,
    pub(super) matcher: PatternMatcher,
    /// Where something may be left out.
    pub(super) masters: Option<LeftOut>,
    pub(super) monitor: &'a dyn Monitor,
    pub(super) interrupt: &'a Interrupt,
}

/// Hard link masters that are left out: their chunks, and those from before a repair.
pub(super) struct LeftOut {
    masters: Masters,
    healthy: Masters,
}

impl Rewrite<'_> {
    /// All items, then the new archive's metadata.
    pub(super) fn run(mut self, mut items: ItemReader<'_>) -> Result<Statistics, RecreateError> {
        while let Some(item) = items.next().map_err(Error::from)? {
            if self.interrupt.requested() {
                return Err(Error::Interrupted.into());
            }
            // The parts of a file that is there as a whole too stay behind, and nobody hears of them.
            if item.part.is_none() {
                self.item(item)?;
            }
        }
        let statistics = self.statistics();
        if !self.target.options.dry_run {
            self.target.save(&statistics)?;
        }
        Ok(statistics)
    }

    fn statistics(&self) -> Statistics {
        let deduplicated_bytes = self.content.as_ref().map_or(0, |content| content.new_bytes);
        Statistics { deduplicated_bytes, ..self.statistics }
    }

    fn item(&mut self, found: Item<'_>) -> Result<(), Error> {
        if !self.matcher.matches(found.path).include {
            self.tell('x', found.path);
            return self.leave_out(&found);
        }
        let mut item = found;
        let source;
        let (mut chunks, mut healthy) = (Vec::new(), Vec::new());
        if let (Some(left_out), Some(master)) = (&mut self.masters, item.source.filter(|_| is_linkable(item.mode))) {
            match left_out.masters.find(master).map_err(temporary_file)? {
                None => {}
                Some(Master::At(path)) => {
                    source = path;
                    item.source = Some(&source);
                }
                Some(Master::Content(stored)) => {
                    // The first link to a master that is left out takes its place.
                    read(&left_out.masters, stored, &mut chunks).map_err(temporary_file)?;
                    if let Some(Master::Content(stored)) = left_out.healthy.find(master).map_err(temporary_file)? {
                        read(&left_out.healthy, stored, &mut healthy).map_err(temporary_file)?;
                        item.chunks_healthy = Some(Chunks::Refs(&healthy));
                    }
                    left_out.masters.extracted(master, item.path).map_err(temporary_file)?;
                    item.chunks = (item.mode & TYPE == REGULAR).then_some(Chunks::Refs(&chunks));
                    item.source = None;
                }
            }
        }
        if self.target.options.dry_run {
            self.tell('-', item.path);
            return Ok(());
        }
        self.write(item)
    }

    fn write(&mut self, found: Item<'_>) -> Result<(), Error> {
        let path = found.path;
        let mut item = found;
        let status = status(item.mode);
        let has_content = item.chunks.is_some();
        if let Some(old) = item.chunks {
            self.tell(status, path);
            if let Some(content) = &mut self.content {
                if content.cuts_anew() {
                    // What is not there any more says nothing of the new chunks.
                    item.chunks_healthy = None;
                }
                item.chunks = Some(content.process(old)?);
            }
            for chunk in item.chunks.iter().flat_map(Chunks::iter) {
                self.statistics.original_bytes += u64::from(chunk.size);
                self.statistics.compressed_bytes += u64::from(chunk.csize);
            }
            self.statistics.files += 1;
        }
        self.target.items.write(&item, self.target.repository)?;
        if !has_content {
            self.tell(status, path);
        }
        let statistics = self.statistics();
        self.target.checkpoint_if_due(&statistics)
    }

    /// A master may be needed by a link that stays.
    fn leave_out(&mut self, item: &Item<'_>) -> Result<(), Error> {
        let is_master = is_linkable(item.mode) && item.hardlink_master != Some(false) && item.source.is_none();
        match self.masters.as_mut().filter(|_| is_master) {
            Some(left_out) => left_out.remember(item).map_err(temporary_file),
            None => Ok(()),
        }
    }

    fn tell(&self, status: char, path: &[u8]) {
        self.monitor.event(Event::File { status, path });
    }
}

impl LeftOut {
    /// Temporary files are made in `directory`.
    pub(super) fn create(directory: &Path) -> Result<Self, Error> {
        Ok(Self { masters: Masters::create(directory)?, healthy: Masters::create(directory)? })
    }

    fn remember(&mut self, item: &Item<'_>) -> io::Result<()> {
        let count = item.chunks.as_ref().map_or(0, Chunks::len);
        self.masters.remember(item.path, count, item.chunks.iter().flat_map(Chunks::iter))?;
        match &item.chunks_healthy {
            Some(healthy) => self.healthy.remember(item.path, healthy.len(), healthy.iter()),
            None => Ok(()),
        }
    }
}

/// All of `stored`.
fn read(masters: &Masters, mut stored: Stored, chunks: &mut Vec<ChunkRef>) -> io::Result<()> {
    let mut batch = Vec::new();
    loop {
        masters.chunks(&mut stored, &mut batch)?;
        if batch.is_empty() {
            return Ok(());
        }
        chunks.extend_from_slice(&batch);
    }
}

fn temporary_file(error: io::Error) -> Error {
    Error::local("temporary file in", std::env::temp_dir())(error)
}

/// Regular files, devices and FIFOs may have several names.
fn is_linkable(mode: u32) -> bool {
    matches!(mode & TYPE, REGULAR | 0o060_000 | 0o020_000 | 0o010_000)
}

/// Borg's letter for a kind of item.
fn status(mode: u32) -> char {
    match mode & TYPE {
        REGULAR => 'A',
        0o040_000 => 'd',
        0o060_000 => 'b',
        0o020_000 => 'c',
        0o120_000 => 's',
        0o010_000 => 'f',
        _ => '?',
    }
}
