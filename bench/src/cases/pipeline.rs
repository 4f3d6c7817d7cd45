//! chunk → id → compress → encrypt: the ceiling of new data, before the disk and the network.
//!
//! One stream goes round and round. As in `create`, one thread at a time cuts it, and whoever has cut a chunk does the rest
//! alone; and a chunk is named while the object of the one before it is authenticated.

use std::{
    hint::black_box,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use nanoprobe_chunker::{BuzhashForm, Chunker};
use nanoprobe_compress::Compressor;
use nanoprobe_cpu::Form;
use nanoprobe_crypto::{Aes256Ctr, Aes256CtrForm, Blake2bForm, HmacSha256, PrefixedBlake2b, Sha256Form, crc32};
use nanoprobe_key::recommend::Family;

use super::{
    chunkers::{DEFAULT, SEED, parameters},
    compressors::{compressor, of},
    forms::{last, slower},
};
use crate::{
    case::{Case, Data, Done, Group, Pass, Threads},
    chunks::next_chunk,
    inputs::{NOISE_BYTES, TEXT_BYTES},
};

/// From the quickest to the strongest.
pub(crate) const COMPRESSIONS: [&str; 6] = ["none", "lz4", "zstd,1", "zstd,3", "zstd,6", STRONGEST];

const STRONGEST: &str = "zstd,10";

/// How the report and the list call a pipeline.
pub(crate) fn name(family: Family, compression: &str) -> String {
    format!("{} {compression}", family.mode(nanoprobe_key::Storage::Repository).name())
}

pub(super) fn add(cases: &mut Vec<Case>) {
    let used = Forms::chosen();
    for threads in [Threads::EachCore, Threads::One] {
        for family in [Family::Sha256, Family::Blake2b] {
            for compression in COMPRESSIONS {
                // Its codec leaves room for one worker, in `create` too.
                if compression != STRONGEST || threads == Threads::One {
                    cases.push(case(family, compression, Data::Text, threads, used));
                }
            }
            for compression in ["none", "lz4", "zstd,3"] {
                cases.push(case(family, compression, Data::Noise, threads, used));
            }
        }
    }
    for family in [Family::Sha256, Family::Blake2b] {
        for (form, forms) in used.others(family) {
            cases.push(case(family, "none", Data::Noise, Threads::One, forms).form(form, false));
        }
    }
}

fn case(family: Family, compression: &'static str, data: Data, threads: Threads, forms: Forms) -> Case {
    let bytes = match data {
        Data::Noise => NOISE_BYTES,
        Data::Text => TEXT_BYTES,
    };
    let stream = OnceLock::new();
    let case = Case::new(Group::Pipeline, name(family, compression), bytes, move || {
        let stream = stream.get_or_init(|| Arc::new(Mutex::new(RoundStream::new(of(data, bytes), forms.chunker))));
        let mut worker = Worker::new(Arc::clone(stream), family, compression, forms);
        Pass::telling(move || worker.run(bytes))
    });
    case.threads(threads).data(data)
}

/// The implementation of each stage.
#[derive(Clone, Copy)]
struct Forms {
    chunker: BuzhashForm,
    sha256: Sha256Form,
    blake2b: Blake2bForm,
    cipher: Aes256CtrForm,
}

impl Forms {
    /// Those in use.
    fn chosen() -> Self {
        Self { chunker: Form::chosen(), sha256: Form::chosen(), blake2b: Form::chosen(), cipher: Form::chosen() }
    }

    /// Those in use but for one stage: what each form is worth to the whole. And those that need nothing of the processor.
    fn others(self, family: Family) -> Vec<(String, Self)> {
        let named = |stage, form: &str| format!("{stage} {form}");
        let mut others = Vec::new();
        others
            .extend(slower().map(|form: BuzhashForm| (named("buzhash", form.name()), Self { chunker: form, ..self })));
        match family {
            Family::Sha256 => {
                others.extend(
                    slower().map(|form: Sha256Form| (named("sha256", form.name()), Self { sha256: form, ..self })),
                );
            }
            Family::Blake2b => {
                let forms =
                    slower().map(|form: Blake2bForm| (named("blake2b", form.name()), Self { blake2b: form, ..self }));
                others.extend(forms);
            }
        }
        others.extend(slower().map(|form: Aes256CtrForm| (named("aes", form.name()), Self { cipher: form, ..self })));
        if !others.is_empty() {
            let baseline = Self { chunker: last(), sha256: last(), blake2b: last(), cipher: last() };
            others.push(("baseline".to_owned(), baseline));
        }
        others
    }
}

/// A stream that begins again where it ends, and what cuts it.
struct RoundStream {
    chunker: Chunker,
    data: &'static [u8],
    rest: &'static [u8],
}

impl RoundStream {
    fn new(data: &'static [u8], form: BuzhashForm) -> Self {
        Self { chunker: Chunker::with_form(parameters(DEFAULT), SEED, None, form), data, rest: &[] }
    }

    fn next_chunk(&mut self) -> &'static [u8] {
        loop {
            if let Some(chunk) = next_chunk(&mut self.chunker, &mut self.rest) {
                return chunk;
            }
            self.chunker.start();
            self.rest = black_box(self.data);
        }
    }
}

/// What a worker owns, and its share in the stream.
struct Worker {
    stream: Arc<Mutex<RoundStream>>,
    hash: Hash,
    compressor: Compressor,
    cipher: Aes256Ctr,
    counter: u64,
    /// The object that is encrypted and waits for its MAC.
    object: Vec<u8>,
}

enum Hash {
    Sha256(HmacSha256),
    Blake2b(PrefixedBlake2b),
}

/// Type, MAC and IV.
const ENVELOPE_BYTES: usize = 1 + 32 + 8;
const MAC_END: usize = 33;

impl Worker {
    fn new(stream: Arc<Mutex<RoundStream>>, family: Family, compression: &str, forms: Forms) -> Self {
        let hash = match family {
            Family::Sha256 => Hash::Sha256(HmacSha256::with(forms.sha256, &[1; 32])),
            Family::Blake2b => Hash::Blake2b(PrefixedBlake2b::with(forms.blake2b, &[1; 128])),
        };
        let cipher = Aes256Ctr::with(forms.cipher, &[2; 32]);
        Self { stream, hash, compressor: compressor(compression), cipher, counter: 0, object: vec![3; ENVELOPE_BYTES] }
    }

    /// As many chunks as make the stream's length, which one worker has in whole rounds.
    fn run(&mut self, bytes: usize) -> Done {
        let mut done = Done { bytes: 0, stored_bytes: Some(0) };
        let mut crc = 0;
        while done.bytes < bytes {
            let chunk = self.stream.lock().unwrap_or_else(PoisonError::into_inner).next_chunk();
            let id = self.name_and_authenticate(chunk);
            crc = crc32(crc32(crc, &id), &self.object);
            self.object.truncate(ENVELOPE_BYTES);
            self.compressor.compress(chunk, &mut self.object).expect("compresses");
            let (head, body) = self.object.split_at_mut(ENVELOPE_BYTES);
            self.cipher.apply(self.counter, body);
            self.counter += body.len().div_ceil(16) as u64;
            head[MAC_END..].copy_from_slice(&self.counter.to_be_bytes());
            done.bytes += chunk.len();
            done.stored_bytes = done.stored_bytes.map(|bytes| bytes + self.object.len());
        }
        black_box(crc);
        done
    }

    /// The id of `chunk`; the object before it gets its MAC.
    fn name_and_authenticate(&mut self, chunk: &[u8]) -> [u8; 32] {
        let (head, authenticated) = self.object.split_at(MAC_END);
        debug_assert_eq!(head.len(), MAC_END);
        let mut digests = [[0; 32]; 2];
        let messages = [[chunk], [authenticated]].into_iter().zip(&mut digests);
        match &self.hash {
            Hash::Sha256(hmac) => {
                HmacSha256::authenticate_each(messages.map(|(parts, digest)| (hmac, parts, digest)));
            }
            Hash::Blake2b(blake2b) => {
                PrefixedBlake2b::digest_each(messages.map(|(parts, digest)| (blake2b, parts, digest)));
            }
        }
        self.object[1..MAC_END].copy_from_slice(&digests[1]);
        digests[0]
    }
}
