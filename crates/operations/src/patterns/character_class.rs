//! The members of a bracket expression, and how the `regex` crate spells them. Shared by globs and Python's expressions.

use std::fmt::Write;

/// `[…]`: single characters, ranges, and whole classes such as `\d`.
#[derive(Debug, Default)]
pub(super) struct CharacterClass {
    pub(super) negated: bool,
    ranges: Vec<(char, char)>,
    classes: String,
}

impl CharacterClass {
    pub(super) fn new(negated: bool) -> Self {
        Self { negated, ..Self::default() }
    }

    pub(super) fn single(&mut self, character: char) {
        self.ranges.push((character, character));
    }

    /// `None` when the range is empty.
    pub(super) fn range(&mut self, first: char, last: char) -> Option<()> {
        (first <= last).then(|| self.ranges.push((first, last)))
    }

    /// `class` is spelt as the `regex` crate spells it inside brackets.
    pub(super) fn class(&mut self, class: &str) {
        self.classes.push_str(class);
    }

    pub(super) fn emit(&self, expression: &mut String) {
        if self.ranges.is_empty() && self.classes.is_empty() {
            // Any character, or none at all.
            expression.push_str(if self.negated { "(?s:.)" } else { r"[^\x{0}-\x{10FFFF}]" });
            return;
        }
        expression.push_str(if self.negated { "[^" } else { "[" });
        for &(first, last) in &self.ranges {
            let _ = write!(expression, r"\x{{{:X}}}", u32::from(first));
            if first != last {
                let _ = write!(expression, r"-\x{{{:X}}}", u32::from(last));
            }
        }
        expression.push_str(&self.classes);
        expression.push(']');
    }
}
