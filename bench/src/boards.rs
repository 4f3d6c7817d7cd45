//! What is typical of the boards in `targets/`: a report of one of them shows its pipeline against its network without being told.

/// A board family and its file.
const BOARDS: [(&str, &str); 13] = [
    ("armada370", include_str!("../../targets/armada370.toml")),
    ("armada385", include_str!("../../targets/armada385.toml")),
    ("kirkwood", include_str!("../../targets/kirkwood.toml")),
    ("pi1", include_str!("../../targets/pi1.toml")),
    ("pi2", include_str!("../../targets/pi2.toml")),
    ("pi3", include_str!("../../targets/pi3.toml")),
    ("pi4", include_str!("../../targets/pi4.toml")),
    ("pi5", include_str!("../../targets/pi5.toml")),
    ("realtek", include_str!("../../targets/realtek.toml")),
    ("riscv64", include_str!("../../targets/riscv64.toml")),
    ("rk3399", include_str!("../../targets/rk3399.toml")),
    ("rk356x", include_str!("../../targets/rk356x.toml")),
    ("x86-64", include_str!("../../targets/x86-64.toml")),
];

/// A board family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    name: &'static str,
    text: &'static str,
}

impl Board {
    /// The one whose file has this name.
    pub fn named(name: &str) -> Option<Self> {
        BOARDS.into_iter().find(|board| board.0 == name).map(|(name, text)| Self { name, text })
    }

    /// The one that a device tree's model belongs to.
    pub fn of_model(model: &str) -> Option<Self> {
        let boards = BOARDS.into_iter().map(|(name, text)| Self { name, text });
        let mut known = boards.filter(|board| board.value("models").is_some());
        known.find(|board| {
            board.value("models").is_some_and(|models| models.split(", ").any(|start| model.starts_with(start)))
        })
    }

    /// The name of its file.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What its network usually carries, MB/s.
    pub fn network_megabytes_per_second(self) -> Option<f64> {
        self.value("network_mb_per_s")?.parse().ok()
    }

    /// The files are flat: a key, and a number or text, a line.
    fn value(self, key: &str) -> Option<&'static str> {
        let values = self.text.lines().filter_map(|line| line.split_once(" = "));
        values.filter(|(name, _)| *name == key).map(|(_, value)| value.trim_matches('"')).next()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn every_file_is_here_and_has_every_key() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets");
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let names: BTreeSet<String> = files.filter_map(|file| file.strip_suffix(".toml").map(str::to_owned)).collect();
        assert_eq!(names, BOARDS.map(|board| board.0.to_owned()).into());
        for (name, _) in BOARDS {
            let board = Board::named(name).unwrap();
            for key in ["boards", "triple", "processor", "features"] {
                assert!(board.value(key).is_some(), "{name}: {key}");
            }
            for key in ["cores", "memory_mib", "network_mb_per_s", "storage_mb_per_s"] {
                assert!(board.value(key).is_some_and(|value| value.parse::<u32>().is_ok()), "{name}: {key}");
            }
        }
    }

    #[test]
    fn models_tell_boards() {
        for (model, name) in [
            ("Raspberry Pi 4 Model B Rev 1.4", Some("pi4")),
            ("Raspberry Pi Zero 2 W Rev 1.0", Some("pi3")),
            ("Raspberry Pi Zero W Rev 1.1", Some("pi1")),
            ("Raspberry Pi Model B Plus Rev 1.2", Some("pi1")),
            ("Some NAS", None),
        ] {
            assert_eq!(Board::of_model(model).map(Board::name), name, "{model}");
        }
    }
}
