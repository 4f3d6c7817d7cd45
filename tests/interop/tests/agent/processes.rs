//! What is asked of running processes and of folders.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Child,
};

/// Ends with the test.
pub(crate) struct Resident(pub(crate) Child);

impl Drop for Resident {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

pub(crate) fn kill(process: u32, signal: rustix::process::Signal) {
    let process = rustix::process::Pid::from_raw(process as i32).expect("a process");
    rustix::process::kill_process(process, signal).expect("a signal");
}

pub(crate) fn is_alive(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.contains("State:") && !status.contains("State:\tZ")
}

pub(crate) fn processor_ticks(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    let fields: Vec<&str> = status.rsplit(')').next().expect("fields").split_whitespace().collect();
    fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
}

/// Resident memory, without shared libraries of the system.
pub(crate) fn resident_kib(process: u32) -> u64 {
    let maps = fs::read_to_string(format!("/proc/{process}/smaps")).expect("a process");
    let (mut kib, mut counts) = (0, true);
    for line in maps.lines() {
        if line.split('-').next().is_some_and(|start| start.len() >= 8 && u64::from_str_radix(start, 16).is_ok()) {
            counts = !line.contains(".so");
        } else if let Some(rest) = line.strip_prefix("Rss:").filter(|_| counts) {
            kib += rest.split_whitespace().next().expect("a number").parse::<u64>().expect("a number");
        }
    }
    kib
}

pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

pub(crate) fn length(path: &PathBuf) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    files_below(folder).iter().map(length).sum()
}

pub(crate) fn largest_file(folder: &Path) -> PathBuf {
    files_below(folder).into_iter().max_by_key(length).expect("a file")
}
