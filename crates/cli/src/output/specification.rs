//! Python's format specifications, `[[fill]align][sign][#][0][width][,][.precision][type]`, for texts and whole numbers.

use std::borrow::Cow;

use super::{
    template::TemplateError,
    text::{characters, truncated},
    time::Moment,
};

/// What a field can hold.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    /// Text, perhaps not UTF-8.
    Text(Cow<'a, [u8]>),
    /// A whole number.
    Integer(i128),
    /// A time.
    Time(Moment),
}

impl Value<'_> {
    /// Text that is not borrowed.
    pub(crate) fn owned(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }

    /// As `str` shows it.
    pub(crate) fn plain(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.to_vec(),
            Self::Integer(number) => number.to_string().into_bytes(),
            Self::Time(moment) => moment.plain().into_bytes(),
        }
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(text: &'a [u8]) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// Wider than any table, small enough to be harmless.
const WIDEST: usize = 1 << 20;

/// A parsed specification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Specification {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Specification {
    /// Reads a specification.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let characters: Vec<char> = text.chars().collect();
        let mut specification = Self::default();
        let mut rest = &characters[..];
        match rest {
            [fill, align @ ('<' | '>' | '^' | '='), after @ ..] => {
                (specification.fill, specification.align) = (Some(*fill), Some(*align));
                rest = after;
            }
            [align @ ('<' | '>' | '^' | '='), after @ ..] => {
                specification.align = Some(*align);
                rest = after;
            }
            _ => {}
        }
        specification.sign = take(&mut rest, &['+', '-', ' ']);
        specification.alternate = take(&mut rest, &['#']).is_some();
        specification.zero = take(&mut rest, &['0']).is_some();
        specification.width = number(&mut rest)?.unwrap_or(0);
        specification.grouping = take(&mut rest, &[',', '_']);
        if take(&mut rest, &['.']).is_some() {
            let missing = || TemplateError::Specification("Format specifier missing precision".to_owned());
            specification.precision = Some(number(&mut rest)?.ok_or_else(missing)?);
        }
        if let [kind, after @ ..] = rest {
            specification.kind = Some(*kind);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(TemplateError::Specification("Invalid format specifier".to_owned()));
        }
        Ok(specification)
    }

    /// Appends `value` in this format.
    pub(crate) fn apply(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), TemplateError> {
        match value {
            Value::Text(text) => self.text(text, out),
            Value::Time(moment) => self.text(moment.plain().as_bytes(), out),
            Value::Integer(number) => self.integer(*number, out),
        }
    }

    fn text(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), TemplateError> {
        let refused = |reason: &str| Err(TemplateError::Specification(reason.to_owned()));
        if let Some(kind) = self.kind.filter(|kind| *kind != 's') {
            return Err(unknown_kind(kind, "str"));
        }
        if self.sign.is_some() {
            return refused("Sign not allowed in string format specifier");
        }
        if self.alternate {
            return refused("Alternate form (#) not allowed in string format specifier");
        }
        if self.align == Some('=') {
            return refused("'=' alignment not allowed in string format specifier");
        }
        if let Some(grouping) = self.grouping {
            return refused(&format!("Cannot specify '{grouping}' with 's'."));
        }
        let text = truncated(text, self.precision.unwrap_or(usize::MAX));
        self.pad(text, '<', out);
        Ok(())
    }

    fn integer(&self, number: i128, out: &mut Vec<u8>) -> Result<(), TemplateError> {
        let magnitude = number.unsigned_abs();
        let digits = match self.kind {
            None | Some('d' | 'n') => magnitude.to_string(),
            Some('x') => format!("{magnitude:x}"),
            Some('X') => format!("{magnitude:X}"),
            Some('o') => format!("{magnitude:o}"),
            Some('b') => format!("{magnitude:b}"),
            Some('f' | 'F') => format!("{:.*}", self.precision.unwrap_or(6).min(100), magnitude as f64),
            Some('%') => format!("{:.*}%", self.precision.unwrap_or(6).min(100), magnitude as f64 * 100.0),
            Some(kind) => return Err(unknown_kind(kind, "int")),
        };
        if self.precision.is_some() && !matches!(self.kind, Some('f' | 'F' | '%')) {
            let reason = "Precision not allowed in integer format specifier".to_owned();
            return Err(TemplateError::Specification(reason));
        }
        let mut prefix = String::from(match (number < 0, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            (false, _) => "",
        });
        if let (true, Some(kind @ ('x' | 'X' | 'o' | 'b'))) = (self.alternate, self.kind) {
            prefix.extend(['0', kind]);
        }
        let mut body = self.grouped(&digits);
        if self.align == Some('=') || (self.zero && self.align.is_none()) {
            let fill = self.fill.unwrap_or(if self.zero { '0' } else { ' ' });
            let present = prefix.chars().count() + body.chars().count();
            body.insert_str(0, &fill.to_string().repeat(self.width.saturating_sub(present)));
        }
        self.pad((prefix + &body).as_bytes(), '>', out);
        Ok(())
    }

    fn grouped(&self, digits: &str) -> String {
        let Some(separator) = self.grouping else { return digits.to_owned() };
        let group = if matches!(self.kind, Some('x' | 'X' | 'o' | 'b')) { 4 } else { 3 };
        let (whole, tail) = digits.split_at(digits.find(['.', '%']).unwrap_or(digits.len()));
        let mut out = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place) % group == 0 {
                out.push(separator);
            }
            out.push(digit);
        }
        out + tail
    }

    fn pad(&self, text: &[u8], default_align: char, out: &mut Vec<u8>) {
        let missing = self.width.saturating_sub(characters(text));
        let before = match self.align.unwrap_or(default_align) {
            '>' | '=' => missing,
            '^' => missing / 2,
            _ => 0,
        };
        let fill = self.fill.unwrap_or(if self.zero { '0' } else { ' ' });
        let mut encoded = [0; 4];
        let fill = fill.encode_utf8(&mut encoded).as_bytes();
        (0..before).for_each(|_| out.extend_from_slice(fill));
        out.extend_from_slice(text);
        (before..missing).for_each(|_| out.extend_from_slice(fill));
    }
}

fn take(rest: &mut &[char], allowed: &[char]) -> Option<char> {
    let first = *rest.first().filter(|first| allowed.contains(first))?;
    *rest = &rest[1..];
    Some(first)
}

fn number(rest: &mut &[char]) -> Result<Option<usize>, TemplateError> {
    let count = rest.iter().take_while(|character| character.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.iter().collect::<String>().parse() {
        Ok(number) if number <= WIDEST => Ok(Some(number)),
        _ => Err(TemplateError::Specification("Too many decimal digits in format string".to_owned())),
    }
}

fn unknown_kind(kind: char, of: &str) -> TemplateError {
    TemplateError::Specification(format!("Unknown format code '{kind}' for object of type '{of}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(specification: &str, number: i128) -> String {
        let mut out = Vec::new();
        Specification::parse(specification).unwrap().apply(&Value::Integer(number), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_follow_python() {
        for (specification, number, text) in [
            ("", 5, "5"),
            ("6", -5, "    -5"),
            ("06", -5, "-00005"),
            ("=6", -5, "-    5"),
            ("<06", 5, "500000"),
            ("*^7", 5, "***5***"),
            ("#x", 255, "0xff"),
            ("#010b", 5, "0b00000101"),
            ("_x", 0x1234_5678, "1234_5678"),
            (",", -1234567, "-1,234,567"),
            (".1f", 3, "3.0"),
            (" d", 3, " 3"),
            (".0%", 1, "100%"),
        ] {
            assert_eq!(integer(specification, number), text, "{specification}");
        }
        assert!(Specification::parse("99999999999999999999").is_err());
        assert!(Specification::parse("5dd").is_err());
        assert!(Specification::parse(".d").is_err());
    }
}
