//! What the rules look at: the packages as cargo knows them, the table as ARCHITECTURE.md has it, the source files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The workspace's root directory.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace's root")
}

/// One row of the table of crates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its level.
    pub level: u32,
    /// Whether it says `no_std`.
    pub no_std: bool,
    /// What it may depend on.
    pub may_depend_on: BTreeSet<String>,
}

/// The table of crates, by name.
pub fn table() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    text.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<(String, Row)> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [_, level, name, _, dependencies, ..] = cells[..] else { return None };
    let level = level.parse().ok()?;
    let noun = name.split('`').nth(1)?.to_owned();
    let may_depend_on = dependencies.split(',').map(str::trim).filter(|word| *word != "–").map(str::to_owned).collect();
    Some((noun, Row { level, no_std: name.contains("no_std"), may_depend_on }))
}

/// One package, as cargo knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence expression.
    pub license: String,
    /// Whether it is one of ours.
    pub ours: bool,
    /// Its directory.
    pub directory: PathBuf,
    /// Packages that it is linked with (neither for its build nor for its tests).
    pub dependencies: BTreeSet<String>,
}

/// Every package of the dependency graph.
pub fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--format-version", "1", "--locked"];
    let done = Command::new(cargo).args(arguments).current_dir(root()).output().expect("cargo metadata");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let metadata: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let package = |package: &Value| Package {
        name: text(&package["name"]),
        version: text(&package["version"]),
        license: text(&package["license"]),
        ours: package["source"].is_null(),
        directory: Path::new(&text(&package["manifest_path"])).parent().expect("a directory").to_path_buf(),
        dependencies: list(&package["dependencies"])
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| text(&dependency["name"]))
            .collect(),
    };
    list(&metadata["packages"]).iter().map(package).collect()
}

/// The crates of the table, by their noun.
pub fn crates() -> BTreeMap<String, Package> {
    let directory = root().join("crates");
    let ours = packages().into_iter().filter(|package| package.directory.starts_with(&directory));
    ours.map(|package| (package.name.trim_start_matches("nanoprobe-").to_owned(), package)).collect()
}

/// One source file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path relative to the root.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Every Rust file below `directory`, without build products.
pub fn sources(directory: &str) -> Vec<Source> {
    let mut found = Vec::new();
    gather(&root().join(directory), &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn gather(directory: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            gather(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            found.push(Source { path: path.strip_prefix(root()).expect("below the root").to_path_buf(), text });
        }
    }
}

impl Source {
    /// Its lines with their numbers, without comments, and without tests that stand at its end.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate();
        let uncommented = lines.map(|(place, line)| (place + 1, line.split("//").next().unwrap_or_default()));
        uncommented.filter(|(_, line)| !line.trim().is_empty())
    }

    /// Whether the whole file is tests.
    pub fn is_test(&self) -> bool {
        self.path.components().any(|part| part.as_os_str() == "tests")
            || ["tests.rs", "recorded.rs"].iter().any(|name| self.path.ends_with(name))
    }
}
