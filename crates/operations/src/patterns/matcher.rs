//! Decides about one path after another. The first rule that matches wins, except that a full path (`pf`) beats all others.

use std::collections::HashMap;

use regex::{RegexSet, RegexSetBuilder};

use super::{
    glob::{self, Glob, Wildcard},
    python_expression::{self, Matcher},
    rule::{Action, Pattern, PatternError, Rule, Style},
    text::{characters, normalised},
};

/// Upper bound of one compiled automaton in bytes; a list of patterns that needs more is refused.
const AUTOMATON_BYTES: usize = 64 << 20;
/// Steps after which a backtracking expression is taken not to match.
const BACKTRACKING_STEPS: usize = 50_000_000;

/// What to do with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// It is wanted.
    pub include: bool,
    /// Where it is not wanted: whether to look below it all the same.
    pub recurse: bool,
}

/// Rules, compiled.
pub struct PatternMatcher {
    fallback: bool,
    /// `pf` rules; the last one for a path holds.
    full: HashMap<Box<str>, Decision>,
    /// Path and slash to the first rule that takes the path and all below it.
    whole: HashMap<Box<str>, usize>,
    /// Path and slash to the first rule that takes all below the path.
    inside: HashMap<Box<str>, usize>,
    /// Over the path with a slash appended.
    globs: Automaton,
    /// Over the path alone.
    expressions: Automaton,
    backtracking: Vec<(usize, fancy_regex::Regex)>,
    /// One for each rule that is not `pf`, in order.
    decisions: Vec<Decision>,
    /// The paths of the command line: the number of its rule, whether that has matched, and the path without style.
    paths: Vec<(usize, bool, Vec<u8>)>,
    buffer: String,
}

impl PatternMatcher {
    /// For create: rules alone; what none of them matches is included.
    pub fn new(rules: &[Rule]) -> Result<Self, PatternError> {
        Self::for_paths(rules, &[])
    }

    /// For extract, list and the like: rules, then the paths of the command line (`pp` unless they say otherwise). With at
    /// least one path, what matches nothing is not included.
    pub fn for_paths(rules: &[Rule], paths: &[Vec<u8>]) -> Result<Self, PatternError> {
        Self::for_paths_and(rules, paths, &[])
    }

    /// The same, with rules that come after the paths.
    pub fn for_paths_and(rules: &[Rule], paths: &[Vec<u8>], more: &[Rule]) -> Result<Self, PatternError> {
        let mut builder = Builder::default();
        for rule in rules {
            builder.add(&rule.pattern, rule.action)?;
        }
        let mut matched = Vec::with_capacity(paths.len());
        for path in paths {
            let pattern = Pattern::parse(path, Style::PathPrefix)?;
            if pattern.style != Style::PathFull {
                matched.push((builder.decisions.len(), false, pattern.text.clone()));
            }
            builder.add(&pattern, Action::Include)?;
        }
        for rule in more {
            builder.add(&rule.pattern, rule.action)?;
        }
        builder.finish(paths.is_empty(), matched)
    }

    /// No rules and no paths: everything is included.
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.full.is_empty()
    }

    /// Decides about a path; slashes at its beginning do not matter.
    pub fn matches(&mut self, path: &[u8]) -> Decision {
        let path = characters(path);
        let path = path.trim_start_matches('/');
        if let Some(decision) = self.full.get(path) {
            return *decision;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.push_str(path);
        buffer.push('/');
        let first = self.first_rule(path, &buffer);
        self.buffer = buffer;
        let Some(rule) = first else { return Decision { include: self.fallback, recurse: true } };
        if let Ok(position) = self.paths.binary_search_by_key(&rule, |(number, ..)| *number) {
            self.paths[position].1 = true;
        }
        self.decisions[rule]
    }

    /// Paths of the command line that have matched nothing so far, without their style (Borg warns about them).
    pub fn unmatched(&self) -> impl Iterator<Item = &[u8]> {
        self.paths.iter().filter(|(_, matched, _)| !matched).map(|(.., path)| path.as_slice())
    }

    fn first_rule(&self, path: &str, with_slash: &str) -> Option<usize> {
        let mut first = usize::MAX;
        if !self.whole.is_empty() || !self.inside.is_empty() {
            first = first.min(self.whole.get("").copied().unwrap_or(usize::MAX));
            for (slash, _) in with_slash.match_indices('/') {
                let prefix = &with_slash[..=slash];
                first = first.min(self.whole.get(prefix).copied().unwrap_or(usize::MAX));
                if prefix.len() < with_slash.len() {
                    first = first.min(self.inside.get(prefix).copied().unwrap_or(usize::MAX));
                }
            }
        }
        first = self.globs.first_below(first, with_slash);
        first = self.expressions.first_below(first, path);
        for (rule, expression) in self.backtracking.iter().take_while(|(rule, _)| *rule < first) {
            if expression.is_match(path).unwrap_or(false) {
                first = *rule;
                break;
            }
        }
        (first != usize::MAX).then_some(first)
    }
}

/// Expressions that are run together, with the number of each one's rule, rising.
struct Automaton {
    set: RegexSet,
    rules: Vec<usize>,
}

impl Automaton {
    fn new(expressions: &[(usize, String)]) -> Result<Self, PatternError> {
        let rules = expressions.iter().map(|(rule, _)| *rule).collect();
        let texts: Vec<&str> = expressions.iter().map(|(_, text)| text.as_str()).collect();
        let set = RegexSetBuilder::new(&texts).size_limit(AUTOMATON_BYTES).build();
        set.map(|set| Self { set, rules }).map_err(|error| invalid(&texts.join(" "), error))
    }

    /// The first matching rule before `bound`, else `bound`.
    fn first_below(&self, bound: usize, text: &str) -> usize {
        if self.rules.first().is_none_or(|rule| *rule >= bound) {
            return bound;
        }
        self.set.matches(text).iter().next().map_or(bound, |position| self.rules[position].min(bound))
    }
}

#[derive(Default)]
struct Builder {
    full: HashMap<Box<str>, Decision>,
    whole: HashMap<Box<str>, usize>,
    inside: HashMap<Box<str>, usize>,
    globs: Vec<(usize, String)>,
    expressions: Vec<(usize, String)>,
    backtracking: Vec<(usize, fancy_regex::Regex)>,
    decisions: Vec<Decision>,
}

impl Builder {
    fn add(&mut self, pattern: &Pattern, action: Action) -> Result<(), PatternError> {
        let decision = Decision { include: action == Action::Include, recurse: action != Action::ExcludeNoRecurse };
        let text = characters(&pattern.text);
        let rule = self.decisions.len();
        let wildcard = match pattern.style {
            Style::PathFull => {
                self.full.insert(normalised(&text).trim_start_matches('/').into(), decision);
                return Ok(());
            }
            Style::PathPrefix => {
                let prefix = format!("{}/", normalised(&text).trim_end_matches('/'));
                self.whole.entry(prefix.trim_start_matches('/').into()).or_insert(rule);
                self.decisions.push(decision);
                return Ok(());
            }
            Style::Expression => {
                self.expression(rule, &text)?;
                self.decisions.push(decision);
                return Ok(());
            }
            Style::Fnmatch => Wildcard::CrossesSlashes,
            Style::Shell => Wildcard::StopsAtSlashes,
        };
        match glob::translate(&text, wildcard).ok_or_else(|| invalid(&text, "bad character range"))? {
            Glob::Whole(prefix) => {
                self.whole.entry(prefix.into()).or_insert(rule);
            }
            Glob::Inside(prefix) => {
                self.inside.entry(prefix.into()).or_insert(rule);
            }
            Glob::Expression(expression) => self.globs.push((rule, expression)),
        }
        self.decisions.push(decision);
        Ok(())
    }

    fn expression(&mut self, rule: usize, text: &str) -> Result<(), PatternError> {
        let translation = python_expression::translate(text).map_err(|reason| invalid(text, reason))?;
        match translation.matcher {
            Matcher::Automaton => {
                regex::Regex::new(&translation.expression).map_err(|error| invalid(text, error))?;
                self.expressions.push((rule, translation.expression));
            }
            Matcher::Backtracking => {
                let expression = fancy_regex::RegexBuilder::new(&translation.expression)
                    .backtrack_limit(BACKTRACKING_STEPS)
                    .build()
                    .map_err(|error| invalid(text, error))?;
                self.backtracking.push((rule, expression));
            }
        }
        Ok(())
    }

    fn finish(self, fallback: bool, paths: Vec<(usize, bool, Vec<u8>)>) -> Result<PatternMatcher, PatternError> {
        Ok(PatternMatcher {
            fallback,
            full: self.full,
            whole: self.whole,
            inside: self.inside,
            globs: Automaton::new(&self.globs)?,
            expressions: Automaton::new(&self.expressions)?,
            backtracking: self.backtracking,
            decisions: self.decisions,
            paths,
            buffer: String::new(),
        })
    }
}

fn invalid(pattern: &str, reason: impl ToString) -> PatternError {
    PatternError::Invalid { pattern: pattern.to_owned(), reason: reason.to_string() }
}
