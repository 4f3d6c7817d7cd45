//! From options to what operations understand: pattern rules, paths, archive filters.

use std::{ffi::OsString, fs, os::unix::ffi::OsStrExt};

use nanoprobe_archive::text;
use nanoprobe_operations::{
    patterns::{Line, PatternMatcher, Rule, Style, read_excludes, read_patterns},
    select::{ArchiveSelection, Checkpoints, PartFiles, Selection},
};

use super::Context;
use crate::{
    Failure,
    arguments::{ArchiveFilters, PatternOption, PatternOptions, usage_error},
};

/// Rules in the order typed, and the paths that pattern files add.
pub(super) struct Rules {
    pub(super) rules: Vec<Rule>,
    pub(super) roots: Vec<Vec<u8>>,
}

/// Reads pattern files and takes patterns apart.
pub(super) fn rules(options: &PatternOptions) -> Result<Rules, Failure> {
    let (mut rules, mut roots) = (Vec::new(), Vec::new());
    for option in &options.0 {
        match option {
            PatternOption::Exclude(pattern) => rules.push(Rule::exclude(pattern.as_bytes())?),
            PatternOption::ExcludeFrom(path) => read_excludes(&read(path)?, &mut rules)?,
            PatternOption::PatternsFrom(path) => read_patterns(&read(path)?, &mut roots, &mut rules)?,
            PatternOption::Pattern(line) => match Line::parse(line.as_bytes(), Style::Shell)? {
                Line::Root(path) => roots.push(path),
                Line::Rule(rule) => rules.push(rule),
                // A style counts for the lines that follow; here are none.
                Line::Style(_) => {}
            },
        }
    }
    Ok(Rules { rules, roots })
}

/// The paths of the command line, behind those of pattern files.
pub(super) fn paths(rules: &Rules, paths: &[OsString]) -> Result<Vec<Vec<u8>>, Failure> {
    if paths.iter().any(|path| path.is_empty()) {
        return Err(usage_error("argument PATH: Empty strings are not accepted as paths.").into());
    }
    Ok(rules.roots.iter().cloned().chain(paths.iter().map(|path| path.as_bytes().to_vec())).collect())
}

/// Which items of an archive `extract` and `list` take.
pub(super) fn items(
    options: &PatternOptions,
    typed: &[OsString],
    strip_components: usize,
    context: &Context<'_>,
) -> Result<Selection, Failure> {
    let rules = rules(options)?;
    let matcher = PatternMatcher::for_paths(&rules.rules, &paths(&rules, typed)?)?;
    let part_files = if context.common.consider_part_files { PartFiles::Consider } else { PartFiles::Skip };
    Ok(Selection::new(matcher, strip_components, part_files))
}

/// Which archives of a repository.
pub(super) fn archives(
    filters: &ArchiveFilters,
    checkpoints: Checkpoints,
    context: &Context<'_>,
) -> Result<ArchiveSelection, Failure> {
    let glob = filters.glob()?.map(|glob| context.replace(glob.as_bytes(), None)).transpose()?;
    Ok(ArchiveSelection {
        prefix: None,
        glob: glob.map(|glob| text::decode(&glob)),
        sort_by: filters.sort_by.clone(),
        first: filters.first,
        last: filters.last,
        checkpoints,
    })
}

fn read(path: &OsString) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.split(" (os error").next().unwrap_or_default();
        let number = error.raw_os_error().unwrap_or(0);
        Failure::error(format_args!("[Errno {number}] {reason}: '{}'", path.to_string_lossy()))
    })
}
