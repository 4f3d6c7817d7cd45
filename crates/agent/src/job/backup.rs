//! Makes an archive.

use std::io;

use serde_json::Value;

use super::{Ending, Work};
use crate::{
    configuration::{Backup, Repository},
    state::Figures,
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
    let finished = work.run(&mut command, &mut |bytes| {
        output.extend_from_slice(&bytes[..bytes.len().min(MOST_BYTES - output.len())]);
    })?;
    let (figures, mut ending) = (figures(&output), Ending::of(&finished));
    if let Some(Figures { archive, files, original, added }) = &figures {
        ending.log.push_str(&format!("{archive}: {files} files, {original} bytes, {added} of them new\n"));
    }
    Ok(Ending { figures, ..ending })
}

fn figures(output: &[u8]) -> Option<Figures> {
    let archive = &serde_json::from_slice::<Value>(output).ok()?["archive"];
    let number = |name: &str| archive["stats"][name].as_u64();
    Some(Figures {
        archive: archive["name"].as_str()?.to_owned(),
        files: number("nfiles")?,
        original: number("original_size")?,
        added: number("deduplicated_size")?,
    })
}
