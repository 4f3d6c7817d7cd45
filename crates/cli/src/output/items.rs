//! Lines of `list REPOSITORY::ARCHIVE`: one item each, as text in any format or as a JSON line.

use std::io::{self, Write};

use nanoprobe_format::{Id, item::Item};

use super::{
    FORMATTING_AIDS, Layout,
    checksums::{self, Checksums},
    json::Json,
    specification::Value,
    template::{Template, TemplateError},
    text::{append_printable, characters, printable, quoted},
    time::{Moment, Zone},
};

/// The format without `--format`.
pub(crate) const DEFAULT: &str = "{mode} {user:6} {group:6} {size:8} {mtime} {path}{extra}{NL}";
/// The format of `--short`.
pub(crate) const SHORT: &str = "{path}{NL}";

/// What an item's line may need beyond the item itself.
pub(crate) trait Content {
    /// How the command fails.
    type Error: From<io::Error> + From<TemplateError>;

    /// Gives the file's content, piece by piece; asked only for checksums.
    fn read(&mut self, item: &Item<'_>, sink: &mut dyn FnMut(&[u8])) -> Result<(), Self::Error>;

    /// Sums over those entries of the item's chunk list that no other item of the repository uses; asked only for
    /// `dsize`, `dcsize`, `unique_chunks`.
    fn unique(&mut self, item: &Item<'_>) -> Result<UniqueChunks, Self::Error>;
}

/// Chunks of one item that nothing else uses; a chunk that stands twice in the list counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UniqueChunks {
    /// How many.
    pub(crate) chunks: u64,
    /// Their plain bytes.
    pub(crate) original_bytes: u64,
    /// Their stored bytes.
    pub(crate) compressed_bytes: u64,
}

/// Writes items of one archive.
pub(crate) struct ItemLines<'a> {
    template: Template,
    layout: Layout,
    archive_name: &'a [u8],
    archive_id: String,
    zone: &'a Zone,
    /// Computed keys that the format names.
    computed: Vec<&'static str>,
    line: Vec<u8>,
}

/// Keys that cost something to compute, in the order in which JSON lines show them.
const COMPUTED: [&str; 12] = [
    "size",
    "csize",
    "dsize",
    "dcsize",
    "num_chunks",
    "unique_chunks",
    "isomtime",
    "isoctime",
    "isoatime",
    "mtime",
    "ctime",
    "atime",
];

impl<'a> ItemLines<'a> {
    /// Prepares lines in `format` for the items of an archive.
    pub(crate) fn new(
        format: &str,
        layout: Layout,
        archive_name: &'a [u8],
        archive_id: &Id,
        zone: &'a Zone,
    ) -> Result<Self, TemplateError> {
        let template = Template::parse(format)?;
        let computed = COMPUTED.into_iter().chain(checksums::NAMES).filter(|key| template.names(key)).collect();
        Ok(Self {
            template,
            layout,
            archive_name,
            archive_id: archive_id.to_string(),
            zone,
            computed,
            line: Vec::new(),
        })
    }

    /// Whether [`Content::unique`] will be asked.
    pub(crate) fn needs_unique_chunks(&self) -> bool {
        ["dsize", "dcsize", "unique_chunks"].iter().any(|key| self.computed.contains(key))
    }

    /// Whether [`Content::read`] will be asked.
    pub(crate) fn reads_content(&self) -> bool {
        checksums::NAMES.iter().any(|key| self.computed.contains(key))
    }

    /// Writes one item. A checksum of something without content is empty.
    pub(crate) fn write<C: Content>(
        &mut self,
        item: &Item<'_>,
        content: &mut C,
        out: &mut dyn Write,
    ) -> Result<(), C::Error> {
        let unique = if self.needs_unique_chunks() { content.unique(item)? } else { UniqueChunks::default() };
        let mut sums = Vec::new();
        if self.reads_content() && item.chunks.is_some() {
            let mut checksums = Checksums::new(|name| self.computed.contains(&name));
            content.read(item, &mut |data| checksums.update(data))?;
            sums = checksums.finish();
        }
        let view = View { item, zone: self.zone, unique, sums };
        match self.layout {
            Layout::Text => self.write_text(&view, out),
            Layout::JsonLines => self.write_json(&view, out).map_err(C::Error::from),
        }
    }

    fn write_text<E: From<io::Error> + From<TemplateError>>(
        &mut self,
        view: &View<'_, '_>,
        out: &mut dyn Write,
    ) -> Result<(), E> {
        let mut line = Vec::new();
        self.template.render(&mut line, |key| match key {
            "archivename" => Some(Value::from(self.archive_name)),
            "archiveid" => Some(Value::owned(self.archive_id.as_bytes())),
            _ => view.plain(key).or_else(|| view.computed(key)).or_else(|| {
                let (_, text) = FORMATTING_AIDS.into_iter().find(|(name, _)| *name == key)?;
                Some(Value::from(text.as_bytes()))
            }),
        })?;
        self.line.clear();
        append_printable(&line, &mut self.line);
        Ok(out.write_all(&self.line)?)
    }

    fn write_json(&self, view: &View<'_, '_>, out: &mut dyn Write) -> io::Result<()> {
        let mut line = Json::map([]);
        if self.template.names("archivename") {
            line.set("archivename", Json::text(self.archive_name));
        }
        if self.template.names("archiveid") {
            line.set("archiveid", Json::text(&self.archive_id));
        }
        for key in ["type", "mode", "user", "group", "uid", "gid", "path", "healthy", "source", "linktarget", "flags"] {
            let value = match key {
                "healthy" => Json::Boolean(view.item.chunks_healthy.is_none()),
                _ => view.plain(key).map_or(Json::Null, json),
            };
            line.set(key, value);
        }
        for key in &self.computed {
            line.set(key, view.computed(key).map_or(Json::Null, json));
        }
        line.write_line(out)?;
        out.write_all(b"\n")
    }
}

/// One item and what was computed of it.
struct View<'v, 'i> {
    item: &'v Item<'i>,
    zone: &'v Zone,
    unique: UniqueChunks,
    sums: Vec<(&'static str, String)>,
}

impl<'v> View<'v, '_> {
    fn plain(&self, key: &str) -> Option<Value<'v>> {
        let item = self.item;
        let source = item.source.unwrap_or_default();
        let kind = file_mode(item.mode).remove(0);
        Some(match key {
            "type" => Value::owned(kind.to_string()),
            "mode" if !source.is_empty() && kind != 'l' => Value::owned(format!("h{}", &file_mode(item.mode)[1..])),
            "mode" => Value::owned(file_mode(item.mode)),
            "user" => named(item.user, item.uid),
            "group" => named(item.group, item.gid),
            "uid" => number(item.uid),
            "gid" => number(item.gid),
            "path" => Value::owned(printable(item.path)),
            "bpath" => Value::from(item.path),
            "quotedpath" => Value::owned(quoted(item.path)),
            "quotedsource" => Value::owned(quoted(source)),
            "source" | "linktarget" => Value::owned(printable(source)),
            "extra" if source.is_empty() => Value::from(&b""[..]),
            "extra" if kind == 'l' => Value::owned(format!(" -> {}", printable(source))),
            "extra" => Value::owned(format!(" link to {}", printable(source))),
            "health" => Value::from(if item.chunks_healthy.is_some() { &b"broken"[..] } else { b"healthy" }),
            "flags" => Value::Integer(item.bsdflags.unwrap_or(0).into()),
            _ => return None,
        })
    }

    fn computed(&self, key: &str) -> Option<Value<'static>> {
        let item = self.item;
        Some(match key {
            "size" => Value::Integer(item_size(item)),
            "csize" => Value::Integer(sum(item, |chunk| chunk.csize)),
            "dsize" => Value::Integer(self.unique.original_bytes.into()),
            "dcsize" => Value::Integer(self.unique.compressed_bytes.into()),
            "unique_chunks" => Value::Integer(self.unique.chunks.into()),
            "num_chunks" => Value::Integer(item.chunks.as_ref().map_or(0, |chunks| chunks.iter().count() as i128)),
            "mtime" => Value::Time(self.moment(None)),
            "ctime" => Value::Time(self.moment(item.ctime)),
            "atime" => Value::Time(self.moment(item.atime)),
            "isomtime" => Value::owned(self.moment(None).iso()),
            "isoctime" => Value::owned(self.moment(item.ctime).iso()),
            "isoatime" => Value::owned(self.moment(item.atime).iso()),
            name if checksums::NAMES.contains(&name) => {
                let found = self.sums.iter().find(|(known, _)| *known == name);
                Value::owned(found.map_or("", |(_, digits)| digits))
            }
            _ => return None,
        })
    }

    /// A time of the item; where it has none, its modification time.
    fn moment(&self, nanoseconds: Option<i64>) -> Moment {
        let own = nanoseconds.filter(|time| *time != 0);
        Moment::of_item(own.or(self.item.mtime).unwrap_or(0), self.zone)
    }
}

/// Ten characters as `ls -l` shows them.
pub(crate) fn file_mode(mode: u32) -> String {
    let kind = match mode & 0o170000 {
        0o100000 => '-',
        0o040000 => 'd',
        0o120000 => 'l',
        0o060000 => 'b',
        0o020000 => 'c',
        0o010000 => 'p',
        0o140000 => 's',
        _ => '?',
    };
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// The size Borg shows: the recorded one, of a symbolic link its target's characters, else the sum of the chunks.
fn item_size(item: &Item<'_>) -> i128 {
    item.size.map_or_else(|| sum(item, |chunk| chunk.size), i128::from)
}

fn sum(item: &Item<'_>, size: impl Fn(&nanoprobe_format::ChunkRef) -> u32) -> i128 {
    if item.mode & 0o170000 == 0o120000 {
        return characters(item.source.unwrap_or_default()) as i128;
    }
    item.chunks.as_ref().map_or(0, |chunks| chunks.iter().map(|chunk| i128::from(size(&chunk))).sum())
}

fn named<'v>(name: Option<&'v [u8]>, number_of_it: Option<i64>) -> Value<'v> {
    match name {
        Some(name) if !name.is_empty() => Value::from(name),
        _ => number(number_of_it),
    }
}

fn number(number: Option<i64>) -> Value<'static> {
    number.map_or_else(|| Value::owned("None"), |number| Value::Integer(number.into()))
}

fn json(value: Value<'_>) -> Json {
    match value {
        Value::Text(text) => Json::Text(text.into_owned()),
        Value::Integer(number) => Json::Integer(number),
        Value::Time(moment) => Json::text(moment.iso()),
    }
}
