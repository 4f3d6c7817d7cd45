//! Lines of `list REPOSITORY`: one archive each, as text in any format or as the `archives` of a JSON document.

use std::io::{self, Write};

use nanoprobe_format::Id;

use super::{
    FORMATTING_AIDS,
    json::Json,
    specification::Value,
    template::{Template, TemplateError},
    text::{append_printable, printable, shell_line},
    time::{Moment, Zone, parse_stored},
};

/// The format without `--format`.
pub(crate) const DEFAULT: &str = "{archive:<36} {time} [{id}]{NL}";
/// The format of `--short`.
pub(crate) const SHORT: &str = "{archive}{NL}";

/// What the manifest says of an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Archive<'a> {
    /// Its name.
    pub(crate) name: &'a [u8],
    /// Its id.
    pub(crate) id: &'a Id,
    /// Its time as stored.
    pub(crate) time: &'a str,
}

/// What only the archive's own metadata say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArchiveDetails<'a> {
    /// `comment`, empty without one.
    pub(crate) comment: &'a [u8],
    /// `hostname`
    pub(crate) hostname: &'a [u8],
    /// `username`
    pub(crate) username: &'a [u8],
    /// `time_end` as stored, or `time` where it is missing.
    pub(crate) time_end: &'a str,
    /// `cmdline`
    pub(crate) command_line: &'a [Vec<u8>],
    /// Whether the archive's authentication was verified.
    pub(crate) authenticated: bool,
}

/// Writes archives of one repository.
pub(crate) struct ArchiveLines<'a> {
    template: Template,
    zone: &'a Zone,
}

/// Keys that need [`ArchiveDetails`], in the order in which JSON shows them.
const DETAILS: [&str; 7] = ["hostname", "username", "comment", "bcomment", "end", "command_line", "tam"];

impl<'a> ArchiveLines<'a> {
    /// Prepares lines in `format`.
    pub(crate) fn new(format: &str, zone: &'a Zone) -> Result<Self, TemplateError> {
        Ok(Self { template: Template::parse(format)?, zone })
    }

    /// Whether the format needs the archives' own metadata.
    pub(crate) fn needs_details(&self) -> bool {
        DETAILS.iter().any(|key| self.template.names(key))
    }

    /// Writes one archive as text. Without details their keys are unknown.
    pub(crate) fn write<E: From<io::Error> + From<TemplateError>>(
        &self,
        archive: &Archive<'_>,
        details: Option<&ArchiveDetails<'_>>,
        out: &mut dyn Write,
    ) -> Result<(), E> {
        let mut line = Vec::new();
        self.template.render(&mut line, |key| {
            self.plain(archive, key).or_else(|| self.detail(details?, key)).or_else(|| {
                let (_, text) = FORMATTING_AIDS.into_iter().find(|(name, _)| *name == key)?;
                Some(Value::from(text.as_bytes()))
            })
        })?;
        let mut text = Vec::with_capacity(line.len());
        append_printable(&line, &mut text);
        Ok(out.write_all(&text)?)
    }

    /// One archive as an entry of `archives`.
    pub(crate) fn json(&self, archive: &Archive<'_>, details: Option<&ArchiveDetails<'_>>) -> Json {
        let mut entry = Json::map([]);
        for key in ["name", "archive", "barchive", "id", "time", "start"] {
            entry.set(key, self.plain(archive, key).map_or(Json::Null, json));
        }
        let Some(details) = details else { return entry };
        for key in DETAILS.into_iter().filter(|key| self.template.names(key)) {
            let value = match key {
                "command_line" => {
                    let words = details.command_line.iter().map(|word| Json::text(printable(word)));
                    Json::List(words.collect())
                }
                _ => self.detail(details, key).map_or(Json::Null, json),
            };
            entry.set(key, value);
        }
        entry
    }

    fn plain<'v>(&self, archive: &Archive<'v>, key: &str) -> Option<Value<'v>> {
        Some(match key {
            "name" | "archive" => Value::owned(printable(archive.name)),
            "barchive" => Value::from(archive.name),
            "id" => Value::owned(archive.id.to_string()),
            "time" | "start" => self.moment(archive.time),
            _ => return None,
        })
    }

    fn detail<'v>(&self, details: &ArchiveDetails<'v>, key: &str) -> Option<Value<'v>> {
        Some(match key {
            "hostname" => Value::owned(printable(details.hostname)),
            "username" => Value::owned(printable(details.username)),
            "comment" => Value::owned(printable(details.comment)),
            "bcomment" => Value::from(details.comment),
            "end" => self.moment(details.time_end),
            "command_line" => Value::owned(shell_line(details.command_line.iter().map(|word| printable(word)))),
            "tam" => Value::from(if details.authenticated { &b"verified"[..] } else { b"none" }),
            _ => return None,
        })
    }

    /// A stored time that cannot be read shows as it is.
    fn moment(&self, stored: &str) -> Value<'static> {
        match parse_stored(stored) {
            Some(time) => Value::Time(Moment::of_archive(time, self.zone)),
            None => Value::owned(stored),
        }
    }
}

fn json(value: Value<'_>) -> Json {
    match value {
        Value::Text(text) => Json::Text(text.into_owned()),
        Value::Integer(number) => Json::Integer(number),
        Value::Time(moment) => Json::text(moment.iso()),
    }
}
