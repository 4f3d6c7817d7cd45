//! `[reports]`: who is told. Addresses are secrets: they show nowhere, not even in debugging output.

use std::{fmt, path::PathBuf};

use toml::de::DeValue;

use super::reader::{Problems, Section, path, text};

/// Everything that tells somebody.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// Metrics for node_exporter.
    pub prometheus: Option<PathBuf>,
    /// Letters.
    pub mail: Option<Mail>,
    /// A message as the body of a POST; ntfy takes that.
    pub webhook: Option<Address>,
    /// LEDs and beeper.
    pub lights: Option<Lights>,
}

/// An `http` or `https` address.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// Letters through a local program.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Whom to.
    pub to: String,
    /// Who it says it is from.
    pub from: Option<String>,
    /// The program.
    pub sendmail: PathBuf,
}

/// What a box without a screen can show.
#[derive(Clone, Debug)]
pub struct Lights {
    /// Where LEDs are.
    pub directory: PathBuf,
    /// The LED that is on when all is well.
    pub fine: Option<String>,
    /// The LED that is on when something is not.
    pub trouble: Option<String>,
    /// A terminal that beeps when something begins to fail.
    pub beeper: Option<PathBuf>,
}

impl Address {
    /// For whoever connects to it.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address")
    }
}

/// An address; the message of an error does not repeat it.
pub(super) fn address(value: &DeValue<'_>) -> Result<Address, String> {
    let text = text(value)?;
    match crate::address::Parts::of(&text) {
        Some(_) => Ok(Address(text)),
        None => Err("an address such as https://host/path is expected".to_owned()),
    }
}

pub(super) fn read(section: Option<Section<'_>>, problems: &mut Problems<'_>) -> Reports {
    let Some(mut section) = section else { return Reports::default() };
    let (mail, lights) = (section.section("mail", problems), section.section("lights", problems));
    let reports = Reports {
        prometheus: section.read("prometheus", problems, path),
        mail: mail.and_then(|section| read_mail(section, problems)),
        webhook: section.read("webhook", problems, address),
        lights: lights.map(|section| read_lights(section, problems)),
    };
    section.finish(problems);
    reports
}

fn read_mail(mut section: Section<'_>, problems: &mut Problems<'_>) -> Option<Mail> {
    let mail = Mail {
        to: section.need("to", problems, text)?,
        from: section.read("from", problems, text),
        sendmail: section.read("sendmail", problems, path).unwrap_or_else(|| "/usr/sbin/sendmail".into()),
    };
    section.finish(problems);
    Some(mail)
}

fn read_lights(mut section: Section<'_>, problems: &mut Problems<'_>) -> Lights {
    let lights = Lights {
        directory: section.read("directory", problems, path).unwrap_or_else(|| "/sys/class/leds".into()),
        fine: section.read("fine", problems, led),
        trouble: section.read("trouble", problems, led),
        beeper: section.read("beeper", problems, path),
    };
    section.finish(problems);
    lights
}

/// The name of a directory in `/sys/class/leds`.
fn led(value: &DeValue<'_>) -> Result<String, String> {
    let name = text(value)?;
    if name.contains('/') || name.starts_with('.') { Err(format!("\"{name}\" is no name of an LED")) } else { Ok(name) }
}
