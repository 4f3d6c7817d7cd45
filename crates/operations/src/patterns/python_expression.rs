//! Python's `re` syntax in the `regex` crate's spelling (`re:` patterns).
//!
//! Most of it is equal. What is not: the end anchors, `\w` and `\s`, braces and brackets that Python takes literally, octal and
//! `\u` escapes, class operators that Python does not have, and look-around with back references, which need another matcher.

use super::character_class::CharacterClass;

/// An expression for the `regex` crate's syntax.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translation {
    pub(super) expression: String,
    pub(super) matcher: Matcher,
}

/// Who can run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matcher {
    /// A finite automaton.
    Automaton,
    /// Look-around, back references, possessive repetition: a backtracking matcher.
    Backtracking,
}

const WORD: &str = r"\p{L}\p{N}_";
const SPACE: &str = r"\s\x1c-\x1f";

/// `Err` says what Python would not accept either.
pub(super) fn translate(pattern: &str) -> Result<Translation, &'static str> {
    let mut translator =
        Translator { rest: pattern, out: String::with_capacity(pattern.len() * 2), matcher: Matcher::Automaton };
    let multiple_lines = pattern
        .strip_prefix("(?")
        .and_then(|rest| rest.split(')').next())
        .is_some_and(|flags| flags.chars().all(|flag| flag.is_ascii_alphabetic()) && flags.contains('m'));
    while let Some(character) = translator.next() {
        match character {
            '\\' => translator.escape()?,
            '[' => translator.class()?,
            '(' => translator.group()?,
            '{' => translator.brace(),
            '*' | '+' | '?' => {
                translator.out.push(character);
                if translator.rest.starts_with('+') {
                    translator.matcher = Matcher::Backtracking;
                }
            }
            // Python's `$` also stands before a last line feed.
            '$' => translator.out.push_str(if multiple_lines { "$" } else { r"(?:\n?\z)" }),
            ')' | '|' | '.' | '^' | '#' => translator.out.push(character),
            _ if character.is_whitespace() => translator.out.push(character),
            _ => translator.out.push_str(&regex::escape(character.encode_utf8(&mut [0; 4]))),
        }
    }
    Ok(Translation { expression: translator.out, matcher: translator.matcher })
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    matcher: Matcher,
}

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        let before = self.rest;
        let character = self.next().ok_or("bad escape (end of pattern)")?;
        match character {
            'A' | 'b' | 'B' | 'd' | 'D' => self.out.extend(['\\', character]),
            'Z' => self.out.push_str(r"\z"),
            'w' => self.out.extend(["[", WORD, "]"]),
            'W' => self.out.extend(["[^", WORD, "]"]),
            's' => self.out.extend(["[", SPACE, "]"]),
            'S' => self.out.extend(["[^", SPACE, "]"]),
            '1'..='9' if !octal_triple(before) => {
                self.matcher = Matcher::Backtracking;
                let digits = if self.rest.starts_with(|next: char| next.is_ascii_digit()) { 2 } else { 1 };
                // Braces keep a digit that follows apart.
                self.out.extend([r"(?:\", &before[..digits], ")"]);
                self.rest = &before[digits..];
            }
            _ => {
                let literal = self.literal_escape(character, before)?;
                self.out.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
            }
        }
        Ok(())
    }

    /// An escape that stands for one character; `before` begins with `character`.
    fn literal_escape<'b>(&mut self, character: char, before: &'b str) -> Result<char, &'static str>
    where
        Self: 'b,
    {
        Ok(match character {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => self.hexadecimal(2)?,
            'u' => self.hexadecimal(4)?,
            'U' => self.hexadecimal(8)?,
            '0'..='7' if character == '0' || octal_triple(before) => {
                let digits = before.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                self.rest = self.rest.get(digits - 1..).unwrap_or_default();
                u32::from_str_radix(&before[..digits], 8)
                    .ok()
                    .filter(|code| *code <= 0o377)
                    .and_then(char::from_u32)
                    .ok_or("octal escape value outside of range 0-0o377")?
            }
            _ if character.is_ascii_alphanumeric() => return Err("bad escape"),
            _ => character,
        })
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<char, &'static str> {
        let text = self.rest.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = text.and_then(|text| u32::from_str_radix(text, 16).ok()).ok_or("incomplete escape")?;
        self.rest = &self.rest[digits..];
        char::from_u32(code).ok_or("bad escape")
    }

    fn class(&mut self) -> Result<(), &'static str> {
        let mut class = CharacterClass::default();
        if let Some(rest) = self.rest.strip_prefix('^') {
            class.negated = true;
            self.rest = rest;
        }
        let mut first = true;
        loop {
            let character = self.next().ok_or("unterminated character set")?;
            if character == ']' && !first {
                break;
            }
            first = false;
            let Some(low) = self.member(character, &mut class)? else { continue };
            match self.rest.strip_prefix('-') {
                Some(rest) if !rest.starts_with(']') => {
                    self.rest = rest;
                    let character = self.next().ok_or("unterminated character set")?;
                    let high = self.member(character, &mut class)?.ok_or("bad character range")?;
                    class.range(low, high).ok_or("bad character range")?;
                }
                _ => class.single(low),
            }
        }
        class.emit(&mut self.out);
        Ok(())
    }

    /// One member of a class: a character, or `None` when it was a whole class and has been added.
    fn member(&mut self, character: char, class: &mut CharacterClass) -> Result<Option<char>, &'static str> {
        if character != '\\' {
            return Ok(Some(character));
        }
        let before = self.rest;
        let character = self.next().ok_or("unterminated character set")?;
        class.class(match character {
            'd' => r"\d",
            'D' => r"\D",
            'w' => WORD,
            'W' => r"[^\p{L}\p{N}_]",
            's' => SPACE,
            'S' => r"[^\s\x1c-\x1f]",
            'b' => return Ok(Some('\x08')),
            _ => return self.literal_escape(character, before).map(Some),
        });
        Ok(None)
    }

    fn group(&mut self) -> Result<(), &'static str> {
        if self.rest.starts_with("?#") {
            self.rest = self.rest.split_once(')').ok_or("missing ), unterminated comment")?.1;
        } else if let Some(rest) = self.rest.strip_prefix("?P=") {
            let (name, rest) = rest.split_once(')').ok_or("missing ), unterminated name")?;
            self.matcher = Matcher::Backtracking;
            self.out.extend(["\\k<", name, ">"]);
            self.rest = rest;
        } else if let Some(rest) = self.rest.strip_prefix('?') {
            let header: usize = match rest.as_bytes() {
                [b':', ..] => 1,
                [b'=' | b'!' | b'>', ..] => {
                    self.matcher = Matcher::Backtracking;
                    1
                }
                [b'<', b'=' | b'!', ..] => {
                    self.matcher = Matcher::Backtracking;
                    2
                }
                [b'(', ..] => {
                    self.matcher = Matcher::Backtracking;
                    rest.find(')').ok_or("missing ), unterminated name")? + 1
                }
                [b'P', b'<', ..] => rest.find('>').ok_or("missing >, unterminated name")? + 1,
                _ => rest.find([':', ')']).ok_or("missing -, : or )")? + usize::from(rest.contains(':')),
            };
            self.out.push_str("(?");
            // The flags `a`, `L` and `u` choose Python's string kinds; text here is always Unicode.
            let keep = |flag: &char| rest.starts_with('P') || rest.starts_with('(') || !matches!(flag, 'a' | 'L' | 'u');
            let kept: String = rest[..header].chars().filter(keep).collect();
            if kept.is_empty() {
                self.out.push(':');
            }
            self.out.push_str(&kept);
            self.rest = &rest[header..];
        } else {
            self.out.push('(');
        }
        Ok(())
    }

    /// `{m}`, `{m,}`, `{,n}`, `{m,n}` repeat; any other brace is a character.
    fn brace(&mut self) {
        let repetition = self.rest.split_once('}').and_then(|(counts, rest)| {
            let (low, high) = counts.split_once(',').map_or((counts, None), |(low, high)| (low, Some(high)));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            (digits(low) && high.is_none_or(digits) && !counts.is_empty() && counts != ",").then_some((low, high, rest))
        });
        let Some((low, high, rest)) = repetition else {
            self.out.push_str(if self.rest.starts_with(",}") { "*" } else { r"\{" });
            self.rest = self.rest.strip_prefix(",}").unwrap_or(self.rest);
            return;
        };
        self.out.extend(["{", if low.is_empty() { "0" } else { low }]);
        if let Some(high) = high {
            self.out.extend([",", high]);
        }
        self.out.push('}');
        self.rest = rest;
        if self.rest.starts_with('+') {
            self.matcher = Matcher::Backtracking;
        }
    }
}

/// Three octal digits are a character, fewer are a group's number.
fn octal_triple(text: &str) -> bool {
    let mut digits = text.bytes();
    matches!(digits.next(), Some(b'0'..=b'3'))
        && matches!(digits.next(), Some(b'0'..=b'7'))
        && matches!(digits.next(), Some(b'0'..=b'7'))
}
