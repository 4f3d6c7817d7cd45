//! Whether the machine runs on a battery or an uninterruptible supply, by `/sys/class/power_supply`.

use std::{fs, path::Path};

/// One supply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supply {
    /// `Mains`, `USB`, `Battery`, `UPS`.
    pub kind: String,
    /// Whether it delivers, for those that know.
    pub online: Option<bool>,
    /// `Discharging`, `Charging`, `Full`.
    pub status: String,
    /// `Device`: the battery of a mouse.
    pub scope: String,
}

/// Says so when nothing but a battery delivers.
pub fn on_battery(sys: &Path) -> Option<String> {
    let entries = fs::read_dir(sys.join("class/power_supply")).ok()?;
    let supplies = entries.filter_map(Result::ok).map(|entry| {
        let text = |name| fs::read_to_string(entry.path().join(name)).unwrap_or_default().trim().to_owned();
        let online = match text("online").as_str() {
            "" => None,
            "0" => Some(false),
            _ => Some(true),
        };
        Supply { kind: text("type"), online, status: text("status"), scope: text("scope") }
    });
    decide(&supplies.collect::<Vec<_>>())
}

/// A machine without any supply that it knows of has mains.
pub fn decide(supplies: &[Supply]) -> Option<String> {
    let is_battery = |supply: &&Supply| supply.kind == "Battery" || supply.kind == "UPS";
    let own = || supplies.iter().filter(|supply| supply.scope != "Device");
    let lines: Vec<bool> = own().filter(|supply| !is_battery(supply)).filter_map(|supply| supply.online).collect();
    if lines.contains(&true) {
        // Mains are there, yet a supply behind them may have lost them.
        let ups = own().any(|supply| supply.kind == "UPS" && supply.status == "Discharging");
        return ups.then(|| "on the battery of the UPS".to_owned());
    }
    let discharging = own().filter(is_battery).any(|supply| supply.status == "Discharging");
    (discharging || !lines.is_empty()).then(|| "on battery: no mains".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(kind: &str, online: Option<bool>, status: &str) -> Supply {
        Supply { kind: kind.into(), online, status: status.into(), scope: String::new() }
    }

    #[test]
    fn mains_decide() {
        let mouse = Supply { scope: "Device".into(), ..supply("Battery", None, "Discharging") };
        for (supplies, held) in [
            (vec![], false),
            (vec![mouse], false),
            (vec![supply("Mains", Some(true), ""), supply("Battery", None, "Discharging")], false),
            (vec![supply("Mains", Some(false), ""), supply("USB", Some(true), "")], false),
            (vec![supply("Mains", Some(false), ""), supply("Battery", None, "Discharging")], true),
            (vec![supply("Mains", Some(false), "")], true),
            (vec![supply("UPS", None, "Discharging")], true),
            (vec![supply("Mains", Some(true), ""), supply("UPS", None, "Discharging")], true),
            (vec![supply("UPS", None, "Full")], false),
        ] {
            assert_eq!(decide(&supplies).is_some(), held, "{supplies:?}");
        }
    }

    #[test]
    fn the_kernels_files_are_read() {
        let sys = tempfile::tempdir().expect("a folder");
        assert_eq!(on_battery(sys.path()), None);
        let mains = sys.path().join("class/power_supply/AC");
        fs::create_dir_all(&mains).expect("folders");
        fs::write(mains.join("type"), "Mains\n").expect("a file");
        fs::write(mains.join("online"), "0\n").expect("a file");
        assert_eq!(on_battery(sys.path()).as_deref(), Some("on battery: no mains"));
        fs::write(mains.join("online"), "1\n").expect("a file");
        assert_eq!(on_battery(sys.path()), None);
    }
}
