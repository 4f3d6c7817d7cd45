//! How much memory this machine can spare.

use std::{fs, path::Path};

/// A budget is never made smaller than this by itself: the default chunker and lz4 need so much, which are 22 MiB in memory.
const LEAST_BYTES: u64 = 31 << 20;

/// `wanted`, or less where the machine or its control group has less: half of what is free then.
pub(crate) fn budget_bytes(wanted: usize) -> usize {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    share(wanted as u64, available(&meminfo), group_limit(&groups, Path::new("/sys/fs/cgroup"))) as usize
}

/// The least limit of the control groups that this process is in, those around them included. `groups` has lines
/// `number:controllers:/path`; version 2 has number 0 and no controllers.
fn group_limit(groups: &str, root: &Path) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let (root, name) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            list if list.split(',').any(|word| word == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        // Inside a container the path may be the one outside: then only the root is there.
        let place = root.join(path.trim_start_matches('/'));
        let around = place.ancestors().take_while(|place| place.starts_with(&root));
        around.filter_map(|place| fs::read_to_string(place.join(name)).ok()?.trim().parse().ok()).min()
    });
    limits.min()
}

fn share(wanted: u64, available: Option<u64>, group: Option<u64>) -> u64 {
    // A control group has to hold the program and the page cache of what it reads as well.
    let group = group.map(|bytes| bytes - bytes / 4);
    let available = available.map(|bytes| bytes / 2);
    let spare = available.into_iter().chain(group).min().unwrap_or(wanted);
    wanted.min(spare.max(LEAST_BYTES))
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_around_a_process_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, limit: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, limit).unwrap();
        };
        write("memory.max", "max\n");
        write("user.slice/memory.max", "70000\n");
        write("user.slice/job/memory.max", "90000\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("memory/docker/box/memory.limit_in_bytes", "50000\n");
        let limit = |groups| group_limit(groups, root.path());
        assert_eq!(limit("0::/user.slice/job\n"), Some(70_000));
        assert_eq!(limit("0::/\n"), None);
        assert_eq!(limit("0::/gone/from/here\n"), None);
        assert_eq!(limit("12:cpu,cpuacct:/docker/box\n4:memory:/docker/box\n"), Some(50_000));
        assert_eq!(limit("4:memory:/elsewhere\n"), Some(9_223_372_036_854_771_712));
        assert_eq!(limit(""), None);
    }

    #[test]
    fn small_machines_get_small_budgets() {
        let wanted = 48 << 20;
        assert_eq!(share(wanted, available("MemTotal: 9 kB\nMemAvailable:   1048576 kB\n"), None), wanted);
        assert_eq!(share(wanted, Some(80 << 20), None), 40 << 20);
        assert_eq!(share(wanted, Some(8 << 20), Some(1 << 40)), LEAST_BYTES);
        assert_eq!(share(wanted, Some(1 << 40), Some(48 << 20)), 36 << 20);
        assert_eq!(share(wanted, None, None), wanted);
    }
}
