//! How front ends call the program, and what they read back.

mod harness;

use harness::{Place, named};

#[test]
fn version_by_both_names() {
    assert_eq!(named("borg", &["--version"]).expect(0).stdout, "borg 1.4.5\n");
    assert_eq!(named("/usr/bin/borg", &["-V"]).expect(0).stdout, "borg 1.4.5\n");
    let own = named("nanoprobe", &["--version"]).expect(0).stdout;
    assert_eq!(own.split(' ').nth(1), Some("1.4.5"), "{own}");
    assert_eq!(Place::new().run(&["version", "r"]).expect(0).stdout, "1.4.5 / 1.4.5\n");
}

#[test]
fn help() {
    let main = named("borg", &[]).expect(0);
    assert!(main.stderr.is_empty() && main.stdout.contains("create"));
    for command in [
        "init",
        "create",
        "list",
        "info",
        "extract",
        "check",
        "compact",
        "config",
        "break-lock",
        "key",
        "with-lock",
        "debug",
        "version",
        "help",
    ] {
        let direct = named("borg", &[command, "--help"]).expect(0).stdout;
        assert!(direct.contains("--log-json"), "{command}");
        assert!(named("borg", &["help", command]).expect(0).stdout.contains("Usage"), "{command}");
    }
    for topic in ["patterns", "placeholders", "compression", "formats"] {
        assert!(named("borg", &["help", topic]).expect(0).stdout.len() > 500, "{topic}");
    }
    assert!(named("borg", &["help", "nonsense"]).expect(2).stderr.contains("No help available on nonsense."));
}

/// Borg 2 has the command, and scripts read its lines.
#[test]
fn benchmark_cpu_has_a_line_for_each_step() {
    let variables = [("_BORG_BENCHMARK_CPU_TEST", "1")];
    let printed = Place::new().run_with(&["benchmark", "cpu"], &variables).expect(0).stdout;
    let sections = printed.lines().filter(|line| line.ends_with("====")).count();
    assert_eq!(sections, 7, "{printed}");
    for line in printed.lines().filter(|line| !line.ends_with("====")) {
        let (head, seconds) = line.rsplit_once(' ').expect("columns");
        assert!(seconds.strip_suffix('s').is_some_and(|seconds| seconds.parse::<f64>().is_ok()), "{line}");
        assert!(head.contains("GB") || head.contains("Items") || head.starts_with("pbkdf2"), "{line}");
    }
    for name in ["buzhash,19,23,21,4095", "xxh64", "hmac-sha256", "aes-256-ctr-blake2b", "pbkdf2", "zstd,22", "lzma,9"]
    {
        assert_eq!(printed.lines().filter(|line| line.split(' ').next() == Some(name)).count(), 1, "{name}");
    }
}

#[test]
fn usage_errors_are_code_2_and_json_when_asked() {
    for words in [&["nonsense"][..], &["list", "--nonsense"], &["init", "r"], &["create", "r::a"], &["list", "//x"]] {
        let run = named("borg", words).expect(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{words:?}");
        let words: Vec<&str> = words.iter().copied().chain(["--log-json"]).collect();
        let lines = named("borg", &words).expect(2).json_lines();
        assert_eq!(lines[0]["levelname"], "ERROR", "{words:?}");
    }
}

#[test]
fn commands_that_are_not_built_say_so() {
    for words in [&["mount", "r", "/mnt"], &["umount", "/mnt", "-v"], &["upgrade", "--inplace", "r"]] {
        let run = named("borg", words).expect(2);
        assert!(run.stderr.contains("not built yet"), "{words:?}: {run:?}");
        assert!(run.stdout.is_empty());
    }
}

#[test]
fn repository_from_the_environment() {
    let place = Place::with_archive();
    let variables = [("BORG_REPO", "r")];
    for words in [&["list", "--short"][..], &["list", "--short", "::"]] {
        assert_eq!(place.run_with(words, &variables).expect(0).stdout, "a\n", "{words:?}");
    }
    assert_eq!(place.run_with(&["list", "--short", "::a"], &variables).expect(0).stdout, "input\ninput/file\n");
    place.run_with(&["create", "::b-{borgversion}", "input"], &variables).expect(0);
    assert_eq!(place.run(&["list", "--short", "-a", "b-*", "r"]).expect(0).stdout, "b-1.4.5\n");
    place.run(&["list", "::"]).expect(2);
}

#[test]
fn dry_run_lists_what_would_be_done() {
    let place = Place::with_archive();
    std::fs::write(place.path("input/core.o"), "").unwrap();
    let run = place.run(&["create", "--dry-run", "--list", "r::b", "input", "-e", "*.o"]).expect(0);
    let mut lines: Vec<&str> = run.stderr.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["- input", "- input/file", "x input/core.o"]);
    assert!(run.stdout.is_empty());
    assert_eq!(place.run(&["list", "--short", "r"]).expect(0).stdout, "a\n");
}

#[test]
fn a_level_that_does_not_fit_is_told_once() {
    let place = Place::with_archive();
    for (level, lines) in [("zstd,22", 1), ("lzma,9", 1), ("lzma,6", 1), ("zstd,3", 0), ("lz4", 0)] {
        let archive = format!("r::{level}");
        let run = place.run(&["create", "-C", level, "--memory-limit", "48M", &archive, "input"]).expect(0);
        assert_eq!(run.stderr.lines().count(), lines, "{level}: {}", run.stderr);
        assert_eq!(run.stderr.contains(&format!("{level} would need")), lines == 1, "{level}: {}", run.stderr);
    }
    let roomy = place.run(&["create", "-C", "zstd,22", "--memory-limit", "2G", "r::roomy", "input"]).expect(0);
    assert_eq!(roomy.stderr, "");
    let told = place.run_with(&["list", "r"], &[("BORG_WORKAROUNDS", "authenticated_no_key")]).expect(0);
    assert!(told.stderr.contains("is not supported"), "{}", told.stderr);
}

#[test]
fn files_caches_have_suffixes_and_lifetimes() {
    let place = Place::with_archive();
    std::thread::sleep(std::time::Duration::from_millis(100));
    std::fs::write(place.path("input/newest"), "").unwrap();
    // What changed just now is not remembered: another change could leave it the same change time.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let status = |name: &str, variables: &[(&str, &str)]| {
        let archive = format!("r::{name}");
        let words = ["create", "--list", "--files-cache=mtime,size", &archive, "input"];
        let run = place.run_with(&words, variables).expect(0);
        run.stderr.lines().find_map(|line| line.strip_suffix(" input/file").map(str::to_owned)).unwrap_or_default()
    };
    let other = ("BORG_FILES_CACHE_SUFFIX", "other/one");
    status("0", &[]);
    assert_eq!(status("1", &[]), "U");
    assert_eq!(status("2", &[other]), "A");
    assert_eq!(status("3", &[other]), "U");
    assert_eq!(status("4", &[]), "U");
    // A run that does not meet the file forgets it at once.
    std::fs::rename(place.path("input/file"), place.path("elsewhere")).unwrap();
    status("5", &[("BORG_FILES_CACHE_TTL", "1")]);
    status("6", &[other]);
    std::fs::rename(place.path("elsewhere"), place.path("input/file")).unwrap();
    assert_eq!(status("7", &[]), "A");
    assert_eq!(status("8", &[other]), "U");
    place.run_with(&["create", "r::9", "input"], &[("BORG_FILES_CACHE_TTL", "long")]).expect(2);
}

#[test]
fn list_lines_have_status_letters() {
    let place = Place::with_archive();
    let run = place.run(&["create", "--list", "--filter=E", "r::b", "input"]).expect(0);
    assert_eq!(run.stderr, "", "no file is in trouble");
    std::fs::create_dir(place.path("input/new")).unwrap();
    let run = place.run(&["--log-json", "create", "--list", "--filter=d", "-p", "r::c", "input/new"]).expect(0);
    let lines = run.json_lines();
    let files: Vec<_> = lines.iter().filter(|line| line["type"] == "file_status").collect();
    assert_eq!(files.len(), 1, "{lines:?}");
    assert_eq!((files[0]["status"].as_str(), files[0]["path"].as_str()), (Some("d"), Some("input/new")));
    let progress: Vec<_> = lines.iter().filter(|line| line["type"] == "archive_progress").collect();
    assert_eq!(progress.last().unwrap()["finished"], true);
}

#[test]
fn extract_lists_paths_on_its_logger() {
    let place = Place::with_archive();
    let run = place.run(&["extract", "--dry-run", "--list", "--log-json", "--progress", "r::a"]).expect(0);
    let lines = run.json_lines();
    let paths: Vec<_> = lines.iter().filter(|line| line["name"] == "borg.output.list").collect();
    assert_eq!(paths.iter().map(|line| line["message"].as_str().unwrap()).collect::<Vec<_>>(), ["input", "input/file"]);
    let percent: Vec<_> = lines.iter().filter(|line| line["type"] == "progress_percent").collect();
    assert!(percent.iter().all(|line| line["msgid"] == "extract" && line["operation"].is_i64()), "{percent:?}");
    assert_eq!(percent.last().unwrap()["finished"], true);
}

#[test]
fn levels_and_the_return_code() {
    let place = Place::with_archive();
    let run = place.run(&["--show-rc", "list", "--short", "r", "--show-version"]).expect(0);
    assert_eq!(run.stderr, "borgbackup version 1.4.5\nterminating with success status, rc 0\n");
    let run = place.run(&["create", "--info", "r::b", "input"]).expect(0);
    assert_eq!(run.stderr, "Creating archive at \"r::b\"\n");
    let run = place.run(&["--show-rc", "list", "nothing"]).expect(2);
    assert!(run.stderr.ends_with("terminating with error status, rc 2\n"));
    let run = place.run(&["--critical", "list", "nothing"]).expect(2);
    assert_eq!(run.stderr, "");
    let run = place.run(&["init", "-e", "none", "--error", "n"]).expect(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn umask_counts() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.run(&["init", "-e", "none", "r"]).expect(0);
    place.run(&["init", "-e", "none", "--umask", "0027", "s"]).expect(0);
    let mode = |name| std::fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("r"), mode("s")), (0o700, 0o750));
}
