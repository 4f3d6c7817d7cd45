//! items: each is left out, moved, or written with the content it gets.

use nanoprobe_archive::ItemReader;
use nanoprobe_format::{
    ChunkRef,
    item::{Chunks, Item},
};

use super::{RecreateError, content::Content, save::Target};
use crate::{
    Error, Event, Interrupt, Monitor,
    create::Statistics,
    extract::masters::{Master, Masters},
    patterns::PatternMatcher,
};

const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// One archive's way into another.
pub(super) struct Rewrite<'a> {
    pub(super) target: Target<'a>,
    pub(super) content: Content<'a>,
    pub(super) matcher: PatternMatcher,
    /// Where something may be left out.
    pub(super) masters: Option<Masters>,
    pub(super) monitor: &'a dyn Monitor,
    pub(super) interrupt: &'a Interrupt,
    pub(super) files: u64,
}

impl Rewrite<'_> {
    /// All items, then the new archive's metadata.
    pub(super) fn run(mut self, mut items: ItemReader<'_>) -> Result<Statistics, RecreateError> {
        while let Some(item) = items.next().map_err(Error::from)? {
            if self.interrupt.requested() {
                return Err(Error::Interrupted.into());
            }
            self.item(item)?;
        }
        let statistics = self.statistics();
        if !self.target.options.dry_run {
            self.target.save(&statistics)?;
        }
        Ok(statistics)
    }

    fn statistics(&self) -> Statistics {
        Statistics { files: self.files, ..self.content.statistics }
    }

    fn item(&mut self, found: Item<'_>) -> Result<(), Error> {
        if !self.matcher.matches(found.path).include {
            self.tell('x', found.path);
            return self.leave_out(&found);
        }
        let mut moved_chunks: Vec<ChunkRef> = Vec::new();
        let moved_source;
        let mut item = found;
        match self.master(&item)? {
            None => {}
            Some(Master::At(path)) => {
                moved_source = path;
                item.source = Some(&moved_source);
            }
            Some(Master::Content(mut stored)) => {
                // The first link to a master that is left out takes its place.
                let (Some(masters), Some(source)) = (&mut self.masters, item.source.take()) else { return Ok(()) };
                let mut batch = Vec::new();
                loop {
                    masters.chunks(&mut stored, &mut batch).map_err(temporary_file)?;
                    if batch.is_empty() {
                        break;
                    }
                    moved_chunks.extend_from_slice(&batch);
                }
                masters.extracted(source, item.path).map_err(temporary_file)?;
                item.chunks = (item.mode & TYPE == REGULAR).then_some(Chunks::Refs(&moved_chunks));
            }
        }
        if self.target.options.dry_run {
            self.tell('-', item.path);
            return Ok(());
        }
        self.write(item)
    }

    fn write(&mut self, found: Item<'_>) -> Result<(), Error> {
        let status = status(found.mode);
        let mut chunks = Vec::new();
        let mut item = found;
        let has_content = item.chunks.is_some();
        if let Some(old) = item.chunks {
            self.tell(status, item.path);
            let old: Vec<ChunkRef> = old.iter().collect();
            self.content.process(&old, &mut chunks)?;
            self.files += 1;
            item.chunks = Some(Chunks::Refs(&chunks));
        }
        self.target.items.write(&item, self.target.repository)?;
        if !has_content {
            self.tell(status, item.path);
        }
        let statistics = self.statistics();
        self.target.checkpoint_if_due(&statistics)
    }

    /// A master may be needed by a link that stays.
    fn leave_out(&mut self, item: &Item<'_>) -> Result<(), Error> {
        let is_master = is_linkable(item.mode) && item.hardlink_master != Some(false) && item.source.is_none();
        let Some(masters) = self.masters.as_mut().filter(|_| is_master) else { return Ok(()) };
        let chunks = item.chunks.iter().flat_map(|chunks| chunks.iter());
        let count = item.chunks.as_ref().map_or(0, Chunks::len);
        masters.remember(item.path, count, chunks).map_err(temporary_file)
    }

    /// What became of the item's master, if that was left out.
    fn master(&self, item: &Item<'_>) -> Result<Option<Master>, Error> {
        match (&self.masters, item.source) {
            (Some(masters), Some(source)) if is_linkable(item.mode) => masters.find(source).map_err(temporary_file),
            _ => Ok(None),
        }
    }

    fn tell(&self, status: char, path: &[u8]) {
        self.monitor.event(Event::File { status, path });
    }
}

fn temporary_file(error: std::io::Error) -> Error {
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
