//! JSON as Python's `json.dumps` writes it, because front ends compare, hash and grep it.
//!
//! Text is bytes: what is not UTF-8 becomes Python's lone surrogates (`\udcff` for 0xff), everything beyond ASCII is
//! escaped. Maps keep the order in which they were built unless they are written sorted. Costs one document in RAM.

use std::io::{self, Write};

use super::text::{Piece, pieces};

/// One level of indentation, unless the environment says otherwise.
pub(crate) const NESTING: &str = "    ";

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// A number that is always written with a fraction or an exponent.
    Float(f64),
    /// Text, perhaps not UTF-8.
    Text(Vec<u8>),
    /// `[…]`
    List(Vec<Json>),
    /// `{…}`
    Map(Vec<(String, Json)>),
}

impl Json {
    /// Text from anything that holds bytes.
    pub(crate) fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(text.as_ref().to_vec())
    }

    /// A whole number.
    pub(crate) fn integer(number: impl Into<i128>) -> Self {
        Self::Integer(number.into())
    }

    /// A map from pairs.
    pub(crate) fn map<const N: usize>(pairs: [(&str, Json); N]) -> Self {
        Self::Map(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Adds or replaces a key of a map; does nothing to other values.
    pub(crate) fn set(&mut self, key: &str, value: Json) {
        if let Self::Map(pairs) = self {
            match pairs.iter_mut().find(|(name, _)| name == key) {
                Some(pair) => pair.1 = value,
                None => pairs.push((key.to_owned(), value)),
            }
        }
    }

    /// One line, keys in the given order, without a line end: what `--log-json` and `--json-lines` print.
    pub(crate) fn write_line(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write(out, Order::AsBuilt, &Indent::None, 0)
    }

    /// Keys in the given order, one value a line, where everything around is indented `depth` times already.
    pub(crate) fn write_nested(&self, out: &mut dyn Write, depth: usize) -> io::Result<()> {
        self.write(out, Order::AsBuilt, &Indent::By(NESTING.to_owned()), depth)
    }

    /// The layout of `--json` (sorted keys, `BORG_JSON_INDENT` or four spaces), with a line end.
    pub(crate) fn write_document(&self, out: &mut dyn Write, indent: &Indent) -> io::Result<()> {
        self.write(out, Order::Sorted, indent, 0)?;
        out.write_all(b"\n")
    }

    fn write(&self, out: &mut dyn Write, order: Order, indent: &Indent, depth: usize) -> io::Result<()> {
        match self {
            Self::Null => out.write_all(b"null"),
            Self::Boolean(true) => out.write_all(b"true"),
            Self::Boolean(false) => out.write_all(b"false"),
            Self::Integer(number) => write!(out, "{number}"),
            Self::Float(number) => out.write_all(float(*number).as_bytes()),
            Self::Text(text) => write_text(out, text),
            Self::List(values) if values.is_empty() => out.write_all(b"[]"),
            Self::List(values) => {
                out.write_all(b"[")?;
                for (place, value) in values.iter().enumerate() {
                    indent.separate(out, place, depth + 1)?;
                    value.write(out, order, indent, depth + 1)?;
                }
                indent.close(out, depth)?;
                out.write_all(b"]")
            }
            Self::Map(pairs) if pairs.is_empty() => out.write_all(b"{}"),
            Self::Map(pairs) => {
                let mut pairs: Vec<&(String, Json)> = pairs.iter().collect();
                if matches!(order, Order::Sorted) {
                    pairs.sort_by(|left, right| left.0.cmp(&right.0));
                }
                out.write_all(b"{")?;
                for (place, (key, value)) in pairs.into_iter().enumerate() {
                    indent.separate(out, place, depth + 1)?;
                    write_text(out, key.as_bytes())?;
                    out.write_all(b": ")?;
                    value.write(out, order, indent, depth + 1)?;
                }
                indent.close(out, depth)?;
                out.write_all(b"}")
            }
        }
    }
}

/// How nested values are laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Indent {
    /// All on one line.
    None,
    /// A line a value, each level indented by this text.
    By(String),
}

impl Indent {
    /// From the value of `BORG_JSON_INDENT`: nothing is four spaces, `none` one line, a number so many spaces,
    /// any other text itself.
    pub(crate) fn from_environment(value: Option<&str>) -> Self {
        match value {
            None => Self::By(NESTING.to_owned()),
            Some(value) if value.eq_ignore_ascii_case("none") => Self::None,
            Some(value) => match value.trim().parse::<i64>() {
                // A bound on what a typing error can make of every line.
                Ok(spaces) => Self::By(" ".repeat(spaces.clamp(0, 80) as usize)),
                Err(_) => Self::By(value.to_owned()),
            },
        }
    }

    fn separate(&self, out: &mut dyn Write, place: usize, depth: usize) -> io::Result<()> {
        match self {
            Self::None if place > 0 => out.write_all(b", "),
            Self::None => Ok(()),
            Self::By(text) => {
                out.write_all(if place > 0 { b",\n" } else { b"\n" })?;
                (0..depth).try_for_each(|_| out.write_all(text.as_bytes()))
            }
        }
    }

    fn close(&self, out: &mut dyn Write, depth: usize) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::By(text) => {
                out.write_all(b"\n")?;
                (0..depth).try_for_each(|_| out.write_all(text.as_bytes()))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Order {
    AsBuilt,
    Sorted,
}

fn write_text(out: &mut dyn Write, text: &[u8]) -> io::Result<()> {
    out.write_all(b"\"")?;
    for piece in pieces(text) {
        match piece {
            Piece::Character('"') => out.write_all(b"\\\"")?,
            Piece::Character('\\') => out.write_all(b"\\\\")?,
            Piece::Character('\n') => out.write_all(b"\\n")?,
            Piece::Character('\r') => out.write_all(b"\\r")?,
            Piece::Character('\t') => out.write_all(b"\\t")?,
            Piece::Character('\u{8}') => out.write_all(b"\\b")?,
            Piece::Character('\u{c}') => out.write_all(b"\\f")?,
            Piece::Character(plain @ ' '..='~') => out.write_all(&[plain as u8])?,
            Piece::Character(other) => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
            Piece::Byte(byte) => write!(out, "\\udc{byte:02x}")?,
        }
    }
    out.write_all(b"\"")
}

/// A float as Python's `repr` gives it: shortest digits, exponent below 1e-4 and from 1e16 on.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{number}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: &Json) -> String {
        let mut out = Vec::new();
        json.write_line(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_are_pythons() {
        for (number, text) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.25, "0.25"),
            (2.2e-5, "2.2e-05"),
            (0.0001, "0.0001"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (-3.0, "-3.0"),
        ] {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn text_is_escaped_to_ascii_with_surrogates() {
        assert_eq!(line(&Json::text(b"a\"\\\n\x7f\x01")), r#""a\"\\\n\u007f\u0001""#);
        assert_eq!(line(&Json::text("Grüße 🦀")), r#""Gr\u00fc\u00dfe \ud83e\udd80""#);
        assert_eq!(line(&Json::text(b"x\xff\xe2\x82y")), r#""x\udcff\udce2\udc82y""#);
    }

    #[test]
    fn layouts_are_pythons() {
        let json = Json::map([
            ("b", Json::List(vec![Json::integer(1), Json::Boolean(true), Json::Null])),
            ("a", Json::map([])),
            ("c", Json::List(Vec::new())),
        ]);
        assert_eq!(line(&json), r#"{"b": [1, true, null], "a": {}, "c": []}"#);
        let mut out = Vec::new();
        json.write_document(&mut out, &Indent::from_environment(None)).unwrap();
        let expected =
            "{\n    \"a\": {},\n    \"b\": [\n        1,\n        true,\n        null\n    ],\n    \"c\": []\n}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let mut out = Vec::new();
        json.write_document(&mut out, &Indent::from_environment(Some("none"))).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"a\": {}, \"b\": [1, true, null], \"c\": []}\n");
        assert_eq!(Indent::from_environment(Some("")), Indent::By(String::new()));
        assert_eq!(Indent::from_environment(Some("2")), Indent::By("  ".to_owned()));
        assert_eq!(Indent::from_environment(Some("\t")), Indent::By("\t".to_owned()));
    }
}
