//! Makes an archive.

use std::{io, time::Duration};

use serde_json::Value;

use super::{Ending, Work};
use crate::{
    Trouble,
    configuration::{AfterWindow, Backup, Repository},
    state::{Figures, history::Totals},
};

/// What `create --json` prints is not longer than that.
const MOST_BYTES: usize = 1 << 20;

pub(super) fn run(backup: &Backup, repository: &Repository, work: &Work<'_>) -> io::Result<Ending> {
    let mut command = work.command("create", repository);
    command.args(["--json", "--compression", &backup.compression]);
    for (wanted, option) in [(backup.exclude_caches, "--exclude-caches"), (backup.one_file_system, "--one-file-system")]
    {
        if wanted {
            command.arg(option);
        }
    }
    for pattern in &backup.exclude {
        command.arg(format!("--exclude={pattern}"));
    }
    command.arg(format!("::{}", backup.archive)).args(&backup.sources);
    let mut output = Vec::new();
    let stops = work.configuration.limits.after_window == AfterWindow::Stop;
    let most = work.left.filter(|_| stops).map(|left| Duration::from_secs(left.max(0) as u64));
    let finished = work.run_for(most, &mut command, &mut |bytes| {
        output.extend_from_slice(&bytes[..bytes.len().min(MOST_BYTES - output.len())]);
    })?;
    let printed = serde_json::from_slice(&output).unwrap_or_default();
    let (figures, mut ending) = (figures(&printed), Ending::of(&finished));
    if let Some(Figures { archive, files, original, added }) = &figures {
        ending.log.push_str(&format!("{archive}: {files} files, {original} bytes, {added} of them new\n"));
    }
    if finished.is_out_of_time && ending.failure == Some(Trouble::Interrupted) {
        let words = "the window closed before it was done; it goes on in the next one";
        return Ok(Ending { unfinished: Some(words.to_owned()), log: ending.log, ..Ending::default() });
    }
    Ok(Ending { figures, totals: totals(&printed), ..ending })
}

fn figures(printed: &Value) -> Option<Figures> {
    let archive = &printed["archive"];
    let number = |name: &str| archive["stats"][name].as_u64();
    Some(Figures {
        archive: archive["name"].as_str()?.to_owned(),
        files: number("nfiles")?,
        original: number("original_size")?,
        added: number("deduplicated_size")?,
    })
}

fn totals(printed: &Value) -> Option<Totals> {
    let number = |name: &str| printed["cache"]["stats"][name].as_u64();
    Some(Totals { original: number("total_size")?, stored: number("unique_csize")? })
}
