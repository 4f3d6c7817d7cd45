//! The time of the network (SNTP, RFC 5905), for boxes whose clock forgets it and that have nobody else to ask.
//!
//! A datagram to each server and one back. What servers say is not authenticated: it is taken when most of those that answered
//! agree, and never when it lies before a time that this box has already seen ([`sane_from`](crate::clock::sane_from)).

use std::{
    io,
    net::{ToSocketAddrs, UdpSocket},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, Timespec, clock_settime};

use crate::{clock, random};

/// Asked where nobody says whom to ask.
pub const USUAL: [&str; 4] = ["0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org", "3.pool.ntp.org"];

/// How the clock was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Right, or nearly: so much is left as it is.
    Right {
        /// So many milliseconds the servers are ahead of it.
        ahead: i64,
    },
    /// It was wrong, and is set.
    Set {
        /// So many milliseconds the servers were ahead of it.
        ahead: i64,
    },
}

const PORT: u16 = 123;
const PATIENCE: Duration = Duration::from_secs(3);
const MESSAGE_BYTES: usize = 48;
/// From 1900, where the protocol counts from, to 1970.
const SECONDS_BEFORE_1970: i64 = 2_208_988_800;
/// In milliseconds: what is nearer than that is not worth a jump.
const TOLERANCE: i64 = 500;
/// Servers that differ by less agree.
const AGREEMENT: i64 = 2_000;

/// Asks `servers` (`host` or `host:port`), and sets the clock where it is wrong. `newest_known` is the newest time this box knows of.
pub fn set_clock(servers: &[String], newest_known: i64) -> Result<Found, String> {
    let mut answers: Vec<i64> = Vec::new();
    let mut reasons = Vec::new();
    for server in servers {
        match ask(server) {
            Ok(ahead) => answers.push(ahead),
            Err(reason) => reasons.push(format!("{server}: {reason}")),
        }
    }
    if answers.is_empty() {
        return Err(reasons.join("; "));
    }
    let ahead = agreed(&mut answers).ok_or("the time servers contradict each other")?;
    let now = since_1970()? + ahead;
    if now / 1000 < clock::sane_from(newest_known) {
        return Err(format!("the time servers say {}, which is over already", clock::iso(now / 1000)));
    }
    if ahead.abs() < TOLERANCE {
        return Ok(Found::Right { ahead });
    }
    let time = Timespec { tv_sec: now / 1000, tv_nsec: now % 1000 * 1_000_000 };
    clock_settime(ClockId::Realtime, time).map_err(|error| format!("the clock cannot be set: {error}"))?;
    Ok(Found::Set { ahead })
}

/// What more than half of the answers say, within a tolerance.
fn agreed(answers: &mut [i64]) -> Option<i64> {
    answers.sort_unstable();
    let middle = *answers.get(answers.len() / 2)?;
    let agreeing = answers.iter().filter(|answer| answer.abs_diff(middle) < AGREEMENT as u64).count();
    (2 * agreeing > answers.len()).then_some(middle)
}

fn ask(server: &str) -> Result<i64, String> {
    let with_port = if server.contains(':') { server.to_owned() } else { format!("{server}:{PORT}") };
    let mut addresses = with_port.to_socket_addrs().map_err(|_| "its name is not known".to_owned())?;
    let address = addresses.next().ok_or("its name has no address")?;
    let anywhere = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let exchange = |question: &[u8; MESSAGE_BYTES]| -> io::Result<(Vec<u8>, Duration)> {
        let socket = UdpSocket::bind(anywhere)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        // From now on only it is heard.
        socket.connect(address)?;
        let sent = Instant::now();
        socket.send(question)?;
        let mut answer = vec![0; MESSAGE_BYTES];
        let length = socket.recv(&mut answer)?;
        answer.truncate(length);
        Ok((answer, sent.elapsed()))
    };
    let question = question()?;
    let (answer, took) = exchange(&question).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer".to_owned(),
        kind => kind.to_string(),
    })?;
    let said = time_of_answer(&question, &answer).ok_or("its answer makes no sense")?;
    let took = i64::try_from(took.as_millis()).map_err(|_| "no answer")?;
    // The way back is taken to be half of the way.
    Ok(said + took / 2 - since_1970()?)
}

/// Version 4, a client; where its own time would stand, a number that nobody can guess.
fn question() -> Result<[u8; MESSAGE_BYTES], String> {
    let mut question = [0; MESSAGE_BYTES];
    question[0] = 0x23;
    question[40..].copy_from_slice(&random::bytes::<8>().map_err(|_| "there is no randomness")?);
    Ok(question)
}

/// Milliseconds since 1970; `None` where it is no answer to this question, or the server's clock is not set itself.
fn time_of_answer(question: &[u8; MESSAGE_BYTES], answer: &[u8]) -> Option<i64> {
    let answer: &[u8; MESSAGE_BYTES] = answer.try_into().ok()?;
    let (warning, mode, stratum) = (answer[0] >> 6, answer[0] & 7, answer[1]);
    if warning == 3 || mode != 4 || !(1..16).contains(&stratum) || answer[24..32] != question[40..] {
        return None;
    }
    let part = |start: usize| answer[start..start + 4].try_into().map(u32::from_be_bytes).ok();
    let (seconds, fraction) = (i64::from(part(40)?), i64::from(part(44)?));
    // The count of seconds starts anew in 2036; this program is younger than the half of it that lies before.
    let seconds = if seconds < 1 << 31 { seconds + (1 << 32) } else { seconds };
    Some((seconds - SECONDS_BEFORE_1970) * 1000 + ((fraction * 1000) >> 32))
}

fn since_1970() -> Result<i64, String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).map_err(|_| "the clock cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn answer(question: &[u8], seconds: u32) -> Vec<u8> {
        let mut answer = vec![0; MESSAGE_BYTES];
        (answer[0], answer[1]) = (0x24, 2);
        answer[24..32].copy_from_slice(&question[40..48]);
        answer[40..44].copy_from_slice(&seconds.to_be_bytes());
        answer[44] = 0x80;
        answer
    }

    #[test]
    fn answers_are_believed_when_they_are_ours() {
        let question = question().expect("a question");
        assert_ne!(question, super::question().expect("another"));
        let good = answer(&question, 3_976_214_400);
        assert_eq!(time_of_answer(&question, &good), Some(1_767_225_600_500));
        // Beyond 2036.
        assert_eq!(time_of_answer(&question, &answer(&question, 0)), Some(2_085_978_496_500));
        for (place, value) in [(0, 0xe4), (0, 0x23), (1, 0), (1, 16), (24, !question[40]), (31, !question[47])] {
            let mut wrong = good.clone();
            wrong[place] = value;
            assert_eq!(time_of_answer(&question, &wrong), None, "{place}");
        }
        assert_eq!(time_of_answer(&question, &good[..47]), None);
    }

    #[test]
    fn most_of_them_are_right() {
        assert_eq!(agreed(&mut []), None);
        assert_eq!(agreed(&mut [70]), Some(70));
        assert_eq!(agreed(&mut [70, 900_000]), None);
        assert_eq!(agreed(&mut [900_000, 70, 90]), Some(90));
        assert_eq!(agreed(&mut [-900_000, 70, 90, 900_000]), None);
    }

    #[test]
    fn a_server_is_asked_and_a_time_that_is_over_is_not_taken() {
        let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let name = server.local_addr().expect("an address").to_string();
        let serve = |seconds: u32| {
            let server = server.try_clone().expect("a socket");
            thread::spawn(move || {
                let mut question = [0; 64];
                let (length, client) = server.recv_from(&mut question).expect("a question");
                server.send_to(&answer(&question[..length], seconds), client).expect("sent");
            })
        };
        let served = serve(3_976_214_400 - 86_400);
        let told = set_clock(std::slice::from_ref(&name), 0).expect_err("a refusal");
        assert!(told.contains("2025-12-31T00:00:00.5Z") || told.contains("2025-12-31T00:00:00Z"), "{told}");
        served.join().expect("served");
        let now = u32::try_from(since_1970().expect("now") / 1000 + SECONDS_BEFORE_1970).expect("before 2036");
        let served = serve(now);
        let ahead = ask(&name).expect("an answer");
        assert!(ahead.abs() < 2000, "{ahead}");
        served.join().expect("served");
        assert_eq!(ask("nobody.invalid"), Err("its name is not known".to_owned()));
    }
}
