//! Cutting the power at every change of an operation, and letting calls fail.

use std::{collections::BTreeSet, env};

use nanoprobe_key::Mode;
use nanoprobe_operations::{Budget, Error, Session};
use nanoprobe_simulator::{MODELS, Model, Random, Trouble};

use crate::{
    archives::{Archives, fill, read_all, read_what_is_left},
    place::{Place, State},
};

/// How much of an operation may be done when it is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steps {
    /// All or nothing.
    One,
    /// Any archive may be as before or as after.
    Archives,
}

/// An operation that may be interrupted.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) steps: Steps,
    /// What happens to the archives before.
    pub(crate) damage: Option<fn(&Session)>,
    /// Does it, or what is left to be done of it.
    pub(crate) run: fn(&mut Session) -> Result<(), Error>,
    /// Archives that may be there on the way; each must be whole.
    pub(crate) is_temporary: fn(&str) -> bool,
    pub(crate) mode: Mode,
    pub(crate) budget: Budget,
    /// So many changes and calls are tried, unless all are.
    pub(crate) sample: usize,
}

/// Never temporary.
pub(crate) fn no_archive(_: &str) -> bool {
    false
}

struct Case<'a> {
    operation: &'a Operation,
    place: Place,
    start: State,
    before: Archives,
    /// What is found before.
    damage: Vec<String>,
    after: Archives,
}

/// Interrupts an operation everywhere.
pub(crate) fn interrupt_everywhere(operation: &Operation) {
    let (place, disk, mut session) = Place::new(operation.name, operation.mode, operation.budget);
    fill(&mut session);
    if let Some(damage) = operation.damage {
        damage(&session);
    }
    drop(session);
    disk.settle();
    let start = State { disk, local: place.local() };
    let session = place.open(&State { disk: start.disk.copy(), ..start.clone() }).expect("opened");
    let (before, damage) = (read_what_is_left(&session), place.defects(&session));
    assert_eq!((before.0.len(), damage.is_empty()), (5, operation.damage.is_none()), "{damage:?}");
    drop(session);
    let mut case = Case { operation, place, start, before, damage, after: Archives::default() };

    let run = case.start.disk.copy();
    let states = case.place.watch(&run);
    let mut session = case.place.open(&State { disk: run.clone(), ..case.start.clone() }).expect("opened");
    (operation.run)(&mut session).expect("done");
    case.after = read_all(&session).expect("read");
    assert_ne!(case.after, case.before);
    assert_eq!(case.place.defects(&session), Vec::<String>::new());
    drop(session);
    let mut states = std::mem::take(&mut *states.lock().unwrap());
    states.push(State { disk: run.copy(), local: case.place.local() });
    let (changes, distinct, again) = case.cut(&states);
    let (calls, failing) = case.fail(run.calls());
    println!(
        "{}: {distinct} states after a power cut at {changes} changes, {again} of them cut again; \
         {failing} of {calls} calls fail",
        operation.name
    );
}

fn everything() -> bool {
    env::var_os("NANOPROBE_EVERY_CALL").is_some()
}

impl Case<'_> {
    /// Every state of a run, in every model; the numbers of changes, of different states, and of those cut again.
    fn cut(&self, states: &[State]) -> (usize, usize, usize) {
        let (mut seen, mut again) = (BTreeSet::new(), 0);
        let step = if everything() { 1 } else { 1 + states.len() / self.operation.sample };
        let mut random = Random(states.len() as u64);
        let first = random.below(step as u64) as usize;
        let last = states.len() - 1;
        for (number, state) in states.iter().enumerate().filter(|(number, _)| number % step == first || *number == last)
        {
            for model in MODELS {
                let disk = state.disk.after_power_cut(model, &mut random);
                if !seen.insert(disk.digest()) {
                    continue;
                }
                let context = format!("{}, change {number} of {last}, {model:?}", self.operation.name);
                if seen.len().is_multiple_of(if everything() { 4 } else { 20 }) {
                    again += 1;
                    self.cut_again(&State { disk: disk.copy(), local: state.local.clone() }, &mut random, &context);
                }
                self.recover(&State { disk, local: state.local.clone() }, &context);
            }
        }
        (states.len(), seen.len(), again)
    }

    /// The power goes again while the operation is repeated.
    fn cut_again(&self, state: &State, random: &mut Random, context: &str) {
        state.disk.schedule(1 + random.below(300), Trouble::PowerCut);
        let done = self.place.open(state).and_then(|mut session| (self.operation.run)(&mut session));
        let (context, local) = (format!("{context}, again: {done:?}"), self.place.local());
        for model in [Model::Everything, Model::Subset] {
            let disk = state.disk.after_power_cut(model, random);
            self.recover(&State { disk, local: local.clone() }, &context);
        }
    }

    /// Calls fail, one in each run; their number, and how many were tried.
    fn fail(&self, calls: u64) -> (u64, u64) {
        let step = if everything() { 1 } else { 1 + calls / self.operation.sample as u64 };
        let mut failed = 0;
        for call in (1 + Random(calls).below(step)..=calls).step_by(step as usize) {
            // Of a sample, half of the calls say that the disk is full.
            let codes = if everything() { &[5, 28][..] } else { &[[5], [28]][call as usize % 2] };
            for &code in codes {
                let disk = self.start.disk.copy();
                disk.schedule(call, Trouble::Failure(code));
                let state = State { disk, local: self.start.local.clone() };
                let done = self.place.open(&state).and_then(|mut session| (self.operation.run)(&mut session));
                let context = format!("{}, call {call} of {calls}, errno {code}: {done:?}", self.operation.name);
                let local = self.place.local();
                self.recover(&State { disk: state.disk.copy(), local }, &context);
                failed += 1;
            }
        }
        (calls, failed)
    }

    /// Opens what is found, looks at it, and finishes.
    fn recover(&self, state: &State, context: &str) {
        let mut session = self.place.open(state).unwrap_or_else(|error| panic!("{context}: {error}"));
        let found = read_what_is_left(&session);
        self.assert_found(&found, context);
        let expected = if found == self.before { &self.damage[..] } else { &[] };
        assert_eq!(self.place.defects(&session), expected, "{context}");

        (self.operation.run)(&mut session).unwrap_or_else(|error| panic!("{context}, done again: {error}"));
        drop(session);
        let session = self.place.open_here(&state.disk).unwrap_or_else(|error| panic!("{context}: {error}"));
        let found = read_all(&session).unwrap_or_else(|error| panic!("{context}, done again: {error}"));
        assert_eq!(self.lasting(&found), self.after, "{context}, done again");
        assert_eq!(self.place.defects(&session), Vec::<String>::new(), "{context}, done again");
    }

    fn assert_found(&self, found: &Archives, context: &str) {
        let lasting = self.lasting(found);
        match self.operation.steps {
            Steps::One => {
                assert!(
                    lasting == self.before || lasting == self.after,
                    "{context}: neither before nor after: {found:?}"
                );
            }
            Steps::Archives => {
                let names: BTreeSet<&String> =
                    [&self.before, &self.after, &lasting].into_iter().flat_map(|archives| archives.0.keys()).collect();
                for name in names {
                    let is =
                        [&self.before, &self.after].iter().any(|archives| archives.0.get(name) == lasting.0.get(name));
                    assert!(is, "{context}: {name} is neither as before nor as after: {found:?}");
                }
            }
        }
    }

    fn lasting(&self, found: &Archives) -> Archives {
        let lasting = found.0.iter().filter(|(name, _)| !(self.operation.is_temporary)(name));
        Archives(lasting.map(|(name, digest)| (name.clone(), *digest)).collect())
    }
}
