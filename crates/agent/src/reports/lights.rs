//! What a box without a screen can show: LEDs by the kernel's files, and a terminal's bell.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

use super::Kind;
use crate::{configuration::Lights, status::Level};

/// One LED is on when all is well, the other when something failed; a warning shows both. Gives what could not be written.
pub(super) fn show(lights: &Lights, level: Level) -> Vec<String> {
    let wanted = [(&lights.fine, level < Level::Critical), (&lights.trouble, level > Level::Fine)];
    let set = wanted.into_iter().filter_map(|(name, on)| Some((name.as_ref()?, on)));
    set.filter_map(|(name, on)| {
        let led = lights.directory.join(name);
        switch(&led, on).err().map(|error| format!("{}: {error}", led.display()))
    })
    .collect()
}

fn switch(led: &Path, on: bool) -> std::io::Result<()> {
    // What else makes it shine, a disk's activity say, would go on doing so.
    let trigger = led.join("trigger");
    if trigger.exists() {
        fs::write(trigger, "none")?;
    }
    let brightest = fs::read_to_string(led.join("max_brightness")).unwrap_or_default();
    let brightest = if brightest.trim().is_empty() { "1" } else { brightest.trim() };
    // Not created where there is no such LED.
    let mut brightness = OpenOptions::new().write(true).truncate(true).open(led.join("brightness"))?;
    brightness.write_all(if on { brightest } else { "0" }.as_bytes())
}

/// Beeps when something begins to be wrong.
pub(super) fn beep(lights: &Lights, kind: Kind) {
    let Some(terminal) =
        lights.beeper.as_ref().filter(|_| matches!(kind, Kind::Failed | Kind::TooOld | Kind::NeverRan))
    else {
        return;
    };
    // A box without one is as silent as before.
    let _ = OpenOptions::new().append(true).open(terminal).and_then(|mut terminal| terminal.write_all(b"\x07"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leds_show_the_worst() {
        let folder = tempfile::tempdir().expect("a folder");
        let led = |name: &str| folder.path().join(name);
        for name in ["green", "red"] {
            fs::create_dir(led(name)).expect("a folder");
            fs::write(led(name).join("brightness"), "0").expect("a file");
        }
        fs::write(led("red").join("max_brightness"), "255\n").expect("a file");
        fs::write(led("red").join("trigger"), "none [mmc0]").expect("a file");
        let lights = Lights {
            directory: folder.path().into(),
            fine: Some("green".into()),
            trouble: Some("red".into()),
            beeper: Some(led("bell")),
        };
        let shown = || ["green", "red"].map(|name| fs::read_to_string(led(name).join("brightness")).expect("a light"));
        for (level, green, red) in
            [(Level::Fine, "1", "0"), (Level::Warning, "1", "255"), (Level::Critical, "0", "255")]
        {
            assert_eq!(show(&lights, level), Vec::<String>::new());
            assert_eq!(shown(), [green, red]);
        }
        assert_eq!(fs::read_to_string(led("red").join("trigger")).expect("a trigger"), "none");
        fs::write(led("bell"), "").expect("a file");
        beep(&lights, Kind::Skipped);
        beep(&lights, Kind::Failed);
        assert_eq!(fs::read(led("bell")).expect("a bell"), b"\x07");
        fs::remove_dir_all(led("green")).expect("gone");
        assert!(show(&lights, Level::Fine)[0].contains("green"));
    }
}
