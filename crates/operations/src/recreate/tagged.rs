//! tagged: directories that say themselves that they are to be left out become rules.
//!
//! RAM: a rule or two for each such directory, and the names of linked CACHEDIR.TAG files.

use std::collections::BTreeMap;

use nanoprobe_archive::{ArchiveMetadata, ItemReader};
use nanoprobe_format::item::Item;

use super::{Options, RecreateError};
use crate::{
    Error, Interrupt, Session,
    mark::{Objects, Source},
    patterns::{Action, Pattern, PatternMatcher, Rule, Style},
};

const CACHE_TAG: &[u8] = b"CACHEDIR.TAG";
const CACHE_TAG_CONTENT: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// Rules that keep tags and leave out what is tagged.
pub(super) fn rules(
    session: &Session,
    metadata: &ArchiveMetadata,
    options: &Options,
    interrupt: &Interrupt,
) -> Result<Vec<Rule>, RecreateError> {
    if !options.exclude_caches && options.exclude_if_present.is_empty() {
        return Ok(Vec::new());
    }
    let mut matcher = PatternMatcher::for_paths(&options.rules, &options.paths)?;
    let mut tags = Tags { options, objects: Objects::new(session), keep: Vec::new(), leave: Vec::new() };
    // A tag may be a link to a file of any name, which tells nothing of it.
    let mut masters: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
    if options.exclude_caches {
        each(session, metadata, interrupt, &mut |item| {
            if let (true, None, Some(source)) = (is_cache_tag(item), &item.chunks, item.source) {
                masters.insert(source.to_vec(), false);
            }
            Ok(())
        })?;
    }
    each(session, metadata, interrupt, &mut |item| {
        if let Some(is_tag) = masters.get_mut(item.path) {
            *is_tag = tags.has_tag_content(item)?;
        }
        let (directory, name) = split(item.path);
        if name != CACHE_TAG && !matcher.matches(item.path).include {
            return Ok(());
        }
        if options.exclude_if_present.iter().any(|tag| tag == name) {
            tags.exclude(directory, item.path);
        } else if options.exclude_caches && is_cache_tag(item) {
            let is_tag = match (&item.chunks, item.source) {
                (None, Some(source)) => masters.get(source).copied().unwrap_or(false),
                _ => tags.has_tag_content(item)?,
            };
            if is_tag {
                tags.exclude(directory, item.path);
            }
        }
        Ok(())
    })?;
    Ok(tags.keep.into_iter().chain(tags.leave).collect())
}

struct Tags<'a> {
    options: &'a Options,
    objects: Objects<'a>,
    keep: Vec<Rule>,
    leave: Vec<Rule>,
}

impl Tags<'_> {
    fn exclude(&mut self, directory: &[u8], tag: &[u8]) {
        // As in Borg, the archive as a whole is not left out.
        if directory.is_empty() {
            return;
        }
        let rule = |style, text: &[u8], action| Rule { pattern: Pattern { style, text: text.to_vec() }, action };
        if self.options.keep_exclude_tags {
            self.keep.push(rule(Style::PathPrefix, tag, Action::Include));
            let below = [directory, b"/"].concat();
            self.leave.push(rule(Style::Fnmatch, &below, Action::ExcludeNoRecurse));
        } else {
            self.leave.push(rule(Style::PathPrefix, directory, Action::ExcludeNoRecurse));
        }
    }

    /// Whether the file begins as a CACHEDIR.TAG does.
    fn has_tag_content(&mut self, item: &Item<'_>) -> Result<bool, Error> {
        let mut begins = Vec::new();
        let mut data = Vec::new();
        for chunk in item.chunks.iter().flat_map(|chunks| chunks.iter()) {
            self.objects.fetch(&chunk.id, &mut data)?;
            begins.extend_from_slice(&data[..data.len().min(CACHE_TAG_CONTENT.len())]);
            if begins.len() >= CACHE_TAG_CONTENT.len() {
                break;
            }
        }
        Ok(begins.starts_with(CACHE_TAG_CONTENT))
    }
}

fn each(
    session: &Session,
    metadata: &ArchiveMetadata,
    interrupt: &Interrupt,
    visit: &mut dyn FnMut(&Item<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let Session { repository, key, budget, .. } = session;
    let mut items = ItemReader::with_limit(&**repository, key.opener(), &metadata.items, budget.item_bytes());
    while let Some(item) = items.next()? {
        if interrupt.requested() {
            return Err(Error::Interrupted);
        }
        if item.part.is_none() {
            visit(&item)?;
        }
    }
    Ok(())
}

fn is_cache_tag(item: &Item<'_>) -> bool {
    split(item.path).1 == CACHE_TAG && item.mode & TYPE == REGULAR
}

/// Directory and name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}
