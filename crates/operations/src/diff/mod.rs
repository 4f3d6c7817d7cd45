//! `diff`: what is different between two archives.
//!
//! ```text
//! pairs (two item streams → paths that both have, or one) → links (masters of hard links) → change → order → lines
//! ```
//!
//! Memory does not depend on the archives: everything that Borg keeps in dictionaries may go to sorted files in our cache
//! directory (`budget.rs` says from when on). Content is read only where chunks cannot tell.

mod change;
mod content;
mod links;
mod order;
mod pairs;

use std::{io, path::PathBuf};

use nanoprobe_archive::{ArchiveMetadata, ItemReader};

pub use self::{
    change::{Change, Difference, Kind, Modified, Owner},
    order::{Direction, SortBy, SortField},
};

use self::{
    change::{Rules, difference},
    content::Contents,
    links::Links,
    order::{Turn, Waiting},
    pairs::Pairs,
};
use crate::{Error, Event, Interrupt, Monitor, Session, select::Selection};

/// What the command line decides.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Owners, modes and times do not count (`--content-only`).
    pub content_only: bool,
    /// Owners are compared by number (`--numeric-ids`).
    pub numeric_ids: bool,
    /// The user knows that both archives were cut in the same way.
    pub same_chunker_params: bool,
    /// The first field counts most; none: Borg's own order.
    pub sort_by: Vec<SortField>,
}

/// Shows differences.
pub trait Lines {
    /// Appends a difference's line.
    fn line(&mut self, difference: &Difference<'_>, line: &mut Vec<u8>);

    /// Prints a line that [`Self::line`] made; lines come in their order.
    fn print(&mut self, line: &[u8]) -> Result<(), Error>;
}

/// Sorted files of a run: those of the links, of the lines, and of what waits for a partner.
const SORTED_FILES: usize = links::SORTED_FILES + 2;

/// Compares two archives. A link without a master is a warning.
pub fn diff(
    session: &Session,
    [old, new]: [&ArchiveMetadata; 2],
    selection: &mut Selection,
    options: &Options,
    lines: &mut dyn Lines,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let compare_ids = options.same_chunker_params || cut_alike(old, new, monitor);
    let rules = Rules { content_only: options.content_only, numeric_ids: options.numeric_ids, compare_ids };
    let scratch = session.scratch()?;
    let most_bytes = session.budget.sort_bytes(SORTED_FILES);
    // Two items are looked at together, and two more may wait.
    let most_item_bytes = session.budget.item_bytes() / 4;
    let items = [old, new].map(|metadata| {
        ItemReader::with_limit(&*session.repository, session.key.opener(), &metadata.items, most_item_bytes)
    });
    let mut contents = Contents::new(session);
    let mut links = Links::new(&scratch, most_bytes);
    let mut waiting = Waiting::new(lines, &options.sort_by, &scratch, most_bytes);
    let mut compare = |path: Option<&[u8]>, turn: Turn, items: [&[u8]; 2]| {
        let [old, new] = links::parse(items)?;
        let own = old.as_ref().or(new.as_ref()).map_or(&b""[..], |item| item.path);
        let same = |old, new| contents.are_same(old, new);
        match difference(path.unwrap_or(own), [&old, &new], rules, same)? {
            Some(difference) => waiting.push(turn, &difference, [&old, &new]).map_err(scratch_failed),
            None => Ok(()),
        }
    };
    Pairs::new(items, selection, &scratch, session.budget.sort_bytes(1), most_bytes).run(
        interrupt,
        &mut |turn, items| {
            if links.take(turn, items)? { Ok(()) } else { compare(None, turn, items) }
        },
    )?;
    links.finish(monitor, &mut |path, turn, items| {
        if interrupt.requested() {
            return Err(Error::Interrupted);
        }
        compare(Some(path), turn, items)
    })?;
    waiting.finish()?;
    selection.warn_of_unmatched(monitor);
    Ok(())
}

/// Whether equal content has equal chunks in both archives, as far as they say.
fn cut_alike(old: &ArchiveMetadata, new: &ArchiveMetadata, monitor: &dyn Monitor) -> bool {
    match (old.chunker_params, new.chunker_params) {
        (Some(old), Some(new)) if old == new => true,
        (Some(_), Some(_)) => {
            let message = "--chunker-params are different between archives, diff will be slow.";
            monitor.event(Event::Remark(message));
            false
        }
        _ => {
            monitor.event(Event::Remark(
                "--chunker-params might be different between archives, diff will be slow.\n\
                 If you know for certain that they are the same, pass --same-chunker-params to override this check.",
            ));
            false
        }
    }
}

fn scratch_failed(source: io::Error) -> Error {
    Error::Local { action: "temporary file", path: PathBuf::new(), source }
}
