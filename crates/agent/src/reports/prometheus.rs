//! Metrics for node_exporter's textfile collector: written beside and renamed, so that it never reads half of them.

use std::{fmt::Write as _, fs, io, os::unix::fs::PermissionsExt, path::Path};

use crate::{durable, state::Record, status::Verdict};

pub(super) fn write(path: &Path, rows: &[(String, Record, Verdict)], now: i64) -> io::Result<()> {
    // No fsync: after a power cut they are written again.
    let temporary = durable::beside(path, ".new");
    fs::write(&temporary, text(rows, now))?;
    // Another user reads them, whatever our umask is.
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o644))?;
    fs::rename(&temporary, path)
}

fn text(rows: &[(String, Record, Verdict)], now: i64) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, value: &dyn Fn(&Record, &Verdict) -> Option<String>| {
        let _ = writeln!(text, "# HELP nanoprobe_{name} {help}\n# TYPE nanoprobe_{name} gauge");
        for (job, record, verdict) in rows {
            // Names of jobs are letters, digits, - and _: nothing to escape.
            let (kind, name_of_job) = job.split_once(' ').unwrap_or((job, ""));
            if let Some(value) = value(record, verdict) {
                let _ = writeln!(text, "nanoprobe_{name}{{job=\"{kind}\",name=\"{name_of_job}\"}} {value}");
            }
        }
    };
    let time = |time: Option<i64>| time.map(|time| time.to_string());
    metric("level", "0 fine, 1 warning, 2 failed, never ran or too old", &|_, verdict| {
        Some((verdict.level as u8).to_string())
    });
    metric("last_success_timestamp_seconds", "when the last run that ended well began", &|record, _| {
        time(record.last_success)
    });
    metric("last_try_timestamp_seconds", "when the last run began", &|record, _| time(record.last_try));
    metric("duration_seconds", "how long the last run that ended well took", &|record, _| time(record.duration));
    metric("failures", "failures since the last success", &|record, _| Some(record.failures.to_string()));
    metric("skipped", "1 while it is due and waits for something", &|record, _| {
        Some(u8::from(record.held.is_some()).to_string())
    });
    let figures = |value: fn(&crate::state::Figures) -> u64| {
        move |record: &Record, _: &Verdict| record.figures.as_ref().map(|figures| value(figures).to_string())
    };
    metric("files", "files in the newest archive", &figures(|figures| figures.files));
    metric("original_bytes", "bytes in the newest archive", &figures(|figures| figures.original));
    metric("added_bytes", "bytes that the newest archive added", &figures(|figures| figures.added));
    let _ = writeln!(text, "# HELP nanoprobe_written_timestamp_seconds when this was written");
    let _ =
        writeln!(text, "# TYPE nanoprobe_written_timestamp_seconds gauge\nnanoprobe_written_timestamp_seconds {now}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Level;

    #[test]
    fn a_line_a_job_and_metric() {
        let folder = tempfile::tempdir().expect("a folder");
        let record = Record { last_success: Some(17), ..Record::default() };
        let verdict = Verdict { level: Level::Critical, word: "failed", reason: String::new() };
        let path = folder.path().join("nanoprobe.prom");
        write(&path, &[("backup home".into(), record, verdict)], 99).expect("written");
        let text = fs::read_to_string(path).expect("text");
        assert!(text.contains("\nnanoprobe_level{job=\"backup\",name=\"home\"} 2\n"), "{text}");
        assert!(text.contains("nanoprobe_last_success_timestamp_seconds{job=\"backup\",name=\"home\"} 17\n"));
        assert!(!text.contains("nanoprobe_files{"), "nothing is known of them");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}
