//! Who has shown the token: sessions in memory, and patience with those who guess.

use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use super::token::digits;

/// Those who are logged in.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// The one that was used longest ago first.
    list: Vec<Session>,
    /// Wrong tokens since the last right one.
    wrong: u32,
    /// No token is looked at before.
    closed_until: Option<Instant>,
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// What the cookie says.
    pub(super) id: String,
    /// What forms say.
    pub(super) form: String,
    used: Instant,
}

/// Why somebody is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not the token.
    Wrong,
    /// It was not looked at; in so many seconds it will be.
    TooSoon(u64),
    /// The system gives no random bytes.
    NoChance,
}

const MOST_SESSIONS: usize = 8;
/// A session ends when it was not used for so long.
const IDLE: Duration = Duration::from_secs(12 * 3600);
const LONGEST_DELAY: u64 = 60;

impl Sessions {
    /// Compares a token, without telling by its time how much of it is right. After a wrong one none is looked at for a second,
    /// then two, four, up to a minute.
    pub(super) fn check(&mut self, typed: &[u8], token: &str, now: Instant) -> Result<(), Refused> {
        if let Some(wait) = self.closed_until.and_then(|until| until.checked_duration_since(now)) {
            return Err(Refused::TooSoon(wait.as_secs() + 1));
        }
        if bool::from(typed.ct_eq(token.as_bytes())) {
            (self.wrong, self.closed_until) = (0, None);
            return Ok(());
        }
        let delay = (1_u64 << self.wrong.min(6)).min(LONGEST_DELAY);
        self.wrong = self.wrong.saturating_add(1);
        self.closed_until = Some(now + Duration::from_secs(delay));
        Err(Refused::Wrong)
    }

    /// Begins a session for whoever has the token.
    pub(super) fn begin(&mut self, typed: &[u8], token: &str, now: Instant) -> Result<Session, Refused> {
        self.check(typed, token, now)?;
        let secret = || digits().map_err(|_| Refused::NoChance);
        let session = Session { id: secret()?, form: secret()?, used: now };
        if self.list.len() == MOST_SESSIONS {
            self.list.remove(0);
        }
        self.list.push(session.clone());
        Ok(session)
    }

    /// The session of this id.
    pub(super) fn find(&mut self, id: &str, now: Instant) -> Option<Session> {
        self.list.retain(|session| now.saturating_duration_since(session.used) < IDLE);
        let place = self.list.iter().position(|session| same(&session.id, id))?;
        let session = Session { used: now, ..self.list.remove(place) };
        self.list.push(session.clone());
        Some(session)
    }

    /// Ends it.
    pub(super) fn end(&mut self, id: &str) {
        self.list.retain(|session| !same(&session.id, id));
    }
}

impl Session {
    /// Whether a form is one of this session's pages.
    pub(super) fn has_form(&self, said: &[u8]) -> bool {
        bool::from(self.form.as_bytes().ct_eq(said))
    }
}

fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_takes_longer_and_longer() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(sessions.check(b"wrong", "token", start), Err(Refused::Wrong));
        // Not even the right one is looked at.
        assert_eq!(sessions.check(b"token", "token", start), Err(Refused::TooSoon(2)));
        assert_eq!(sessions.check(b"tokem", "token", start + 2 * second), Err(Refused::Wrong));
        assert_eq!(sessions.check(b"token", "token", start + 3 * second), Err(Refused::TooSoon(2)));
        assert_eq!(sessions.check(b"token", "token", start + 5 * second), Ok(()));
        for round in 1..30_u32 {
            assert_eq!(sessions.check(b"", "token", start + 100 * round * second), Err(Refused::Wrong));
        }
        assert_eq!(sessions.check(b"token", "token", start + 2959 * second), Err(Refused::TooSoon(2)));
        assert_eq!(sessions.check(b"token", "token", start + 2961 * second), Ok(()));
    }

    #[test]
    fn sessions_end() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        let first = sessions.begin(b"token", "token", start).expect("a session");
        assert!(first.id.len() == 32 && first.id != first.form && first.has_form(first.form.as_bytes()));
        assert!(!first.has_form(b"") && !first.has_form(first.id.as_bytes()));
        assert!(sessions.find(&first.id, start + IDLE / 2).is_some());
        assert!(sessions.find(&first.id, start + IDLE).is_some(), "it was used");
        assert!(sessions.find(&first.id, start + 3 * IDLE).is_none());
        let ids: Vec<String> =
            (0..=MOST_SESSIONS).map(|_| sessions.begin(b"token", "token", start).expect("a session").id).collect();
        assert!(sessions.find(&ids[0], start).is_none() && sessions.find(&ids[1], start).is_some());
        sessions.end(&ids[1]);
        assert!(sessions.find(&ids[1], start).is_none() && sessions.find("", start).is_none());
    }
}
