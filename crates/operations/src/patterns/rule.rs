//! Patterns as they are written: on the command line, in pattern files and in exclude files.

use super::text::{bytes, characters};

/// How a pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// `fm:` Python's fnmatch over the whole path.
    Fnmatch,
    /// `sh:` a shell glob, component by component.
    Shell,
    /// `re:` a Python regular expression, found anywhere.
    Expression,
    /// `pp:` a path and all below it.
    PathPrefix,
    /// `pf:` exactly this path.
    PathFull,
}

impl Style {
    /// From its two letters.
    pub fn from_prefix(prefix: &str) -> Result<Self, PatternError> {
        Ok(match prefix {
            "fm" => Self::Fnmatch,
            "sh" => Self::Shell,
            "re" => Self::Expression,
            "pp" => Self::PathPrefix,
            "pf" => Self::PathFull,
            _ => return Err(PatternError::UnknownStyle(prefix.to_owned())),
        })
    }
}

/// What a rule does with the paths that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `+`
    Include,
    /// `-`: leave it out, but look below it.
    Exclude,
    /// `!`: leave it out and do not go below it.
    ExcludeNoRecurse,
}

/// A pattern with its style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The style.
    pub style: Style,
    /// What is written after the style's prefix, in bytes.
    pub text: Vec<u8>,
}

impl Pattern {
    /// Reads `STYLE:TEXT`, or `TEXT` in the style `fallback`.
    pub fn parse(text: &[u8], fallback: Style) -> Result<Self, PatternError> {
        let text = characters(text);
        let mut ahead = text.chars();
        let letters = [ahead.next(), ahead.next()].map(|letter| letter.is_some_and(char::is_alphanumeric));
        match ahead.as_str().strip_prefix(':') {
            Some(rest) if letters == [true, true] => {
                let prefix = &text[..text.len() - rest.len() - 1];
                Ok(Self { style: Style::from_prefix(prefix)?, text: bytes(rest) })
            }
            _ => Ok(Self { style: fallback, text: bytes(&text) }),
        }
    }
}

/// A pattern and what to do with its matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What to match.
    pub pattern: Pattern,
    /// What to do.
    pub action: Action,
}

impl Rule {
    /// What `--exclude` takes: `fm` unless it says otherwise.
    pub fn exclude(text: &[u8]) -> Result<Self, PatternError> {
        Ok(Self { pattern: Pattern::parse(text, Style::Fnmatch)?, action: Action::ExcludeNoRecurse })
    }
}

/// One line of a pattern file, or one `--pattern`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `R PATH`: one more path to take in.
    Root(Vec<u8>),
    /// `P STYLE`: the style of the lines that follow.
    Style(Style),
    /// `+`, `-`, `!`.
    Rule(Rule),
}

impl Line {
    /// Reads a line; `style` is for patterns that do not say theirs (`sh` unless a `P` line came before).
    pub fn parse(line: &[u8], style: Style) -> Result<Self, PatternError> {
        let line = characters(line);
        let mut rest = line.chars();
        let command = rest.next().ok_or(PatternError::Empty)?;
        if !"-!+RrPp".contains(command) {
            return Err(PatternError::UnknownCommand);
        }
        let value = rest.as_str().trim_start();
        if value.is_empty() {
            return Err(PatternError::NoValue);
        }
        let action = match command {
            'R' | 'r' => return Ok(Self::Root(bytes(value))),
            'P' | 'p' => return Style::from_prefix(value).map(Self::Style),
            '+' => Action::Include,
            '-' => Action::Exclude,
            _ => Action::ExcludeNoRecurse,
        };
        Ok(Self::Rule(Rule { pattern: Pattern::parse(&bytes(value), style)?, action }))
    }
}

/// Reads the text of a `--patterns-from` file; roots and rules are appended in order.
pub fn read_patterns(text: &[u8], roots: &mut Vec<Vec<u8>>, rules: &mut Vec<Rule>) -> Result<(), PatternError> {
    let mut style = Style::Shell;
    for line in clean_lines(&characters(text)) {
        match Line::parse(&bytes(line), style)? {
            Line::Root(path) => roots.push(path),
            Line::Style(next) => style = next,
            Line::Rule(rule) => rules.push(rule),
        }
    }
    Ok(())
}

/// Reads the text of an `--exclude-from` file.
pub fn read_excludes(text: &[u8], rules: &mut Vec<Rule>) -> Result<(), PatternError> {
    for line in clean_lines(&characters(text)) {
        rules.push(Rule::exclude(&bytes(line))?);
    }
    Ok(())
}

/// Lines without white space around them, without empty lines and comment lines.
fn clean_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What can be wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// Two letters and a colon that are no style.
    #[error("Unknown pattern style: {0}")]
    UnknownStyle(String),
    /// An empty `--pattern`.
    #[error("A pattern/command must not be empty.")]
    Empty,
    /// A line that begins with none of the commands.
    #[error("A pattern/command must start with any of: -, !, +, R, r, P, p")]
    UnknownCommand,
    /// A command alone.
    #[error("A pattern/command must have a value part.")]
    NoValue,
    /// Brackets or an expression that cannot be compiled.
    #[error("Invalid pattern {pattern}: {reason}")]
    Invalid {
        /// As written.
        pattern: String,
        /// Why.
        reason: String,
    },
}
