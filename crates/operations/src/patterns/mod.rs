//! Borg's patterns: which paths an archive takes in, and which of them a reader wants.
//!
//! Read before the walk (create) and before the selection (extract, list). Five styles — `fm`, `sh`, `re`, `pp`, `pf` — and
//! five line kinds — `+`, `-`, `!`, `R`, `P` — as `patterns.py` defines them. The first rule that matches a path decides; full
//! paths (`pf`) are looked up before all others. Literal rules cost one hash look-up per path component however many there
//! are; all others share one automaton, whose cache takes at most 2 MiB.

mod character_class;
mod glob;
mod matcher;
mod python_expression;
mod rule;
mod text;

pub use glob::NameGlob;
pub use matcher::{Decision, PatternMatcher};
pub use rule::{Action, Line, Pattern, PatternError, Rule, Style, read_excludes, read_patterns};
