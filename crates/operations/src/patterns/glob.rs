//! `fm` and `sh` globs as regular expressions over `path/`, or as plain prefixes where they hold no wildcard.

use super::{character_class::CharacterClass, text::normalised};

/// What a glob comes down to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Glob {
    /// The directory or file itself and all below it; ends in a slash.
    Whole(String),
    /// All below the directory, not the directory itself; ends in a slash.
    Inside(String),
    /// An anchored expression for the path with a slash appended.
    Expression(String),
}

/// Where `*` stops.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wildcard {
    /// `fm`: `*`, `?` and brackets take slashes too.
    CrossesSlashes,
    /// `sh`: `*` and `?` stay in one component, `**/` stands for any number of directories.
    StopsAtSlashes,
}

/// A shell glob over a whole name: `--glob-archives`.
#[derive(Clone, Debug)]
pub struct NameGlob(regex::Regex);

impl NameGlob {
    /// `None` when the glob is not well formed.
    pub fn new(glob: &str) -> Option<Self> {
        regex::Regex::new(&expression(glob, Wildcard::StopsAtSlashes)?).ok().map(Self)
    }

    /// Whether the whole name matches.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

/// Translates a pattern as typed.
pub(super) fn translate(pattern: &str, wildcard: Wildcard) -> Option<Glob> {
    let inside = pattern.ends_with('/');
    let normal = normalised(pattern);
    let normal = if inside { normal.trim_end_matches('/') } else { &normal };
    let tail = match (wildcard, inside) {
        (Wildcard::CrossesSlashes, true) => "/*/",
        (Wildcard::CrossesSlashes, false) => "/*",
        (Wildcard::StopsAtSlashes, true) => "/**/*/",
        (Wildcard::StopsAtSlashes, false) => "/**/*",
    };
    if !normal.contains(['*', '?', '[']) {
        let prefix = format!("{normal}/");
        let prefix = prefix.trim_start_matches('/');
        // A pattern of slashes alone leaves a wildcard at the root, which needs a component to match.
        if !prefix.is_empty() {
            let prefix = prefix.to_owned();
            return Some(if inside { Glob::Inside(prefix) } else { Glob::Whole(prefix) });
        }
    }
    let whole = format!("{normal}{tail}");
    expression(whole.trim_start_matches('/'), wildcard).map(Glob::Expression)
}

/// `None` when a bracket of an `sh` pattern holds a range that runs backwards (Python refuses it).
fn expression(glob: &str, wildcard: Wildcard) -> Option<String> {
    let mut expression = String::with_capacity(glob.len() * 2 + 16);
    expression.push_str(r"(?s)\A");
    let mut rest = glob;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match (character, wildcard) {
            ('*', Wildcard::CrossesSlashes) => {
                expression.push_str(".*");
                after.trim_start_matches('*')
            }
            ('*', Wildcard::StopsAtSlashes) => match after.strip_prefix("*/") {
                Some(after) => {
                    expression.push_str("(?:[^/]*/)*");
                    after
                }
                None => {
                    expression.push_str("[^/]*");
                    after
                }
            },
            ('?', _) => {
                expression.push_str(if wildcard == Wildcard::CrossesSlashes { "." } else { "[^/]" });
                after
            }
            ('[', _) => match bracket(after, wildcard)? {
                Some((class, after)) => {
                    class.emit(&mut expression);
                    after
                }
                None => {
                    expression.push_str(r"\[");
                    after
                }
            },
            _ => {
                expression.push_str(&regex::escape(&rest[..character.len_utf8()]));
                after
            }
        };
    }
    expression.push_str(r"\z");
    Some(expression)
}

/// The class that begins after `[` and what follows it; `Some(None)` when the bracket is never closed.
fn bracket(glob: &str, wildcard: Wildcard) -> Option<Option<(CharacterClass, &str)>> {
    let (negated, body) = match glob.strip_prefix('!') {
        Some(body) => (true, body),
        None => (false, glob),
    };
    // A bracket right at the start is a member.
    let first = if body.starts_with(']') { 1 } else { 0 };
    let Some(end) = body[first..].find(']').map(|end| end + first) else { return Some(None) };
    let mut class = CharacterClass::new(negated);
    let mut members = body[..end].chars();
    while let Some(first) = members.next() {
        let mut ahead = members.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) => {
                members = ahead;
                // fnmatch forgets a range that runs backwards, shell patterns fail on it.
                if class.range(first, last).is_none() && wildcard == Wildcard::StopsAtSlashes {
                    return None;
                }
            }
            _ => class.single(first),
        }
    }
    Some(Some((class, &body[end + 1..])))
}
