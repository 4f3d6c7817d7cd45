//! What the source files keep to: sizes, words, where `unsafe` may stand and who may print.

use std::{fs, path::Path};

use nanoprobe_layers::{Source, crates, root, sources, table};
use regex::Regex;

fn report(rule: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

fn lines_with(source: &Source, pattern: &Regex) -> Vec<String> {
    let found = source.code().filter(|(_, line)| pattern.is_match(line));
    found.map(|(number, line)| format!("{}:{number}: {}", source.path.display(), line.trim())).collect()
}

fn everything() -> Vec<Source> {
    ["crates", "tests", "bench"].into_iter().filter(|name| root().join(name).is_dir()).flat_map(sources).collect()
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let lengths = everything().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long = lengths.filter(|(lines, _)| *lines > 600);
    report("longer than 600 lines", long.map(|(lines, path)| format!("{}: {lines}", path.display())).collect());
}

#[test]
fn every_module_says_what_it_is() {
    let silent = sources("crates").into_iter().filter(|source| !source.text.starts_with("//!"));
    let ours = silent.filter(|source| !source.is_test());
    report("without a comment at its head", ours.map(|source| source.path.display().to_string()).collect());
}

#[test]
fn unsafe_stands_only_where_it_may() {
    let keyword = Regex::new(r"\bunsafe\s+(\{|fn|impl|extern|trait)|allow\(unsafe_code\)").expect("a pattern");
    let allowed = ["crates/cpu", "crates/crypto", "crates/chunker", "crates/compress"];
    let others = everything().into_iter().filter(|source| !allowed.iter().any(|place| source.path.starts_with(place)));
    let lines =
        others.filter(|source| !source.path.starts_with("tests/layers") && !source.path.starts_with("tests/no_std"));
    report("unsafe", lines.flat_map(|source| lines_with(&source, &keyword)).collect());
}

#[test]
fn level_0_has_no_standard_library() {
    let table = table();
    for (name, package) in crates() {
        let text = fs::read_to_string(package.directory.join("src/lib.rs")).unwrap_or_default();
        assert_eq!(text.contains("#![no_std]"), table[&name].no_std, "{name}");
        assert_eq!(table[&name].no_std, table[&name].level == 0, "{name}");
    }
    let format = fs::read_to_string(root().join("crates/format/src/lib.rs")).expect("format");
    assert!(format.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn only_the_command_line_prints_prompts_and_exits() {
    let printing = Regex::new(r"\be?print(ln)?!|\bprocess::exit\(|\bdbg!|\bstd(out|err)\(\)").expect("a pattern");
    let libraries = sources("crates").into_iter().filter(|source| !source.path.starts_with("crates/cli"));
    let libraries = libraries.filter(|source| !source.path.components().any(|part| part.as_os_str() == "examples"));
    let found = libraries.filter(|source| !source.is_test()).flat_map(|source| lines_with(&source, &printing));
    report("prints", found.collect());
}

const FORBIDDEN: [&str; 14] = [
    "snapshot", "blob", "pack", "backend", "gc", "restore", "util", "utils", "common", "core", "helper", "helpers",
    "manager", "engine",
];

fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in identifier.chars() {
        if character == '_' || character.is_uppercase() {
            words.push(String::new());
        }
        if character != '_' {
            words.last_mut().expect("one").extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn forbidden_word(identifier: &str) -> Option<String> {
    // Borg's key blob keeps its name.
    if identifier.to_lowercase().replace('_', "").contains("keyblob") {
        return None;
    }
    words(identifier).into_iter().find(|word| FORBIDDEN.contains(&word.as_str()))
}

/// Borg's own names, each where it belongs: the key blob, and the common options, those that stand after any command.
fn is_borgs(word: &str, path: &Path) -> bool {
    match word {
        "blob" => path.starts_with("crates/key"),
        "common" => path.starts_with("crates/cli/src/arguments") || path.ends_with("crates/cli/src/program.rs"),
        _ => false,
    }
}

#[test]
fn names_use_borgs_words() {
    let definition =
        Regex::new(r"\b(?:fn|struct|enum|trait|mod|const|static|type|union|let(?: mut)?)\s+([A-Za-z_]\w*)")
            .expect("a pattern");
    let mut found = Vec::new();
    for source in everything() {
        let stem = source.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if let Some(word) = forbidden_word(stem).filter(|word| !is_borgs(word, &source.path)) {
            found.push(format!("{}: file named {word}", source.path.display()));
        }
        for (number, line) in source.code() {
            for captures in definition.captures_iter(line) {
                if let Some(word) = forbidden_word(&captures[1]).filter(|word| !is_borgs(word, &source.path)) {
                    found.push(format!("{}:{number}: {word} in {}", source.path.display(), &captures[1]));
                }
            }
        }
    }
    report("words that are not ours", found);
}

#[test]
fn there_are_no_type_aliases_and_no_getters() {
    let alias = Regex::new(r"^(pub(\([a-z]+\))? )?type \w+").expect("a pattern");
    let getter = Regex::new(r"\bfn get_\w+").expect("a pattern");
    let sources = sources("crates");
    let found = sources.iter().flat_map(|source| [lines_with(source, &alias), lines_with(source, &getter)].concat());
    report("alias or getter", found.collect());
}

#[test]
fn words_are_split_as_people_read_them() {
    assert_eq!(words("SegmentWriter_next"), ["segment", "writer", "next"]);
    assert_eq!(forbidden_word("restore_all").as_deref(), Some("restore"));
    assert_eq!(forbidden_word("packed_length"), None);
    assert_eq!(forbidden_word("KeyBlob"), None);
}

#[test]
fn every_dependency_says_why() {
    let reasonless = |manifest: &Path| {
        let text = fs::read_to_string(manifest).expect("a manifest");
        let sections = text.split("\n[").filter(|section| section.contains("dependencies]\n"));
        let lines = sections.flat_map(|section| section.lines().skip(1).map(str::to_owned).collect::<Vec<_>>());
        let external =
            lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#') && !line.starts_with("nanoprobe-"));
        external.filter(|line| line.contains('=') && !line.contains(" # ")).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for package in crates().into_values() {
        let manifest = package.directory.join("Cargo.toml");
        found.extend(reasonless(&manifest).into_iter().map(|line| format!("{}: {line}", package.name)));
    }
    report("a dependency without a reason", found);
}
