//! The table of crates in ARCHITECTURE.md is true, and what must stay in one crate does.

use std::collections::{BTreeMap, BTreeSet};

use nanoprobe_layers::{crates, packages, table};

#[test]
fn the_table_names_every_crate_and_no_other() {
    let (written, real): (BTreeSet<_>, BTreeSet<_>) = (table().into_keys().collect(), crates().into_keys().collect());
    assert_eq!(written, real);
}

#[test]
fn crates_depend_only_on_what_the_table_allows_and_downwards() {
    let table = table();
    for (name, package) in crates() {
        for dependency in package.dependencies.iter().filter_map(|name| name.strip_prefix("nanoprobe-")) {
            let row = &table[&name];
            assert!(row.may_depend_on.contains(dependency), "{name} may not depend on {dependency}");
            assert!(table[dependency].level <= row.level, "{name} depends upwards on {dependency}");
        }
    }
}

#[test]
fn packages_are_named_after_their_directories() {
    for (noun, package) in crates() {
        assert!(package.directory.ends_with(&noun), "{} is in {}", package.name, package.directory.display());
    }
}

/// Library, and the only crates that may be linked with it.
const PINNED: [(&str, &[&str]); 26] = [
    ("zstd-safe", &["compress"]),
    ("zstd-sys", &["compress"]),
    ("zstd", &["compress"]),
    ("lz4-sys", &["compress"]),
    ("lz4", &["compress"]),
    ("liblzma", &["compress"]),
    ("flate2", &["compress"]),
    ("fastcdc", &["chunker"]),
    ("ssh2", &["remote"]),
    ("libz-sys", &["remote"]),
    ("fuser", &["operations"]),
    ("aes", &["crypto"]),
    ("ctr", &["crypto"]),
    ("hmac", &["crypto"]),
    ("hkdf", &["crypto"]),
    ("pbkdf2", &["crypto"]),
    ("zeroize", &["crypto", "key", "remote", "operations", "cli"]),
    ("clap", &["cli"]),
    ("anyhow", &["cli"]),
    ("indicatif", &["cli"]),
    ("rpassword", &["cli"]),
    ("signal-hook", &["cli"]),
    ("libc", &[]),
    ("nix", &[]),
    ("tokio", &[]),
    ("async-std", &[]),
];

#[test]
fn libraries_stay_where_they_belong() {
    let pinned: BTreeMap<_, _> = PINNED.into_iter().collect();
    for (name, package) in crates() {
        for dependency in &package.dependencies {
            if let Some(allowed) = pinned.get(dependency.as_str()) {
                assert!(allowed.contains(&name.as_str()), "{name} may not depend on {dependency}, only {allowed:?}");
            }
        }
    }
}

/// One of the alternatives must be among these.
const LICENCES: [&str; 10] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "Zlib",
    "Unlicense",
    "Unicode-3.0",
    "ISC",
];

#[test]
fn licences_are_permissive() {
    for package in packages() {
        // Enough of SPDX for what occurs: any alternative, all of whose parts are known.
        let expression = package.license.replace(['(', ')'], "").replace(" / ", " OR ").replace('/', " OR ");
        let allowed =
            expression.split(" AND ").all(|part| part.split(" OR ").any(|one| LICENCES.contains(&one.trim())));
        assert!(allowed, "{} {}: {:?}", package.name, package.version, package.license);
    }
}

/// Packages that occur in two versions because a dependency of a dependency is not there yet.
const DUPLICATES: [&str; 5] = ["bit-set", "bit-vec", "syn", "windows-sys", "windows-targets"];

#[test]
fn no_package_is_linked_in_two_versions() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    versions.retain(|name, versions| versions.len() > 1 && !DUPLICATES.contains(&name.as_str()));
    assert!(versions.is_empty(), "{versions:?}");
}
