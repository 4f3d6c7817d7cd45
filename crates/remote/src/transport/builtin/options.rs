//! What may stand behind `builtin` in BORG_RSH: the options of `ssh` that make sense here, as `ssh` reads them.
//!
//! Of options that are given several times the first counts, as with `ssh`, so that BORG_RSH wins over the location. An option
//! that is not known here is refused by name: whoever typed it expects something of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;

/// In the order in which they are tried; those that do not exist are passed over.
const USUAL_IDENTITIES: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];
const SSH_PORT: u16 = 22;
/// A connection that was not accepted by then will not be.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Silence after which the server is asked for a sign of life, and how often it may leave that unanswered.
const ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const ALIVE_COUNT_MOST: u32 = 3;
const PASSWORD_PROMPTS: u32 = 3;

/// What is known without any option.
#[derive(Clone, Debug)]
pub struct Destination {
    /// From the location.
    pub user: Option<String>,
    /// A name or an address, without brackets.
    pub host: String,
    /// From the location.
    pub port: Option<u16>,
    /// The name of whoever runs this.
    pub local_user: String,
    /// Where `.ssh` is.
    pub home: PathBuf,
}

/// How a server is reached, and who is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) user: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) identities: Vec<Identity>,
    pub(super) agent: Agent,
    /// The first one gets keys that are accepted.
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) new_hosts: NewHosts,
    /// Instead of our own list.
    pub(super) host_key_algorithms: Option<Vec<String>>,
    pub(super) connect_timeout: Duration,
    /// `None`: a line may be silent for ever.
    pub(super) alive_interval: Option<Duration>,
    pub(super) alive_count_most: u32,
    pub(super) questions: Questions,
    pub(super) password_prompts: u32,
}

/// A private key in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) path: PathBuf,
    /// Somebody named it: it is told when it is not there.
    pub(super) is_named: bool,
}

/// Whether keys of an agent are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agent {
    Asked,
    LeftAlone,
}

/// What becomes of the key of a host of which none is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewHosts {
    Refused,
    Accepted,
}

/// Whether a person may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Questions {
    Allowed,
    Never,
}

impl Options {
    /// Reads the words behind `builtin`.
    pub(super) fn read(words: &[String], destination: Destination) -> Result<Self, Error> {
        let mut typed = Typed { home: destination.home.clone(), ..Typed::default() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let letter = word.strip_prefix('-').and_then(|rest| rest.chars().next());
            let (Some(letter @ ('i' | 'p' | 'l' | 'o')), true) = (letter, word.is_ascii()) else {
                return Err(unknown(word));
            };
            let attached = Some(&word[2..]).filter(|value| !value.is_empty());
            let value = attached.or_else(|| words.next().map(String::as_str));
            let value = value.ok_or_else(|| refused(word, "", "needs a value"))?;
            match letter {
                'i' => typed.set("IdentityFile", value)?,
                'p' => typed.set("Port", value)?,
                'l' => typed.set("User", value)?,
                _ => {
                    let (name, value) = value
                        .split_once(['=', ' '])
                        .ok_or_else(|| refused("-o", value, "is not of the form Option=value"))?;
                    typed.set(name.trim(), value.trim())?;
                }
            }
        }
        Ok(typed.with_defaults(destination))
    }
}

/// What was typed.
#[derive(Default)]
struct Typed {
    home: PathBuf,
    user: Option<String>,
    port: Option<u16>,
    identities: Vec<Identity>,
    identities_only: Option<bool>,
    known_hosts: Option<Vec<PathBuf>>,
    global_known_hosts: Option<Vec<PathBuf>>,
    new_hosts: Option<NewHosts>,
    host_key_algorithms: Option<Vec<String>>,
    connect_timeout: Option<u64>,
    alive_interval: Option<u64>,
    alive_count_most: Option<u32>,
    batch_mode: Option<bool>,
    password_prompts: Option<u32>,
}

impl Typed {
    fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let wrong = |reason| refused(name, value, reason);
        match name.to_ascii_lowercase().as_str() {
            "identityfile" => {
                let path = self.path(value).ok_or_else(|| wrong("names a file in a way that is not known here"))?;
                self.identities.push(Identity { path, is_named: true });
            }
            "user" => first(&mut self.user, value.to_owned()),
            "port" => {
                let port = value.parse().ok().filter(|port| *port != 0);
                first(&mut self.port, port.ok_or_else(|| wrong("is no port"))?);
            }
            "identitiesonly" => first(&mut self.identities_only, yes(value).ok_or_else(|| wrong("is not yes or no"))?),
            "batchmode" => first(&mut self.batch_mode, yes(value).ok_or_else(|| wrong("is not yes or no"))?),
            "userknownhostsfile" => {
                let paths = self.paths(value).ok_or_else(|| wrong("names a file in a way that is not known here"))?;
                first(&mut self.known_hosts, paths);
            }
            "globalknownhostsfile" => {
                let paths = self.paths(value).ok_or_else(|| wrong("names a file in a way that is not known here"))?;
                first(&mut self.global_known_hosts, paths);
            }
            "stricthostkeychecking" => {
                let new_hosts = match value.to_ascii_lowercase().as_str() {
                    // Nobody is asked here: backups run while nobody looks.
                    "yes" | "true" | "ask" => NewHosts::Refused,
                    "accept-new" => NewHosts::Accepted,
                    _ => return Err(wrong("is not possible: yes or accept-new")),
                };
                first(&mut self.new_hosts, new_hosts);
            }
            "hostkeyalgorithms" => {
                if value.starts_with(['+', '-', '^']) || value.contains(['*', '?']) {
                    return Err(wrong("must be a list of names"));
                }
                first(&mut self.host_key_algorithms, value.split(',').map(str::to_owned).collect());
            }
            "connecttimeout" => first(&mut self.connect_timeout, seconds(value).ok_or_else(|| wrong("is no time"))?),
            "serveraliveinterval" => {
                first(&mut self.alive_interval, seconds(value).ok_or_else(|| wrong("is no time"))?);
            }
            "serveralivecountmax" => {
                first(&mut self.alive_count_most, value.parse().map_err(|_| wrong("is no number"))?);
            }
            "numberofpasswordprompts" => {
                first(&mut self.password_prompts, value.parse().map_err(|_| wrong("is no number"))?);
            }
            _ => return Err(unknown(&format!("-o {name}"))),
        }
        Ok(())
    }

    fn with_defaults(self, destination: Destination) -> Options {
        let directory = destination.home.join(".ssh");
        let mut known_hosts = self.known_hosts.unwrap_or_else(|| vec![directory.join("known_hosts")]);
        let global = self.global_known_hosts.unwrap_or_else(|| vec![PathBuf::from("/etc/ssh/ssh_known_hosts")]);
        known_hosts.extend(global);
        let mut identities = self.identities;
        if identities.is_empty() {
            let usual = USUAL_IDENTITIES.map(|name| Identity { path: directory.join(name), is_named: false });
            identities.extend(usual);
        }
        let interval = self.alive_interval.map_or(ALIVE_INTERVAL, Duration::from_secs);
        Options {
            user: self.user.or(destination.user).unwrap_or(destination.local_user),
            host: destination.host,
            port: self.port.or(destination.port).unwrap_or(SSH_PORT),
            identities,
            agent: if self.identities_only == Some(true) { Agent::LeftAlone } else { Agent::Asked },
            known_hosts,
            new_hosts: self.new_hosts.unwrap_or(NewHosts::Refused),
            host_key_algorithms: self.host_key_algorithms,
            connect_timeout: self
                .connect_timeout
                .filter(|seconds| *seconds > 0)
                .map_or(CONNECT_TIMEOUT, Duration::from_secs),
            alive_interval: Some(interval).filter(|interval| !interval.is_zero()),
            alive_count_most: self.alive_count_most.unwrap_or(ALIVE_COUNT_MOST),
            questions: if self.batch_mode == Some(true) { Questions::Never } else { Questions::Allowed },
            password_prompts: self.password_prompts.unwrap_or(PASSWORD_PROMPTS),
        }
    }

    fn paths(&self, value: &str) -> Option<Vec<PathBuf>> {
        if value.eq_ignore_ascii_case("none") {
            return Some(Vec::new());
        }
        value.split_whitespace().map(|path| self.path(path)).collect()
    }

    /// `~` is the home directory; of what `ssh` writes with a per cent sign only that sign itself is known.
    fn path(&self, value: &str) -> Option<PathBuf> {
        let value = value.replace("%%", "\0");
        if value.contains('%') {
            return None;
        }
        let value = value.replace('\0', "%");
        match value.strip_prefix("~/") {
            Some(rest) => Some(self.home.join(rest)),
            None if value.starts_with('~') => None,
            None => Some(Path::new(&value).to_path_buf()),
        }
    }
}

fn first<T>(place: &mut Option<T>, value: T) {
    place.get_or_insert(value);
}

fn yes(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// `90`, `90s`, `5m`, `1h`
fn seconds(value: &str) -> Option<u64> {
    let unit = match value.chars().last()? {
        'm' | 'M' => 60,
        'h' | 'H' => 3600,
        _ => 1,
    };
    let digits = value.strip_suffix(|last: char| matches!(last, 's' | 'S' | 'm' | 'M' | 'h' | 'H')).unwrap_or(value);
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn unknown(word: &str) -> Error {
    Error::SshOption(format!("it does not know {word}"))
}

fn refused(name: &str, value: &str, reason: &str) -> Error {
    Error::SshOption(format!("{name} {value} {reason}").replace("  ", " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Options, Error> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let destination = Destination {
            user: Some("somebody".into()),
            host: "host".into(),
            port: Some(23),
            local_user: "me".into(),
            home: "/home/me".into(),
        };
        Options::read(&words, destination)
    }

    #[test]
    fn options_are_read_as_ssh_does() {
        let options =
            read("-i ~/one -o IdentityFile=/two -p 2222 -oPort=99 -luser -o IDENTITIESONLY=yes").expect("options");
        let paths: Vec<_> = options.identities.iter().map(|identity| identity.path.to_str().expect("UTF-8")).collect();
        assert_eq!(paths, ["/home/me/one", "/two"]);
        assert_eq!((options.port, options.user.as_str(), options.agent), (2222, "user", Agent::LeftAlone));
        let options = read("-o ServerAliveInterval=2m -o ServerAliveCountMax=1 -o BatchMode=yes").expect("options");
        assert_eq!((options.alive_interval, options.alive_count_most), (Some(Duration::from_secs(120)), 1));
        assert_eq!(options.questions, Questions::Never);
        let options = read("-o StrictHostKeyChecking=accept-new -o ServerAliveInterval=0").expect("options");
        assert_eq!((options.new_hosts, options.alive_interval), (NewHosts::Accepted, None));
    }

    #[test]
    fn nothing_typed_is_what_ssh_would_do() {
        let options = read("").expect("options");
        assert_eq!((options.port, options.user.as_str(), options.new_hosts), (23, "somebody", NewHosts::Refused));
        assert_eq!(options.identities[0].path, Path::new("/home/me/.ssh/id_ed25519"));
        assert_eq!(options.known_hosts[0], Path::new("/home/me/.ssh/known_hosts"));
        assert_eq!(options.known_hosts[1], Path::new("/etc/ssh/ssh_known_hosts"));
        assert_eq!(options.alive_interval, Some(ALIVE_INTERVAL));
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for (words, named) in [
            ("-J jump", "-J"),
            ("-v", "-v"),
            ("host", "host"),
            ("-o ProxyJump=x", "ProxyJump"),
            ("-o StrictHostKeyChecking=no", "StrictHostKeyChecking no"),
            ("-p", "-p"),
            ("-p 0", "0"),
            ("-p 70000", "70000"),
            ("-o BatchMode", "BatchMode"),
            ("-o BatchMode=perhaps", "perhaps"),
            ("-i %d/key", "%d"),
            ("-o HostKeyAlgorithms=+ssh-rsa", "+ssh-rsa"),
            ("-o ConnectTimeout=soon", "soon"),
        ] {
            let error = read(words).expect_err(words).to_string();
            assert!(error.contains(named), "{words}: {error}");
        }
    }
}
