//! Python's format strings, as `--format` and placeholders take them: `{name}`, `{name:<36}`, `{name!r:>10}`, `{{`, `}}`.
//!
//! A template is parsed once and rendered many times; only the keys it names are asked for.

use super::specification::{Specification, Value};

/// A parsed format string.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Field { key: String, conversion: Option<char>, specification: String },
}

impl Template {
    /// Reads a format string.
    pub(crate) fn parse(format: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = format;
        while let Some(place) = rest.find(['{', '}']) {
            literal.push_str(&rest[..place]);
            let brace = &rest[place..=place];
            rest = &rest[place + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err(TemplateError::SingleClosing);
            }
            let end = field_end(rest)?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(field(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// Whether a field asks for `key`.
    pub(crate) fn names(&self, key: &str) -> bool {
        self.keys().any(|name| name == key)
    }

    /// The keys of all fields, with the sign of a conversion.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field { key, .. } => Some(key.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The first key that has a conversion such as `!r`.
    pub(crate) fn converted_key(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| match part {
            Part::Field { key, conversion: Some(_), .. } => Some(key.as_str()),
            _ => None,
        })
    }

    /// Appends the text with every field replaced by what `value` knows of it.
    pub(crate) fn render<'v>(
        &self,
        out: &mut Vec<u8>,
        mut value: impl FnMut(&str) -> Option<Value<'v>>,
    ) -> Result<(), TemplateError> {
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Field { key, conversion, specification } => {
                    let found = value(key).ok_or_else(|| TemplateError::UnknownKey(key.clone()))?;
                    found.converted(*conversion)?.format(specification, out)?;
                }
            }
        }
        Ok(())
    }
}

/// What is wrong with a format string, in Python's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TemplateError {
    /// A `}` that nothing opened.
    #[error("Single '}}' encountered in format string")]
    SingleClosing,
    /// A `{` at the end.
    #[error("Single '{{' encountered in format string")]
    SingleOpening,
    /// A field that is not closed.
    #[error("expected '}}' before end of string")]
    Unclosed,
    /// Something other than `:` or the end after `!r`.
    #[error("expected ':' after conversion specifier")]
    AfterConversion,
    /// `!x`
    #[error("Unknown conversion specifier {0}")]
    Conversion(char),
    /// A key that does not exist.
    #[error("'{0}'")]
    UnknownKey(String),
    /// A specification that a value does not understand.
    #[error("{0}")]
    Specification(String),
}

impl TemplateError {
    /// Python's class for it, which Borg names in its message.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::UnknownKey(_) => "KeyError",
            _ => "ValueError",
        }
    }
}

/// Where the field that starts at `text` ends; a specification may hold braces in pairs.
fn field_end(text: &str) -> Result<usize, TemplateError> {
    let mut depth = 0_usize;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Ok(place),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    Err(if text.is_empty() { TemplateError::SingleOpening } else { TemplateError::Unclosed })
}

fn field(text: &str) -> Result<Part, TemplateError> {
    let end = text.find(['!', ':']).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    let mut specification = rest;
    let mut conversion = None;
    if let Some(after) = rest.strip_prefix('!') {
        let mut characters = after.chars();
        conversion = Some(characters.next().ok_or(TemplateError::Unclosed)?);
        specification = characters.as_str();
        if !specification.is_empty() && !specification.starts_with(':') {
            return Err(TemplateError::AfterConversion);
        }
    }
    let specification = specification.strip_prefix(':').unwrap_or(specification);
    if specification.contains(['{', '}']) {
        return Err(TemplateError::Specification("nested replacement fields are not supported".to_owned()));
    }
    Ok(Part::Field { key: key.to_owned(), conversion, specification: specification.to_owned() })
}

impl Value<'_> {
    fn converted(self, conversion: Option<char>) -> Result<Self, TemplateError> {
        use super::text::{Alphabet, literal};
        let alphabet = match conversion {
            None => return Ok(self),
            Some('s') => return Ok(Value::owned(self.plain())),
            Some('r') => Alphabet::Unicode,
            Some('a') => Alphabet::Ascii,
            Some(other) => return Err(TemplateError::Conversion(other)),
        };
        Ok(match self {
            Value::Text(text) => Value::owned(literal(&text, alphabet)),
            other => Value::owned(other.plain()),
        })
    }

    fn format(&self, specification: &str, out: &mut Vec<u8>) -> Result<(), TemplateError> {
        match self {
            Value::Time(moment) if !specification.is_empty() => {
                out.extend_from_slice(moment.strftime(specification).as_bytes());
                Ok(())
            }
            _ => Specification::parse(specification)?.apply(self, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::time::{Moment, Zone, parse_stored};

    fn rendered(format: &str) -> Result<String, TemplateError> {
        let moment = Moment::of_archive(parse_stored("2018-11-17T09:36:53").unwrap(), &Zone::utc());
        let mut out = Vec::new();
        Template::parse(format)?.render(&mut out, |key| {
            Some(match key {
                "name" => Value::from("näme".as_bytes()),
                "size" => Value::Integer(1_234_567),
                "time" => Value::Time(moment.clone()),
                _ => return None,
            })
        })?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn fields_are_padded_as_python_pads_them() {
        for (format, text) in [
            (
                "{name:<6}|{name:>6}|{name:^7}|{name:*^7}|{name:.2}|{name:6}|",
                "näme  |  näme| näme  |*näme**|nä|näme  |",
            ),
            (
                "{size:10}|{size:<10}|{size:010}|{size:,}|{size:x}|{size:+d}|",
                "   1234567|1234567   |0001234567|1,234,567|12d687|+1234567|",
            ),
            ("{time}|{time:%Y}|{time!s:>26}|", "Sat, 2018-11-17 09:36:53|2018|  Sat, 2018-11-17 09:36:53|"),
            ("{{{name}}}{{}}", "{näme}{}"),
            ("{name!r:>8}{name!a}", "  'näme''n\\xe4me'"),
            ("", ""),
        ] {
            assert_eq!(rendered(format).unwrap(), text, "{format}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (format, error) in [
            ("}", TemplateError::SingleClosing),
            ("a{", TemplateError::SingleOpening),
            ("{name", TemplateError::Unclosed),
            ("{nope}", TemplateError::UnknownKey("nope".to_owned())),
            ("{name!x}", TemplateError::Conversion('x')),
            ("{name!rr}", TemplateError::AfterConversion),
        ] {
            assert_eq!(rendered(format).unwrap_err(), error, "{format}");
        }
        assert_eq!(rendered("{name:d}").unwrap_err().to_string(), "Unknown format code 'd' for object of type 'str'");
        assert_eq!(rendered("{size:q}").unwrap_err().to_string(), "Unknown format code 'q' for object of type 'int'");
        assert_eq!(rendered("{name:+}").unwrap_err().to_string(), "Sign not allowed in string format specifier");
    }
}
