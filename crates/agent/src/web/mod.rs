//! The status page: what `status` says, what ran, and what archives hold, for a browser.
//!
//! A process of its own, so that nothing of it can fail the agent. It is asked by strangers: a request is bounded and doubted
//! ([`request`]), must call this machine by a known name and come from a page of ours ([`gate`]), and shows the token
//! ([`sessions`]). Answers are written here as a whole ([`pages`]), without scripts; what they show of repositories comes from
//! commands of this program, one at a time, and streams by ([`reading`]). The one thing that it changes is a request for a job.
//! Costs 2 MiB, and the command that reads.

mod addresses;
mod answer;
mod gate;
mod html;
mod listing;
mod pages;
mod plot;
mod reading;
mod request;
mod sessions;
mod site;
mod token;

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    thread,
};

use rustix::event::{PollFd, PollFlags, poll};

use self::{answer::Answer, site::Site};
use crate::{
    Error,
    clock::Clock,
    configuration::{self, InUse, in_use},
    state,
};

/// What the page needs.
#[derive(Debug)]
pub struct Web {
    /// Our own executable.
    pub program: PathBuf,
    /// The configuration file.
    pub configuration: PathBuf,
    /// The directory of the state.
    pub state: PathBuf,
    /// Listens there instead of where the configuration says.
    pub listen: Option<SocketAddr>,
    /// The time.
    pub clock: Clock,
    /// Becomes readable, or ends, when it is to end.
    pub stop: OwnedFd,
}

/// Connections at a time: a browser opens six.
const MOST_CONNECTIONS: usize = 8;
const STACK_BYTES: usize = 256 << 10;

impl Web {
    /// Serves until it is stopped; `narrate` is told where.
    pub fn run(&self, narrate: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let InUse { configuration, .. } = in_use(&self.configuration, &state::last_good(&self.state))?;
        let Some(configuration::Web { listen, token_file, names }) = configuration.web else {
            return Err(Error::NoPage(self.configuration.clone()));
        };
        let token = token::read_or_make(&token_file)?;
        let listener = TcpListener::bind(self.listen.unwrap_or(listen))?;
        let address = listener.local_addr()?;
        if token.is_new {
            narrate(&format!("a token was made: it stands in {}", token_file.display()));
        }
        if !address.ip().is_loopback() {
            narrate("it listens beyond this machine, without TLS: whoever reads along sees token and files");
        }
        narrate(&format!("http://{address}/ asks for the token in {}", token_file.display()));
        let site = Arc::new(Site {
            program: self.program.clone(),
            configuration: self.configuration.clone(),
            state: self.state.clone(),
            clock: self.clock.clone(),
            token: token.text,
            names,
            sessions: Default::default(),
            reader: Default::default(),
        });
        self.accept(&listener, &site)
    }

    fn accept(&self, listener: &TcpListener, site: &Arc<Site>) -> Result<(), Error> {
        let open = Arc::new(AtomicUsize::new(0));
        listener.set_nonblocking(true)?;
        loop {
            let mut waited = [PollFd::new(&self.stop, PollFlags::IN), PollFd::new(listener, PollFlags::IN)];
            match poll(&mut waited, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Error::System(error.into())),
            }
            if !waited[0].revents().is_empty() {
                return Ok(());
            }
            // Somebody who went away again, or a system that is short of something: the next one counts.
            let Ok((stream, _)) = listener.accept() else { continue };
            if stream.set_nonblocking(false).is_ok() {
                serve(stream, site, &open);
            }
        }
    }
}

/// Answers in a thread of its own, where there is room for one more.
fn serve(mut stream: TcpStream, site: &Arc<Site>, open: &Arc<AtomicUsize>) {
    if open.fetch_add(1, Ordering::SeqCst) >= MOST_CONNECTIONS {
        open.fetch_sub(1, Ordering::SeqCst);
        let _ = Answer::words(503, "too many at once").send(&mut stream);
        return;
    }
    let (site, counted) = (Arc::clone(site), Arc::clone(open));
    let started = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        site.serve(stream);
        counted.fetch_sub(1, Ordering::SeqCst);
    });
    if started.is_err() {
        open.fetch_sub(1, Ordering::SeqCst);
    }
}
