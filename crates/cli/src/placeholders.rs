//! `{hostname}-{now:%Y-%m-%d}` and the like in locations, archive names, comments and patterns of archive names.

use std::{
    env, fs,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::output::{
    specification::Value,
    template::{Template, TemplateError},
    time::{Moment, Zone},
};

/// The version of Borg as which this program presents itself.
pub(crate) const BORG_VERSION: &str = "1.4.5";

/// Replaces all placeholders of `text`. `now` in microseconds since 1970 overrides the clock (`create --timestamp`).
pub(crate) fn replace_placeholders(text: &str, now: Option<i64>, zone: &Zone) -> Result<String, PlaceholderError> {
    let invalid = |key: &str| PlaceholderError::Invalid { key: key.to_owned(), text: text.to_owned() };
    let failed = |error: TemplateError| PlaceholderError::Formatting {
        text: text.to_owned(),
        class: error.class(),
        reason: error.to_string(),
    };
    let template = Template::parse(text).map_err(failed)?;
    if let Some(key) = template.keys().find(|key| !KEYS.contains(key)) {
        return Err(invalid(key));
    }
    if let Some(key) = template.converted_key() {
        return Err(invalid(key));
    }
    let now = now.unwrap_or_else(microseconds_now);
    let mut out = Vec::new();
    template.render(&mut out, |key| value(key, now, zone)).map_err(failed)?;
    // Everything that was put in is UTF-8, except perhaps a host or user name.
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A placeholder that does not exist, or one whose format does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PlaceholderError {
    /// Exit code 6 with `BORG_EXIT_CODES=modern`.
    #[error("Invalid placeholder \"{key}\" in string: {text}")]
    Invalid {
        /// What stands between the braces.
        key: String,
        /// The whole text.
        text: String,
    },
    /// Exit code 5 with `BORG_EXIT_CODES=modern`.
    #[error("Formatting Error: \"{text}\".format({{}}): {class}({reason})")]
    Formatting {
        /// The whole text.
        text: String,
        /// Python's name of the error.
        class: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl PlaceholderError {
    /// With `BORG_EXIT_CODES=modern`.
    pub(crate) fn modern_exit_code(&self) -> u8 {
        match self {
            Self::Formatting { .. } => 5,
            Self::Invalid { .. } => 6,
        }
    }
}

/// Microseconds since 1970.
pub(crate) fn microseconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// `BORG_HOSTNAME`, else the name of this machine without its domain.
pub(crate) fn host_name() -> String {
    set("BORG_HOSTNAME").unwrap_or_else(|| node_name().split('.').next().unwrap_or_default().to_owned())
}

/// The name of this machine with its domain, as `/etc/hosts` knows it; there is no look-up over the network.
pub(crate) fn fully_qualified_name() -> String {
    let name = node_name();
    let hosts = fs::read("/etc/hosts").unwrap_or_default();
    canonical_name(&String::from_utf8_lossy(&hosts), &name).unwrap_or(name)
}

/// `BORG_USERNAME`, else the user's name, or the number where it has none.
pub(crate) fn user_name() -> String {
    set("BORG_USERNAME").unwrap_or_else(account_name)
}

/// The name of the account, or its number where it has none.
pub(crate) fn account_name() -> String {
    let uid = uzers::get_current_uid();
    let user = uzers::get_user_by_uid(uid);
    user.map_or_else(|| uid.to_string(), |user| user.name().to_string_lossy().into_owned())
}

const KEYS: [&str; 13] = [
    "pid",
    "fqdn",
    "reverse-fqdn",
    "hostname",
    "now",
    "utcnow",
    "unixtime",
    "user",
    "uuid4",
    "borgversion",
    "borgmajor",
    "borgminor",
    "borgpatch",
];

fn value(key: &str, now: i64, zone: &Zone) -> Option<Value<'static>> {
    let version = |parts| Value::owned(BORG_VERSION.split('.').take(parts).collect::<Vec<_>>().join("."));
    Some(match key {
        "pid" => Value::Integer(std::process::id().into()),
        "fqdn" => Value::owned(fully_qualified_name()),
        "reverse-fqdn" => Value::owned(fully_qualified_name().rsplit('.').collect::<Vec<_>>().join(".")),
        "hostname" => Value::owned(host_name()),
        "now" => Value::Time(Moment::aware(now, zone)),
        "utcnow" => Value::Time(Moment::aware(now, &Zone::utc())),
        "unixtime" => Value::Integer(now.div_euclid(1_000_000).into()),
        "user" => Value::owned(user_name()),
        "uuid4" => Value::owned(uuid4()),
        "borgversion" => version(3),
        "borgmajor" => version(1),
        "borgminor" => version(2),
        "borgpatch" => version(3),
        _ => return None,
    })
}

/// A variable of the environment that is not empty.
fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

fn node_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn canonical_name(hosts: &str, name: &str) -> Option<String> {
    hosts.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut names = line.split_whitespace().skip(1).peekable();
        let first = (*names.peek()?).to_owned();
        names.any(|known| known.eq_ignore_ascii_case(name)).then_some(first)
    })
}

/// A random UUID. It names, it does not protect: where the kernel gives no randomness, time and process id must do.
fn uuid4() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        bytes[..8].copy_from_slice(&microseconds_now().to_le_bytes());
        bytes[8..12].copy_from_slice(&std::process::id().to_le_bytes());
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (place, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&place) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_542_443_813_654_321;

    fn replaced(text: &str) -> Result<String, PlaceholderError> {
        replace_placeholders(text, Some(NOW), &Zone::named("CET-1CEST,M3.5.0,M10.5.0/3"))
    }

    #[test]
    fn times_and_versions() {
        for (text, expected) in [
            ("no braces", "no braces"),
            ("a-{now}", "a-2018-11-17T09:36:53"),
            ("a-{utcnow}", "a-2018-11-17T08:36:53"),
            ("{now:%Y-%m-%d_%H%M%z}", "2018-11-17_0936+0100"),
            ("{utcnow:%f}", "654321"),
            ("{unixtime}", "1542443813"),
            ("{borgversion} {borgmajor} {borgminor} {borgpatch}", "1.4.5 1 1.4 1.4.5"),
            ("{{now}}", "{now}"),
            ("{borgmajor:>4}", "   1"),
        ] {
            assert_eq!(replaced(text).unwrap(), expected);
        }
    }

    #[test]
    fn uuids_differ_and_say_what_they_are() {
        let (first, second) = (replaced("{uuid4}").unwrap(), replaced("{uuid4}").unwrap());
        assert_ne!(first, second);
        assert_eq!((first.len(), &first[14..15], &first[8..9]), (36, "4", "-"));
    }

    #[test]
    fn mistakes_are_borgs() {
        assert_eq!(replaced("x{nope}").unwrap_err().to_string(), "Invalid placeholder \"nope\" in string: x{nope}");
        assert_eq!(replaced("{now!r}").unwrap_err().modern_exit_code(), 6);
        assert_eq!(replaced("{user:d}").unwrap_err().modern_exit_code(), 5);
    }

    #[test]
    fn the_hosts_file_knows_the_whole_name() {
        let hosts = "127.0.0.1 localhost\n# 1.2.3.4 no.example box\n10.0.0.2 box.example.org box # here\n";
        assert_eq!(canonical_name(hosts, "box").as_deref(), Some("box.example.org"));
        assert_eq!(canonical_name(hosts, "other"), None);
    }
}
