//! What kind of trouble ended a job: named from the exit code and the last words of the command, so that status says what to
//! do, and retries suit it.

/// A named state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// The server did not answer, or the line broke for good.
    Unreachable,
    /// The server is not known yet.
    UnknownHostKey,
    /// The server shows another key than before.
    ChangedHostKey,
    /// The server lets this client not do this.
    Refused,
    /// Somebody else uses the repository.
    Locked,
    /// There is no room.
    FullDisk,
    /// The repository may not grow.
    Quota,
    /// The key is not where it was.
    KeyLost,
    /// The passphrase is wrong, or there is none.
    Passphrase,
    /// The repository is not there.
    NoRepository,
    /// The repository is not the one that it was.
    NotAsItWas,
    /// Something in the repository is wrong.
    Damaged,
    /// What was fetched is not what the source is.
    Differs,
    /// The job was ended from outside: power, kill, reboot.
    Interrupted,
    /// Anything else: the last words say it.
    Other,
}

impl Trouble {
    const ALL: [(Self, &'static str); 15] = [
        (Self::Unreachable, "server unreachable"),
        (Self::UnknownHostKey, "host key unknown"),
        (Self::ChangedHostKey, "host key changed"),
        (Self::Refused, "refused by the server"),
        (Self::Locked, "repository locked"),
        (Self::FullDisk, "disk full"),
        (Self::Quota, "quota used up"),
        (Self::KeyLost, "key lost"),
        (Self::Passphrase, "passphrase wrong or missing"),
        (Self::NoRepository, "repository missing"),
        (Self::NotAsItWas, "repository changed"),
        (Self::Damaged, "repository damaged"),
        (Self::Differs, "restored file differs"),
        (Self::Interrupted, "interrupted"),
        (Self::Other, "error"),
    ];

    /// Its name, in status and state.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("error", |(_, name)| name)
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.iter().find(|(_, one)| *one == name).map_or(Self::Other, |(trouble, _)| *trouble)
    }

    /// What a command that failed with this exit code (`BORG_EXIT_CODES=modern`) and these words ran into.
    pub(crate) fn of(code: i32, words: &str) -> Self {
        match code {
            // The exit code does not tell a stranger from an impostor.
            80..=82 | 84..=87 if words.contains("HOST IDENTIFICATION HAS CHANGED") => Self::ChangedHostKey,
            80..=82 | 84..=87 if words.contains("marked as revoked") => Self::ChangedHostKey,
            80..=82 | 84..=87 if words.contains("Host key verification failed") => Self::UnknownHostKey,
            80..=82 | 84..=87 => Self::Unreachable,
            21 | 83 => Self::Refused,
            70..=75 => Self::Locked,
            14 => Self::FullDisk,
            20 => Self::Quota,
            40..=45 => Self::KeyLost,
            50..=53 => Self::Passphrase,
            13 | 15 | 18 => Self::NoRepository,
            60..=64 => Self::NotAsItWas,
            11 | 12 | 16 | 17 | 25..=27 | 90..=99 => Self::Damaged,
            // Killed by a signal, or ended by one in order.
            ..=-1 | 129 | 130 | 137 | 143 => Self::Interrupted,
            _ if words.contains("No space left on device") => Self::FullDisk,
            _ if words.contains("Disk quota exceeded") => Self::Quota,
            _ => Self::Other,
        }
    }

    /// Seconds to wait before the next try, after so many failures in a row: doubled each time, at most half a day. What
    /// passes by itself is tried soon, what needs a person seldom.
    pub(crate) fn patience(self, failures: u32) -> i64 {
        let (first, most) = match self {
            // The power is back: there is nothing to wait for, unless it goes on like this.
            Self::Interrupted if failures <= 1 => return 0,
            Self::Interrupted | Self::Unreachable | Self::Locked => (2 * 60, 2 * 3600),
            Self::FullDisk | Self::Other => (15 * 60, 6 * 3600),
            _ => (3600, 12 * 3600),
        };
        i64::from(first << failures.saturating_sub(1).min(10)).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_and_words_have_names() {
        assert_eq!(Trouble::of(81, "ssh: connect to host h port 22: Connection refused"), Trouble::Unreachable);
        assert_eq!(Trouble::of(81, "@ REMOTE HOST IDENTIFICATION HAS CHANGED! @"), Trouble::ChangedHostKey);
        assert_eq!(Trouble::of(81, "Host key verification failed."), Trouble::UnknownHostKey);
        assert_eq!(Trouble::of(2, "write: No space left on device (os error 28)"), Trouble::FullDisk);
        assert_eq!(Trouble::of(42, ""), Trouble::KeyLost);
        assert_eq!(Trouble::of(2, "Host key verification failed"), Trouble::Other);
        assert_eq!([-9, 143].map(|code| Trouble::of(code, "")), [Trouble::Interrupted; 2]);
        for (trouble, name) in Trouble::ALL {
            assert_eq!((trouble.name(), Trouble::named(name)), (name, trouble));
        }
    }

    #[test]
    fn patience_grows_and_has_an_end() {
        assert_eq!(Trouble::Interrupted.patience(1), 0);
        assert_eq!([1, 2, 3, 40].map(|times| Trouble::Unreachable.patience(times)), [120, 240, 480, 7200]);
        assert!((1..50).all(|times| Trouble::KeyLost.patience(times) <= 12 * 3600));
    }
}
