//! Every environment variable that means something, in one place. Borg's keep their meaning; ours begin with NANOPROBE_.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// The variables of this process, or of a test.
pub(crate) struct Environment {
    source: Source,
}

enum Source {
    Process,
    #[cfg(test)]
    Test(&'static [(&'static str, &'static str)]),
}

/// Which numbers the exit code takes: BORG_EXIT_CODES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCodes {
    /// 2 for every error, 1 for every warning.
    Legacy,
    /// A number an error class.
    Modern,
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        Self { source: Source::Process }
    }

    #[cfg(test)]
    pub(crate) fn of_test(variables: &'static [(&'static str, &'static str)]) -> Self {
        Self { source: Source::Test(variables) }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<OsString> {
        match self.source {
            Source::Process => std::env::var_os(name),
            #[cfg(test)]
            Source::Test(variables) => {
                variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(*value))
            }
        }
    }

    /// A variable as text; what is not UTF-8 does not count as set.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.variable(name)?.into_string().ok()
    }

    /// A variable that is set and not empty.
    fn filled(&self, name: &str) -> Option<OsString> {
        self.variable(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn exit_codes(&self) -> ExitCodes {
        match self.text("BORG_EXIT_CODES").as_deref() {
            Some("modern") => ExitCodes::Modern,
            _ => ExitCodes::Legacy,
        }
    }

    /// What is set and would change what Borg does, but not what this program does.
    pub(crate) fn unsupported(&self) -> Vec<String> {
        let told = "is not supported, see \"help environment\".";
        let logging = self.filled("BORG_LOGGING_CONF").map(|_| format!("BORG_LOGGING_CONF {told}"));
        let workarounds = self.text("BORG_WORKAROUNDS").unwrap_or_default();
        let needless = ["", "retry_erofs", "basesyncfile"];
        let workarounds = workarounds.split(',').filter(|word| !needless.contains(word));
        logging.into_iter().chain(workarounds.map(|word| format!("BORG_WORKAROUNDS={word} {told}"))).collect()
    }

    /// BORG_BASE_DIR, or the home directory.
    pub(crate) fn base_directory(&self) -> PathBuf {
        self.filled("BORG_BASE_DIR").map_or_else(|| self.home_directory(), PathBuf::from)
    }

    /// Where the user's own files are; a HOME left over from root (as mount helpers leave it) does not count.
    pub(crate) fn home_directory(&self) -> PathBuf {
        let user = rustix::process::geteuid().as_raw();
        let home_of_root = home_of(|entry| entry.user == 0);
        let own_home = || home_of(|entry| entry.user == user);
        if let Some(home) = self.filled("HOME") {
            let misleads = user != 0 && home_of_root.as_deref() == Some(Path::new(&home));
            if !misleads {
                return home.into();
            }
            if let Some(home) = own_home() {
                return home;
            }
        }
        let named = self.filled("USER").and_then(|name| home_of(|entry| entry.name == name.as_bytes()));
        named.or_else(own_home).unwrap_or_else(|| PathBuf::from("/"))
    }

    /// Where another user's home is.
    pub(crate) fn home_of_user(name: &[u8]) -> Option<PathBuf> {
        home_of(|entry| entry.name == name)
    }

    /// One of the XDG directories; BORG_BASE_DIR switches XDG off.
    fn home_for(&self, xdg: &str, directory: &str) -> PathBuf {
        match (self.filled("BORG_BASE_DIR"), self.variable(xdg)) {
            (None, Some(home)) => home.into(),
            _ => self.base_directory().join(directory),
        }
    }

    fn configuration_directory(&self) -> PathBuf {
        match self.variable("BORG_CONFIG_DIR") {
            Some(directory) => directory.into(),
            None => self.home_for("XDG_CONFIG_HOME", ".config").join("borg"),
        }
    }

    /// Where key files are.
    pub(crate) fn keys_directory(&self) -> PathBuf {
        match self.variable("BORG_KEYS_DIR") {
            Some(directory) => directory.into(),
            None => self.configuration_directory().join("keys"),
        }
    }

    /// What is known of repositories, one directory each.
    pub(crate) fn security_directory(&self) -> PathBuf {
        match self.variable("BORG_SECURITY_DIR") {
            Some(directory) => directory.into(),
            None => self.configuration_directory().join("security"),
        }
    }

    /// Borg's cache directory, which is only looked at and named, never written.
    pub(crate) fn borg_cache_directory(&self) -> PathBuf {
        match self.variable("BORG_CACHE_DIR") {
            Some(directory) => directory.into(),
            None => self.home_for("XDG_CACHE_HOME", ".cache").join("borg"),
        }
    }

    /// Our own, beside Borg's; inside a BORG_CACHE_DIR that was chosen, under a name that Borg never uses.
    pub(crate) fn cache_directory(&self) -> PathBuf {
        if let Some(directory) = self.filled("NANOPROBE_CACHE_DIR") {
            return directory.into();
        }
        match self.variable("BORG_CACHE_DIR") {
            Some(directory) => Path::new(&directory).join("nanoprobe"),
            None => self.home_for("XDG_CACHE_HOME", ".cache").join("nanoprobe"),
        }
    }

    pub(crate) fn key_file(&self) -> Option<PathBuf> {
        self.filled("BORG_KEY_FILE").map(PathBuf::from)
    }
}

/// Variables that hold secrets: no child process gets them.
pub(crate) const SECRETS: [&str; 4] =
    ["BORG_PASSPHRASE", "BORG_NEW_PASSPHRASE", "BORG_PASSCOMMAND", "BORG_PASSPHRASE_FD"];

struct UserEntry<'a> {
    name: &'a [u8],
    user: u32,
}

/// A home directory from the user database file.
fn home_of(wanted: impl Fn(&UserEntry<'_>) -> bool) -> Option<PathBuf> {
    let users = std::fs::read("/etc/passwd").ok()?;
    users.split(|&byte| byte == b'\n').find_map(|line| {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
        let [name, _, user, _, _, home, ..] = fields.as_slice() else { return None };
        let user = str::from_utf8(user).ok()?.parse().ok()?;
        wanted(&UserEntry { name, user }).then(|| PathBuf::from(OsStr::from_bytes(home)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_as_borg_chooses_them() {
        let home = Environment::of_test(&[("HOME", "/h"), ("BORG_BASE_DIR", "")]);
        assert_eq!(home.keys_directory(), Path::new("/h/.config/borg/keys"));
        assert_eq!(home.security_directory(), Path::new("/h/.config/borg/security"));
        assert_eq!(home.borg_cache_directory(), Path::new("/h/.cache/borg"));
        assert_eq!(home.cache_directory(), Path::new("/h/.cache/nanoprobe"));
        let xdg = Environment::of_test(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x"), ("XDG_CACHE_HOME", "/c")]);
        assert_eq!(xdg.keys_directory(), Path::new("/x/borg/keys"));
        assert_eq!(xdg.cache_directory(), Path::new("/c/nanoprobe"));
        let base = Environment::of_test(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x"), ("BORG_BASE_DIR", "/b")]);
        assert_eq!(base.keys_directory(), Path::new("/b/.config/borg/keys"));
        let chosen = Environment::of_test(&[
            ("BORG_CONFIG_DIR", "/cfg"),
            ("BORG_SECURITY_DIR", "/sec"),
            ("BORG_CACHE_DIR", "/cache"),
            ("BORG_KEY_FILE", "/key"),
        ]);
        assert_eq!(chosen.keys_directory(), Path::new("/cfg/keys"));
        assert_eq!(chosen.security_directory(), Path::new("/sec"));
        assert_eq!(chosen.cache_directory(), Path::new("/cache/nanoprobe"));
        assert_eq!(chosen.key_file(), Some(PathBuf::from("/key")));
    }

    #[test]
    fn what_is_not_supported_is_told() {
        let told = |variables| Environment::of_test(variables).unsupported().len();
        assert_eq!(told(&[]), 0);
        assert_eq!(told(&[("BORG_WORKAROUNDS", "basesyncfile,retry_erofs"), ("BORG_SHOW_SYSINFO", "no")]), 0);
        assert_eq!(told(&[("BORG_WORKAROUNDS", "basesyncfile,authenticated_no_key"), ("BORG_LOGGING_CONF", "x")]), 2);
    }

    #[test]
    fn exit_codes_are_modern_only_when_said_so() {
        assert_eq!(Environment::of_test(&[]).exit_codes(), ExitCodes::Legacy);
        assert_eq!(Environment::of_test(&[("BORG_EXIT_CODES", "modern")]).exit_codes(), ExitCodes::Modern);
        assert_eq!(Environment::of_test(&[("BORG_EXIT_CODES", "Modern")]).exit_codes(), ExitCodes::Legacy);
    }
}
