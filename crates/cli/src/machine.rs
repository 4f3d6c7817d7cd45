//! How much memory this machine can spare.

use std::fs;

/// A budget is never made smaller than this by itself: the default chunker needs so much.
const LEAST_BYTES: u64 = 36 << 20;

/// `wanted`, or less where the machine or its control group has less: half of what is free then.
pub(crate) fn budget_bytes(wanted: usize) -> usize {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let group = limits.iter().find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    share(wanted as u64, available(&meminfo), group) as usize
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
    fn small_machines_get_small_budgets() {
        let wanted = 48 << 20;
        assert_eq!(share(wanted, available("MemTotal: 9 kB\nMemAvailable:   1048576 kB\n"), None), wanted);
        assert_eq!(share(wanted, Some(80 << 20), None), 40 << 20);
        assert_eq!(share(wanted, Some(8 << 20), Some(1 << 40)), LEAST_BYTES);
        assert_eq!(share(wanted, Some(1 << 40), Some(48 << 20)), 36 << 20);
        assert_eq!(share(wanted, None, None), wanted);
    }
}
