//! Lines that drop, before and after any message is heard, and what is found on the next one.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use nanoprobe_format::ChunkRef;
use nanoprobe_repository::CompactOptions;

use super::*;

/// The repository at the other end, and what becomes of the lines to it.
#[derive(Default)]
struct Far {
    committed: BTreeMap<[u8; 32], Vec<u8>>,
    free_nonce: Option<u64>,
    key: Vec<u8>,
    is_destroyed: bool,
    /// Methods, as they were heard, on all lines; those that were not done too.
    heard: Vec<String>,
    lines: usize,
    /// Numbers in `heard` of messages at which the line drops, and whether they are done.
    cuts: Vec<(usize, Cut)>,
    /// Answers to the next `open`s but the first: an exception.
    refusals: Vec<(&'static str, &'static str)>,
    /// Called before the second line is answered.
    meanwhile: Option<fn(&mut Far)>,
    id: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Before,
    After,
}

fn exception(number: u64, class: &str, argument: &[u8]) -> Vec<u8> {
    let arguments = [Argument::Raw(argument)];
    let exception = Exception { arguments: List::Slice(&arguments), ..Exception::of_class(class.as_bytes()) };
    let mut bytes = Vec::new();
    let Ok(()) = exception.emit(number, Form::Named, &mut Writer::new(&mut bytes));
    bytes
}

fn unsigned(value: u64) -> Vec<u8> {
    let mut packed = Vec::new();
    let Ok(()) = Writer::new(&mut packed).unsigned(value);
    packed
}

/// One line to it: what is not committed is gone when it ends.
fn serve(far: &Mutex<Far>, requests: PipeReader, responses: PipeWriter) {
    let mut pending = far.lock().unwrap().committed.clone();
    far.lock().unwrap().lines += 1;
    conversation_until(requests, responses, |number, call| {
        let mut far = far.lock().unwrap();
        let far = &mut *far;
        if let Call::Open(open) = call {
            if far.lines > 1 {
                assert!(!open.create && open.exclusive && open.lock);
                far.meanwhile.take().into_iter().for_each(|meanwhile| meanwhile(far));
                pending = far.committed.clone();
                if let Some((class, argument)) = far.refusals.pop() {
                    return Some(exception(number, class, argument.as_bytes()));
                }
            }
            if far.is_destroyed {
                return Some(exception(number, "DoesNotExist", b"/repository"));
            }
            return Some(result(number, &raw(&[far.id; 32])));
        }
        let place = far.heard.len();
        far.heard.push(String::from_utf8_lossy(call.method()).into_owned());
        let cut = far.cuts.iter().find(|(at, _)| *at == place).map(|(_, cut)| *cut);
        if cut == Some(Cut::Before) {
            return None;
        }
        let answer = far.answer(number, call, &mut pending);
        (cut != Some(Cut::After)).then_some(answer)
    });
}

impl Far {
    fn answer(&mut self, number: u64, call: &Call<'_>, pending: &mut BTreeMap<[u8; 32], Vec<u8>>) -> Vec<u8> {
        let missing = |id: &Id| exception(number, "ObjectNotFound", id.to_string().as_bytes());
        match call {
            Call::Get(id) => match pending.get(&id.0) {
                Some(object) => return result(number, &raw(object)),
                None => return missing(id),
            },
            Call::Put(id, object) => drop(pending.insert(id.0, object.to_vec())),
            Call::Delete(id) if pending.remove(&id.0).is_none() => return missing(id),
            Call::Commit { .. } => self.committed = pending.clone(),
            Call::Rollback => *pending = self.committed.clone(),
            Call::Length => return result(number, &unsigned(pending.len() as u64)),
            Call::List { limit, marker } | Call::Scan { limit, marker } => {
                let after = pending.keys().filter(|id| marker.is_none_or(|marker| **id > marker.0));
                let ids: Vec<_> = after.take(limit.unwrap_or(u64::MAX) as usize).collect();
                let mut packed = vec![0xdc, (ids.len() >> 8) as u8, ids.len() as u8];
                ids.iter().for_each(|id| packed.extend(raw(&id[..])));
                return result(number, &packed);
            }
            Call::FreeNonce => return result(number, &self.free_nonce.map_or(vec![0xc0], unsigned)),
            Call::ReserveNonces { next_free, expected } if *expected == self.free_nonce => {
                self.free_nonce = Some(*next_free);
            }
            Call::ReserveNonces { .. } => {
                return exception(number, "Exception", b"nonce space reservation with mismatched previous state");
            }
            Call::SaveKey(blob) => self.key = blob.to_vec(),
            Call::LoadKey => return result(number, &raw(&self.key)),
            Call::Check { .. } => return result(number, &[0xc3]),
            Call::Destroy => self.is_destroyed = true,
            _ => {}
        }
        result(number, &[0xc0])
    }
}

struct World {
    far: Arc<Mutex<Far>>,
    directory: tempfile::TempDir,
    warnings: Arc<Mutex<Vec<String>>>,
    interrupted: Arc<AtomicBool>,
}

impl World {
    fn new(far: Far) -> Self {
        let (warnings, interrupted) = Default::default();
        // Every commit waits for the disk.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self { far: Arc::new(Mutex::new(far)), directory, warnings, interrupted }
    }

    /// With a manifest and a hundred objects.
    fn settled() -> Self {
        let mut committed: BTreeMap<_, _> = (1..=100_u8).map(|id| ([id; 32], vec![id; usize::from(id)])).collect();
        committed.insert(Id::MANIFEST.0, b"manifest 0".to_vec());
        Self::new(Far { committed, free_nonce: Some(1000), ..Far::default() })
    }

    fn cut(self, cuts: &[(usize, Cut)]) -> Self {
        self.far().cuts = cuts.to_vec();
        self
    }

    /// Drops the line at the first message of this name.
    fn cut_at(self, method: &str, cut: Cut, work: impl Fn(&dyn Repository)) -> Self {
        let twin = Self::settled();
        work(&twin.open(3));
        let place = twin.far().heard.iter().position(|heard| heard == method).unwrap();
        self.cut(&[(place, cut)])
    }

    fn far(&self) -> std::sync::MutexGuard<'_, Far> {
        self.far.lock().unwrap()
    }

    fn open_with(&self, options: OpenOptions) -> RemoteRepository {
        let far = Arc::clone(&self.far);
        let scripted = Scripted(move |requests, responses| serve(&far, requests, responses));
        RemoteRepository::open(Arc::new(scripted), options).unwrap()
    }

    fn options(&self, attempts: u32) -> OpenOptions {
        let (warnings, interrupted) = (Arc::clone(&self.warnings), Arc::clone(&self.interrupted));
        let retries = Retries {
            attempts,
            pause: Duration::from_millis(1),
            is_interrupted: Arc::new(move || interrupted.load(Ordering::Relaxed)),
            warn: Arc::new(move |warning| warnings.lock().unwrap().push(warning.to_owned())),
        };
        OpenOptions { retries, ..options(&self.directory) }
    }

    fn open(&self, attempts: u32) -> RemoteRepository {
        self.open_with(self.options(attempts))
    }

    fn lines_and_objects(&self) -> (usize, usize) {
        let far = self.far();
        (far.lines, far.committed.len())
    }

    fn heard(&self, method: &str) -> usize {
        self.far().heard.iter().filter(|heard| *heard == method).count()
    }
}

fn id(number: u8) -> Id {
    Id([number; 32])
}

fn object(repository: &dyn Repository, number: u8) -> Option<Vec<u8>> {
    let mut object = Vec::new();
    match repository.get(&id(number), &mut object) {
        Ok(()) => Some(object),
        Err(error) => {
            assert!(error.is_not_found(), "{error}");
            None
        }
    }
}

/// As whoever seals does.
fn reserve(repository: &dyn Repository, taken: &mut Vec<u64>) {
    loop {
        let free = repository.free_nonce().unwrap();
        let start = free.into_iter().chain(taken.last().copied()).max().unwrap_or(0);
        taken.push(start + 100);
        match repository.reserve_nonces(free, start + 100) {
            Ok(()) => return,
            Err(error) => assert!(matches!(error, RepositoryError::ReservationLost), "{error}"),
        }
    }
}

fn put_manifest(repository: &dyn Repository, number: u8) {
    repository.put(&Id::MANIFEST, format!("manifest {number}").as_bytes()).unwrap();
}

/// Some of everything that operations do, with what they must see. Gives the ends of what was reserved.
fn live(repository: &dyn Repository) -> Vec<u64> {
    let mut reserved = Vec::new();
    let mut manifest = Vec::new();
    repository.get(&Id::MANIFEST, &mut manifest).unwrap();
    assert_eq!(manifest, b"manifest 0");
    assert_eq!(repository.key_blob().unwrap(), b"");
    repository.set_key_blob(b"key").unwrap();
    reserve(repository, &mut reserved);
    // Blind, before anything is known.
    repository.delete(&id(1)).unwrap();
    assert!(repository.delete(&id(1)).is_err_and(|error| error.is_not_found()));
    assert_eq!(repository.stored_bytes(&id(2)).unwrap(), Some(0));
    repository.learn(&ChunkRef { id: id(2), size: 9, csize: 2 }).unwrap();
    assert_eq!(repository.stored_bytes(&id(200)).unwrap(), None);
    (110..130).for_each(|number| repository.put(&id(number), &vec![number; 5000]).unwrap());
    (2..10).for_each(|number| repository.delete(&id(number)).unwrap());
    repository.delete(&id(110)).unwrap();
    assert_eq!(object(repository, 111), Some(vec![111; 5000]));
    assert_eq!(object(repository, 110), None);
    put_manifest(repository, 1);
    repository.commit().unwrap();
    repository.put(&id(150), b"never").unwrap();
    repository.delete(&id(10)).unwrap();
    reserve(repository, &mut reserved);
    repository.rollback().unwrap();
    assert_eq!((object(repository, 150), object(repository, 10)), (None, Some(vec![10; 10])));
    repository.preload(&(20..60).map(id).collect::<Vec<_>>());
    for number in [20, 21, 23, 22, 40, 59, 3, 150] {
        let there = (20..60).contains(&number);
        assert_eq!(object(repository, number), there.then(|| vec![number; usize::from(number)]));
    }
    repository.put(&id(151), b"new").unwrap();
    repository.put(&id(20), b"replaced").unwrap();
    repository.delete(&id(21)).unwrap();
    let mut ids = Vec::new();
    while let Ok(()) = repository.list(ids.last().copied().as_ref(), 30, &mut ids) {
        if ids.len() == 111 {
            break;
        }
    }
    assert!(ids.contains(&id(151)) && !ids.contains(&id(21)));
    put_manifest(repository, 2);
    repository.commit().unwrap();
    // The manifest does not tell whether this one happened.
    repository.delete(&id(30)).unwrap();
    repository.put(&id(31), b"31").unwrap();
    repository.delete(&id(31)).unwrap();
    repository.put(&id(152), b"152").unwrap();
    repository.commit().unwrap();
    repository.compact(&CompactOptions::default(), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    let totals = repository.totals().unwrap();
    assert_eq!(totals.objects, 110);
    assert_eq!(repository.unknown_sizes().unwrap(), 82, "those that nobody read or put");
    reserved
}

/// What `live` leaves when nothing drops.
fn lived() -> (Vec<String>, BTreeMap<[u8; 32], Vec<u8>>) {
    let world = World::settled();
    live(&world.open(0));
    let far = world.far();
    assert_eq!(far.lines, 1);
    (far.heard.clone(), far.committed.clone())
}

/// Wherever the line drops, nothing shows: not in what operations see, not in the repository, not in the roster.
#[test]
fn a_line_may_drop_at_any_message() {
    let (heard, expected) = lived();
    let survives = |cuts: &[(usize, Cut)]| {
        let world = World::settled().cut(cuts);
        let reserved = live(&world.open(3));
        assert!(reserved.is_sorted(), "{cuts:?}: {reserved:?}");
        let context = || format!("{cuts:?}: {:?}", heard.get(cuts[0].0));
        assert_eq!(world.far().free_nonce.as_ref(), reserved.last(), "{}", context());
        assert!(world.far().committed == expected, "{}", context());
        let lines = world.far().lines;
        assert!(lines == 1 + cuts.len() || (cuts.len() > 1 && lines == 2), "{}", context());
        // The roster is believed by the next run, and right.
        let lists = world.heard("list");
        let repository = world.open(0);
        for (id, object) in &expected {
            let bytes = repository.stored_bytes(&Id(*id)).unwrap();
            assert!(bytes == Some(0) || bytes == Some(object.len() as u32), "{}", context());
        }
        assert_eq!(repository.totals().unwrap().objects, expected.len() as u64);
        drop(repository);
        assert_eq!(world.heard("list"), lists, "{}", context());
    };
    for place in 0..heard.len() {
        survives(&[(place, Cut::Before)]);
        survives(&[(place, Cut::After)]);
    }
    // Twice, also on the line that is to make good for the first.
    for place in (0..heard.len()).step_by(5) {
        for next in [1, 2, 5, 17] {
            let cuts = [(place, Cut::After), (place + next, if next % 2 == 0 { Cut::Before } else { Cut::After })];
            survives(&cuts);
        }
    }
}

/// Neither guessed to have happened nor done twice.
#[test]
fn a_lost_answer_to_a_commit() {
    let work = |repository: &dyn Repository| {
        (150..160).for_each(|number| repository.put(&id(number), &[number; 100]).unwrap());
        put_manifest(repository, 1);
        repository.commit().unwrap();
    };
    for (cut, commits, puts) in [(Cut::Before, 2, 22), (Cut::After, 1, 11)] {
        let world = World::settled().cut_at("commit", cut, work);
        work(&world.open(3));
        assert_eq!((world.heard("commit"), world.heard("put")), (commits, puts));
        assert_eq!(world.far().committed.len(), 111);
        let warnings = world.warnings.lock().unwrap();
        let told =
            "Connection to the server lost (Connection closed by remote host), trying again in 1 s (attempt 1 of 3).";
        assert_eq!(*warnings, [told]);
    }
}

fn told(world: &World, work: impl Fn(&dyn Repository) -> Result<(), RepositoryError>) -> RepositoryError {
    let repository = world.open(3);
    let error = work(&repository).unwrap_err();
    // It stays so.
    assert_eq!(repository.get(&id(50), &mut Vec::new()).unwrap_err().to_string(), error.to_string());
    error
}

/// Somebody else was there: what is theirs is not touched.
#[test]
fn who_finds_another_state_sends_nothing() {
    let change = |repository: &dyn Repository| {
        repository.put(&id(150), b"mine")?;
        repository.put(&Id::MANIFEST, b"manifest 1")?;
        repository.commit()
    };
    let cases: [(fn(&mut Far), &str); 6] = [
        (|far| drop(far.committed.insert(Id::MANIFEST.0, b"theirs".to_vec())), "it had been changed by somebody else"),
        (|far| drop(far.committed.remove(&Id::MANIFEST.0)), "it had been changed by somebody else"),
        (
            |far| {
                drop(
                    far.committed
                        .insert([99; 31].iter().copied().chain([1]).collect::<Vec<_>>().try_into().unwrap(), vec![]),
                )
            },
            "it had been changed by somebody else",
        ),
        (|far| drop(far.committed.remove(&[7; 32])), "it had been changed by somebody else"),
        (|far| far.id = 8, "another repository was at its place"),
        (|far| far.free_nonce = Some(1099), "it had returned to an older state"),
    ];
    for (meanwhile, words) in cases {
        for method in ["put", "commit"] {
            let world = World::settled().cut_at(method, Cut::Before, |repository| change(repository).unwrap());
            world.far().cuts[0].0 += 2; // of `free` and `reserve`
            world.far().meanwhile = Some(meanwhile);
            let error = told(&world, |repository| {
                reserve(repository, &mut Vec::new());
                change(repository)
            });
            assert!(error.to_string().contains(words), "{method}: {error}");
            assert_eq!((error.name(), error.exit_code()), ("ConnectionClosed", 80));
            assert!(!world.far().committed.values().any(|object| object == b"mine"), "{method}");
            assert_eq!(world.far().lines, 2);
        }
    }
}

/// The server of the line before may take its time; other refusals are final.
#[test]
fn the_lock_is_waited_for() {
    let work =
        |repository: &dyn Repository| repository.put(&id(150), b"150").and_then(|()| repository.commit()).unwrap();
    let world = World::settled().cut_at("commit", Cut::Before, work);
    world.far().refusals = vec![("LockTimeout", "/repository/lock"); 2];
    work(&world.open(3));
    assert_eq!(world.lines_and_objects(), (4, 102));
    let warnings = world.warnings.lock().unwrap().clone();
    assert!(
        warnings[2].contains("(Failed to create/acquire the lock /repository/lock (timeout)), trying"),
        "{warnings:?}"
    );
    let world = World::settled().cut(&[(0, Cut::Before)]);
    world.far().refusals = vec![("PathNotAllowed", "/repository")];
    let error = told(&world, |repository| repository.free_nonce().map(drop));
    assert_eq!((world.far().lines, error.exit_code()), (2, 83));
}

#[test]
fn attempts_are_counted() {
    let always: Vec<_> = (0..1000).map(|place| (place, Cut::Before)).collect();
    for attempts in [0, 1, 4] {
        let world = World::settled().cut(&always);
        let repository = world.open(attempts);
        let error = repository.free_nonce().unwrap_err();
        assert_eq!((error.name(), error.exit_code()), ("ConnectionClosed", 80));
        assert_eq!(error.to_string(), "Connection closed by remote host.");
        assert_eq!(world.far().lines, 1 + attempts as usize);
        assert_eq!(world.warnings.lock().unwrap().len(), attempts as usize);
    }
    // They count anew after a commit.
    let world = World::settled();
    let repository = world.open(2);
    for round in 0..10 {
        let place = world.far().heard.len();
        world.far().cuts = vec![(place, Cut::After), (place + 2, Cut::Before)];
        repository.put(&id(150 + round), b"object").unwrap();
        repository.commit().unwrap();
    }
    assert_eq!(world.lines_and_objects(), (21, 111));
}

#[test]
fn whoever_is_interrupted_waits_no_longer() {
    let world = World::settled().cut(&[(0, Cut::Before)]);
    let mut options = world.options(3);
    options.retries.pause = Duration::from_secs(60);
    let repository = world.open_with(options);
    let begun = Instant::now();
    let interrupted = Arc::clone(&world.interrupted);
    let timer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        interrupted.store(true, Ordering::Relaxed);
    });
    assert!(matches!(repository.free_nonce(), Err(RepositoryError::Interrupted)));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(repository.rollback().is_err());
    timer.join().unwrap();
}

/// More than the journal holds: it asks for a commit first, and is of use again afterwards.
#[test]
fn what_cannot_be_sent_again_ends_with_the_line() {
    let world = World::settled();
    let repository = world.open(3);
    let fill = |objects: u8| {
        assert!(!repository.wants_commit());
        (0..objects).for_each(|number| repository.put(&id(150 + number), &vec![number; 100_000]).unwrap());
        assert!(repository.wants_commit());
    };
    fill(9);
    repository.commit().unwrap();
    fill(11);
    repository.commit().unwrap();
    fill(8);
    let place = world.far().heard.len();
    world.far().cuts = vec![(place + 3, Cut::Before)];
    repository.commit().unwrap();
    fill(11);
    let place = world.far().heard.len();
    world.far().cuts = vec![(place, Cut::Before)];
    let error = repository.commit().unwrap_err();
    assert_eq!((error.exit_code(), world.far().committed.len()), (80, 112));
}

#[test]
fn destroyed_is_destroyed() {
    for cut in [Cut::Before, Cut::After] {
        let world = World::settled().cut(&[(0, cut)]);
        world.far().refusals = vec![("InvalidRepository", "/repository")];
        world.open(3).destroy().unwrap();
        assert!(world.far().is_destroyed);
    }
}

/// Several threads read at once what was announced, over lines that drop again and again.
#[test]
fn all_who_read_go_on() {
    let world = World::settled();
    world.far().cuts = (0..3000).step_by(37).map(|place| (place, Cut::Before)).collect();
    let mut options = world.options(100);
    options.retries.pause = Duration::ZERO;
    let repository = world.open_with(options);
    let ids: Vec<Id> = (1..=100).map(id).collect();
    for _ in 0..5 {
        repository.preload(&ids);
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                        assert_eq!(object(&repository, id.0[0]), Some(vec![id.0[0]; usize::from(id.0[0])]));
                    }
                });
            }
        });
    }
    assert!(world.far().lines > 10);
}
