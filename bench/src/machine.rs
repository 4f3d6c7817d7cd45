//! What this machine says of itself: enough to tell one report from another.

use std::fs;

use serde::{Deserialize, Serialize};

/// A box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name in the network.
    pub host: String,
    /// The board, where a device tree or firmware names it.
    pub board: Option<String>,
    /// The processor, as the kernel calls it.
    pub processor: String,
    /// What the program was compiled for: `x86_64`, `aarch64`, `arm` …
    pub architecture: String,
    /// The kernel's name for the hardware, which may be wider than the program's.
    pub kernel: String,
    /// Cores that may be used.
    pub cores: usize,
    /// The highest clock of the first core.
    pub megahertz: Option<u64>,
    /// Instructions beyond the baseline that forms are chosen by.
    pub features: Vec<String>,
    /// All of its memory.
    pub memory_bytes: Option<u64>,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let names = rustix::system::uname();
        let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
        Self {
            host: text(names.nodename()),
            board: board(),
            processor: processor().unwrap_or_else(|| text(names.machine())),
            architecture: std::env::consts::ARCH.to_owned(),
            kernel: format!("{} {} {}", text(names.sysname()), text(names.release()), text(names.machine())),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            megahertz: megahertz(),
            features: features(),
            memory_bytes: status_kib("/proc/meminfo", "MemTotal:").map(|kib| kib << 10),
        }
    }

    /// Board or processor, with cores and clock, for people.
    pub fn title(&self) -> String {
        let clock = self.megahertz.map_or_else(String::new, |megahertz| format!(", {megahertz} MHz"));
        let cores = if self.cores == 1 { "1 core".to_owned() } else { format!("{} cores", self.cores) };
        format!("{} ({}, {cores}{clock})", self.board.as_ref().unwrap_or(&self.processor), self.architecture)
    }
}

/// The most memory that this process has had.
pub fn peak_memory_bytes() -> Option<u64> {
    status_kib("/proc/self/status", "VmHWM:").map(|kib| kib << 10)
}

/// Megabytes a second that the fastest network link that is up could carry; links say megabits. Not measured.
pub fn link_megabytes_per_second() -> Option<f64> {
    let links = fs::read_dir("/sys/class/net").ok()?;
    let speeds = links.flatten().filter_map(|link| line(link.path().join("speed").to_str()?)?.parse::<i64>().ok());
    speeds.max().filter(|&megabits| megabits > 0).map(|megabits| megabits as f64 / 8.0 * PAYLOAD)
}

/// What TCP over Ethernet leaves to data.
const PAYLOAD: f64 = 0.94;

fn board() -> Option<String> {
    ["/proc/device-tree/model", "/sys/class/dmi/id/product_name"].into_iter().find_map(line)
}

fn processor() -> Option<String> {
    let listed = fs::read_to_string("/proc/cpuinfo").ok()?;
    let value = |key: &str| {
        let found = listed.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.trim() == key);
        found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    value("model name").or_else(|| value("cpu model")).or_else(|| {
        let arm = value("CPU part")?;
        Some(arm_part(&arm).map_or_else(|| format!("ARM core {arm}"), str::to_owned))
    })
}

/// Of the cores by ARM itself that boards have.
fn arm_part(part: &str) -> Option<&'static str> {
    Some(match part {
        "0xb76" => "ARM1176",
        "0xc05" => "Cortex-A5",
        "0xc07" => "Cortex-A7",
        "0xc08" => "Cortex-A8",
        "0xc09" => "Cortex-A9",
        "0xc0f" => "Cortex-A15",
        "0xd03" => "Cortex-A53",
        "0xd04" => "Cortex-A35",
        "0xd05" => "Cortex-A55",
        "0xd07" => "Cortex-A57",
        "0xd08" => "Cortex-A72",
        "0xd0b" => "Cortex-A76",
        _ => return None,
    })
}

fn megahertz() -> Option<u64> {
    let kilohertz: u64 = line("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")?.parse().ok()?;
    Some(kilohertz / 1000)
}

fn features() -> Vec<String> {
    nanoprobe_cpu::detected().iter().map(|feature| feature.name().to_owned()).collect()
}

/// A file of one line, as the kernel has many.
fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim_end_matches('\0').trim().to_owned()).filter(|text| !text.is_empty())
}

fn status_kib(path: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key))?.trim().trim_end_matches("kB").trim().parse().ok()
}
