//! The program as a box runs it: every case, in little memory, and a report that can be read. Nothing here looks at speed.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use nanoprobe_bench::{cases, report::Report};
use serde_json::Value;

fn program(arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_nanoprobe-bench")).args(arguments).output().expect("the program");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8")
}

fn text(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Limit of the whole process, data, codecs and threads included.
const MOST_MEMORY: u64 = 64 << 20;

#[test]
fn a_quick_run_measures_every_case_in_little_memory_and_is_merged() {
    let folder = tempfile::tempdir().expect("a directory");
    let directory = folder.path().join("report");
    let output = directory.to_str().expect("UTF-8");
    let printed = program(&["--quick", "--network", "12.5", "--output", output]);
    assert_eq!(text(&directory, "report.md").trim(), printed.trim());

    let json = text(&directory, "report.json");
    let report: Report = serde_json::from_str(&json).expect("a report");
    let peak = report.peak_memory_bytes.expect("Linux tells it");
    assert!(peak <= MOST_MEMORY, "{peak} bytes");

    let wanted: Vec<_> = cases::all()
        .iter()
        .map(|case| (case.group, case.name.clone(), case.form.clone(), case.data, case.bytes))
        .collect();
    let measured = report
        .figures
        .iter()
        .map(|figure| (figure.group, figure.name.clone(), figure.form.clone(), figure.data, figure.bytes));
    assert_eq!(measured.collect::<Vec<_>>(), wanted);
    for figure in &report.figures {
        assert!(figure.rate() > 0.0 && figure.rate().is_finite(), "{figure:?}");
    }
    assert_eq!(report.network.as_ref().map(|network| network.megabytes_per_second), Some(12.5));
    let advice = report.advice.as_ref().expect("advice");
    assert!(["repokey", "repokey-blake2"].contains(&&advice.mode[..]));
    assert!(advice.keeping.iter().any(|keeping| keeping.limit == "network"), "{advice:?}");

    for name in ["throughput", "hashes", "chunkers", "compressors", "pipeline"] {
        let svg = text(&directory, &format!("{name}.svg"));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{name}");
    }

    let page = folder.path().join("page.html");
    let page_name = page.to_str().expect("UTF-8");
    program(&["merge", output, &format!("{output}/report.json"), "--output", page_name]);
    let page = fs::read_to_string(page).expect("the page");
    assert_eq!(page.matches(&format!("<h2>{}</h2>", report.machine.host)).count(), 2);
    assert!(!page.contains("<script") && !page.contains("src="));
}

/// Whoever reads reports may rely on these.
#[test]
fn a_report_has_every_field_in_its_place() {
    let folder = tempfile::tempdir().expect("a directory");
    let output = folder.path().to_str().expect("UTF-8");
    program(&["--quick", "--only", "hash/sha256", "--network", "1", "--output", output]);
    let report: Value = serde_json::from_str(&text(folder.path(), "report.json")).expect("JSON");
    let fields = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    let names = |list: &str| list.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    let whole = "format version machine seconds peak_memory_bytes network storage figures advice";
    assert_eq!(fields(&report), names(whole));
    let machine = "host board processor architecture kernel cores megahertz features memory_bytes";
    assert_eq!(fields(&report["machine"]), names(machine));
    assert_eq!(fields(&report["network"]), names("megabytes_per_second source"));
    assert_eq!(fields(&report["storage"]), names("path kind bytes write read cached"));
    let figure = "group name form chosen data bytes cpu wall samples threads stored";
    assert_eq!(fields(&report["figures"][0]), names(figure));
    assert_eq!(fields(&report["figures"][0]["wall"]), names("median lowest highest"));
    assert_eq!(report["format"], 1);
}

#[test]
fn names_are_listed_and_chosen_by_words() {
    let listed = program(&["--list"]);
    let all: Vec<_> = listed.lines().collect();
    assert_eq!(all.len(), cases::all().len());
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "two cases of one name");
    let some = program(&["--list", "--only", "aes256", "--only", "fastcdc"]);
    assert!(some.lines().count() > 1 && some.lines().all(|line| line.contains("aes256") || line.contains("fastcdc")));
}

#[test]
fn a_file_that_is_no_report_is_refused() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("report.json");
    fs::write(&path, r#"{"format": 2}"#).expect("a file");
    let arguments = ["merge", path.to_str().expect("UTF-8"), "--output", "/dev/null"];
    let done = Command::new(env!("CARGO_BIN_EXE_nanoprobe-bench")).args(arguments).output().expect("the program");
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("report.json"));
}
