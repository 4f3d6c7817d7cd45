//! Who we are to other processes, and whether they are still there.
//!
//! The host id is `<canonical host name>@<hardware address as a number>`, as Borg computes it, or what the user says.
//! The name comes from the hosts file or is the plain host name; the address is that of the first interface with an
//! address in use, as libuuid takes it. Where this differs from Borg's answer (a name only DNS knows), each takes the
//! other for a foreign host, whose locks are never stale: safe, only less convenient.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, getpid, test_kill_process};

/// A process that locks.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// Host id.
    pub(crate) host: String,
    pub(crate) number: i64,
}

/// Locks that this process holds: a file with our name is ours only when it is noted here.
static HELD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

impl Process {
    /// This process.
    pub(crate) fn this(host_id: Option<&str>) -> Self {
        let host = match host_id.filter(|id| !id.is_empty()) {
            Some(id) => id.to_owned(),
            None => format!("{}@{}", canonical_name(), hardware_address()),
        };
        Self { host, number: i64::from(getpid().as_raw_nonzero().get()) }
    }

    /// False only when the process is of this host and certainly gone: its number is free, or `note`, which we write
    /// into our own lock files, is of an earlier boot.
    pub(crate) fn may_be_alive(&self, host: &str, number: i64, thread: i64, note: &str) -> bool {
        if host != self.host || thread != 0 {
            return true;
        }
        if !note.is_empty() && !boot_id().is_empty() && note != self.note() {
            return false;
        }
        match i32::try_from(number).ok().and_then(Pid::from_raw) {
            Some(pid) => test_kill_process(pid) != Err(rustix::io::Errno::SRCH),
            None => true,
        }
    }

    /// What we write into our lock file; Borg leaves it empty and never reads it.
    pub(crate) fn note(&self) -> String {
        boot_id()
    }
}

pub(super) fn note_held(lock: &Path) {
    held().insert(lock.to_owned());
}

pub(super) fn note_released(lock: &Path) {
    held().remove(lock);
}

pub(super) fn is_held(lock: &Path) -> bool {
    held().contains(lock)
}

fn held() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// First name of the host's line in the hosts file, or the host name.
fn canonical_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    canonical_name_in(&hosts, &name).unwrap_or(name)
}

fn canonical_name_in(hosts: &str, name: &str) -> Option<String> {
    hosts.lines().find_map(|line| {
        let mut names = line.split('#').next().unwrap_or_default().split_whitespace().skip(1);
        let first = names.next()?;
        (first.eq_ignore_ascii_case(name) || names.any(|other| other.eq_ignore_ascii_case(name)))
            .then(|| first.to_owned())
    })
}

/// Hardware address of the first interface in use that has one.
fn hardware_address() -> u64 {
    let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let in_use: BTreeSet<&str> = routes.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let mut interfaces: Vec<(bool, u32, u64)> = Vec::new();
    for entry in fs::read_dir("/sys/class/net").into_iter().flatten().flatten() {
        let text = |name: &str| fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let address = text("address").trim().replace(':', "");
        let address = if address.len() == 12 { u64::from_str_radix(&address, 16).unwrap_or(0) } else { 0 };
        if address != 0 {
            let unused = !in_use.contains(entry.file_name().to_string_lossy().as_ref());
            interfaces.push((unused, text("ifindex").trim().parse().unwrap_or(u32::MAX), address));
        }
    }
    interfaces.iter().min().map_or(0, |(_, _, address)| *address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_names_come_first_in_their_line() {
        let hosts = "127.0.0.1 localhost\n# 1.2.3.4 no box\n127.0.1.1\tbox.example.org box\n";
        assert_eq!(canonical_name_in(hosts, "box").as_deref(), Some("box.example.org"));
        assert_eq!(canonical_name_in(hosts, "other"), None);
    }

    #[test]
    fn only_the_dead_of_this_host_are_gone() {
        let me = Process::this(Some("box@1"));
        assert!(me.may_be_alive("box@1", me.number, 0, ""));
        assert!(!me.may_be_alive("box@1", 1 << 30, 0, ""));
        assert!(me.may_be_alive("box@2", 1 << 30, 0, ""));
        assert!(me.may_be_alive("box@1", 1 << 30, 1, ""));
        assert!(!me.may_be_alive("box@1", me.number, 0, "another boot"));
    }
}
