//! Objects that were announced: asked for before they are needed, kept until they are fetched.
//!
//! More is asked for than there is room for: the line holds the rest, and so is never idle between two requests.
//!
//! RAM: `most_bytes` of objects, and one object where that is larger; 32 bytes an announced id, of which there are at most
//! [`WANTED_MOST`].

use std::collections::{BTreeMap, HashMap, VecDeque};

use nanoprobe_format::Id;

use super::answer::Answer;

/// Ids that wait to be asked for; more announcements are not heard.
const WANTED_MOST: usize = 4096;
/// Requests under way at most.
const UNDER_WAY_MOST: usize = 1024;
/// What an object is taken to be like before the first one came, in bytes.
const FIRST_GUESS_BYTES: usize = 1 << 20;

/// Announced objects.
pub(super) struct Ahead {
    most_bytes: usize,
    most_requested_bytes: usize,
    wanted: VecDeque<Id>,
    entries: HashMap<Id, Entry>,
    /// Objects that are here, in the order of their requests.
    kept: BTreeMap<u64, Id>,
    kept_bytes: usize,
    under_way: usize,
    order: u64,
    /// Running mean of the sizes of objects.
    guess_bytes: usize,
}

struct Entry {
    order: u64,
    /// How often it was announced.
    uses: u32,
    /// Somebody waits for it.
    is_awaited: bool,
    object: Option<Answer>,
}

/// Where an object is that somebody asks for.
pub(super) enum Place {
    /// Here.
    Here,
    /// On its way.
    UnderWay,
    /// Nobody has asked for it.
    Nowhere,
}

impl Ahead {
    pub(super) fn new(most_bytes: usize, most_requested_bytes: usize) -> Self {
        Self {
            most_bytes,
            most_requested_bytes,
            wanted: VecDeque::new(),
            entries: HashMap::new(),
            kept: BTreeMap::new(),
            kept_bytes: 0,
            under_way: 0,
            order: 0,
            guess_bytes: FIRST_GUESS_BYTES,
        }
    }

    pub(super) fn announce(&mut self, ids: &[Id]) {
        let room = WANTED_MOST.saturating_sub(self.wanted.len());
        self.wanted.extend(ids.iter().take(room));
    }

    /// The next object to ask for, if so much may be under way.
    pub(super) fn next_request(&mut self) -> Option<Id> {
        loop {
            let expected = self.kept_bytes + (self.under_way + 1) * self.guess_bytes;
            let is_first = self.under_way == 0 && self.kept.is_empty();
            if !is_first && (expected > self.most_requested_bytes || self.under_way >= UNDER_WAY_MOST) {
                return None;
            }
            let id = self.wanted.pop_front()?;
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.uses += 1;
                continue;
            }
            self.order += 1;
            self.under_way += 1;
            self.entries.insert(id, Entry { order: self.order, uses: 1, is_awaited: false, object: None });
            return Some(id);
        }
    }

    /// Where `id` is; one that is only announced is no longer: whoever asks sends the request.
    pub(super) fn place(&mut self, id: &Id) -> Place {
        match self.entries.get_mut(id) {
            Some(Entry { object: Some(_), .. }) => Place::Here,
            Some(entry) => {
                entry.is_awaited = true;
                Place::UnderWay
            }
            None => {
                // Usually it is the first one.
                if let Some(place) = self.wanted.iter().position(|wanted| wanted == id) {
                    self.wanted.remove(place);
                }
                Place::Nowhere
            }
        }
    }

    /// Looks at an object that is here; it goes when it was looked at as often as it was announced.
    pub(super) fn look<T>(&mut self, id: &Id, look: impl FnOnce(&Answer) -> T) -> Option<T> {
        let entry = self.entries.get_mut(id)?;
        let seen = look(entry.object.as_ref()?);
        entry.uses -= 1;
        entry.is_awaited = false;
        if entry.uses == 0 {
            self.forget(id);
        }
        Some(seen)
    }

    /// True when an object that arrives has to wait until others are fetched.
    pub(super) fn is_full_for(&self, id: &Id, answer: &Answer) -> bool {
        let is_awaited = self.entries.get(id).is_some_and(|entry| entry.is_awaited);
        !is_awaited && !self.kept.is_empty() && self.kept_bytes + answer.bytes() > self.most_bytes
    }

    /// Takes an object in. What was asked for long ago makes room for it.
    pub(super) fn arrive(&mut self, id: &Id, answer: Answer) {
        self.under_way = self.under_way.saturating_sub(1);
        self.guess_bytes = (self.guess_bytes * 3 + answer.bytes()) / 4;
        while self.is_full_for(id, &answer)
            && let Some(oldest) = self.kept.first_entry()
        {
            let oldest = *oldest.get();
            self.forget(&oldest);
        }
        let Some(entry) = self.entries.get_mut(id) else { return };
        self.kept_bytes += answer.bytes();
        self.kept.insert(entry.order, *id);
        entry.object = Some(answer);
    }

    /// The server could not give it; whoever asks for it asks again, and is told why.
    pub(super) fn fail(&mut self, id: &Id) {
        self.under_way = self.under_way.saturating_sub(1);
        self.forget(id);
    }

    /// The object changes: what is here is not what it will be.
    pub(super) fn forget(&mut self, id: &Id) {
        let Some(entry) = self.entries.remove(id) else { return };
        if let Some(object) = entry.object {
            self.kept.remove(&entry.order);
            self.kept_bytes -= object.bytes();
        }
    }

    /// The line broke: nothing is here any more, nor on its way, and all that was not fetched is wanted.
    pub(super) fn start_anew(&mut self) {
        let mut asked: Vec<(u64, u32, Id)> =
            self.entries.drain().map(|(id, entry)| (entry.order, entry.uses, id)).collect();
        asked.sort_unstable_by_key(|(order, ..)| *order);
        let asked = asked.into_iter().flat_map(|(_, uses, id)| (0..uses).map(move |_| id));
        let wanted = asked.chain(self.wanted.drain(..)).take(WANTED_MOST).collect();
        *self = Self { wanted, ..Self::new(self.most_bytes, self.most_requested_bytes) };
    }

    /// What waits to be asked for.
    pub(super) fn wanted(&self) -> Vec<Id> {
        self.wanted.iter().copied().collect()
    }
}
