//! Values of a TOML document with their lines; what is wrong is gathered, so that one reading shows it all.

use std::path::PathBuf;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::Problem;
use crate::schedule::Schedule;

/// What was found wrong so far.
pub(super) struct Problems<'t> {
    file: &'t str,
    text: &'t str,
    found: Vec<Problem>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, found: Vec::new() }
    }

    /// A problem with what stands at this byte of the text.
    pub(super) fn add(&mut self, place: usize, reason: impl ToString) {
        let before = &self.text.as_bytes()[..place.min(self.text.len())];
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        self.found.push(Problem { file: self.file.to_owned(), line, reason: reason.to_string() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn in_order(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| problem.line);
        self.found
    }
}

/// A table, and which of its keys were asked for.
pub(super) struct Section<'t> {
    pub(super) name: String,
    /// Where its header is.
    pub(super) place: usize,
    table: &'t DeTable<'t>,
    asked: Vec<&'static str>,
}

impl<'t> Section<'t> {
    pub(super) fn new(name: &str, table: &'t DeTable<'t>, place: usize) -> Self {
        Self { name: name.to_owned(), place, table, asked: Vec::new() }
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Where a key is, else where the section begins.
    pub(super) fn place_of(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.place, |value| value.span().start)
    }

    /// A value, converted; what cannot be is a problem and counts as not there.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
        convert: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(key)?;
        match convert(value.get_ref()) {
            Ok(value) => Some(value),
            Err(reason) => {
                problems.add(value.span().start, format_args!("{key}: {reason}"));
                None
            }
        }
    }

    /// The same, where it must be there.
    pub(super) fn need<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
        convert: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        if !self.table.contains_key(key) {
            problems.add(self.place, format_args!("[{}] has no \"{key}\"", self.name));
        }
        self.read(key, problems, convert)
    }

    /// A table in this one.
    pub(super) fn section(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<Section<'t>> {
        let value = self.value(key)?;
        let place = value.span().start;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(&self.path(key), table, place)),
            other => {
                problems.add(place, format_args!("{key}: a table is expected, not {}", kind(other)));
                None
            }
        }
    }

    /// The tables `[KEY.NAME]`, in the order of the file; `name` of each is the NAME.
    pub(super) fn named_sections(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Vec<Section<'t>> {
        let Some(parent) = self.section(key, problems) else { return Vec::new() };
        let mut sections = Vec::new();
        for (name, value) in parent.table {
            let place = name.span().start;
            let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
            if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
                problems.add(place, format_args!("\"{}\": a name is made of letters, digits, - and _", name.get_ref()));
                continue;
            }
            match value.get_ref() {
                DeValue::Table(table) => sections.push(Section::new(name.get_ref(), table, place)),
                other => {
                    problems.add(place, format_args!("[{key}.{}] is expected, not {}", name.get_ref(), kind(other)))
                }
            }
        }
        sections.sort_by_key(|section| section.place);
        sections
    }

    /// Names what nobody asked for.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for key in self.table.keys().filter(|key| !self.asked.contains(&key.get_ref().as_ref())) {
            let known = self.asked.join(", ");
            problems.add(key.span().start, format_args!("\"{}\" means nothing here; known are {known}", key.get_ref()));
        }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

fn kind(value: &DeValue<'_>) -> String {
    format!("a value of type {}", value.type_str())
}

pub(super) fn text(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) if text.contains(['\0', '\n']) => Err("a line of text is expected".to_owned()),
        DeValue::String(text) if text.is_empty() => Err("it is empty".to_owned()),
        DeValue::String(text) => Ok(text.to_string()),
        other => Err(format!("text in quotes is expected, not {}", kind(other))),
    }
}

pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("true or false is expected, not {}", kind(value)))
}

/// A whole number from `least` to `most`.
pub(super) fn whole(least: u32, most: u32) -> impl FnOnce(&DeValue<'_>) -> Result<u32, String> {
    move |value| {
        let number = value.as_integer().and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("a whole number from {least} to {most} is expected"))
    }
}

pub(super) fn texts(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    match value {
        DeValue::Array(values) => values.iter().map(|value| text(value.get_ref())).collect(),
        other => Err(format!("a list of texts is expected, such as [\"a\", \"b\"], not {}", kind(other))),
    }
}

/// An absolute path.
pub(super) fn path(value: &DeValue<'_>) -> Result<PathBuf, String> {
    let path = PathBuf::from(text(value)?);
    if path.is_absolute() { Ok(path) } else { Err(format!("{} is no absolute path", path.display())) }
}

pub(super) fn paths(value: &DeValue<'_>) -> Result<Vec<PathBuf>, String> {
    match value {
        DeValue::Array(values) if !values.is_empty() => values.iter().map(|value| path(value.get_ref())).collect(),
        _ => Err("a list of absolute paths is expected, such as [\"/home\"]".to_owned()),
    }
}

/// `90s`, `20m`, `6h`, `3d`, `2w`, in seconds.
pub(super) fn duration(value: &DeValue<'_>) -> Result<u32, String> {
    let text = text(value)?;
    let wrong = || format!("\"{text}\" is no length of time such as 20m, 6h or 3d");
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    let number: u32 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|seconds| *seconds < 1 << 30).ok_or_else(wrong)
}

pub(super) fn schedule(value: &DeValue<'_>) -> Result<Schedule, String> {
    Schedule::parse(&text(value)?)
}

/// One of some words.
pub(super) fn choice<T: Copy>(words: &'static [(&'static str, T)]) -> impl FnOnce(&DeValue<'_>) -> Result<T, String> {
    move |value| {
        let text = text(value)?;
        let found = words.iter().find(|(word, _)| *word == text);
        let known = || words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
        found.map(|(_, value)| *value).ok_or_else(|| format!("\"{text}\" is not {}", known()))
    }
}
