//! Ours beside the fastest libraries, on the same data, in turns: the best crates here, and the OpenSSL that is installed, by
//! its own `speed`. And what a second processor brings to the whole. Each figure has its goal beside it.
//!
//!     cargo run --release -p nanoprobe-bench --example libraries [ROUNDS]
//!
//! Medians of the rounds, CPU time of one thread; the wall's clock where two threads work.

use std::{env, hint::black_box, process::Command, time::Duration};

use aes::cipher::{KeyIvInit, StreamCipher};
use blake2::digest::consts::U32;
use nanoprobe_bench::{
    case::{Case, Data, Group, Pass, Threads},
    cases, inputs, sampler,
};
use sha2::Digest;

/// Of each contestant in a round.
const TIME: Duration = Duration::from_millis(300);

/// What ours should reach of the fastest other.
const GOAL: f64 = 0.95;

/// What two threads should reach of one.
const SECOND_GOAL: f64 = 1.7;

enum Rival {
    Here(Case),
    /// What `openssl speed -evp` calls it.
    OpenSsl(&'static str),
}

struct Contest {
    ours: Case,
    rivals: Vec<(&'static str, Rival)>,
}

fn main() {
    let rounds = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    println!("| | size | ours, MB/s | others, MB/s | ratio to the fastest | goal |\n|---|--:|--:|---|--:|--:|");
    for bytes in [16 << 10, 1 << 20] {
        for contest in [sha256(bytes), blake2b(bytes), several_blake2b(bytes), aes256_ctr(bytes)] {
            contest.run(rounds);
        }
    }
    fastcdc().run(rounds);
    println!("\n| whole pipeline | 1 thread, MB/s | {} threads | ratio | goal for two |", sampler::cores());
    println!("|---|--:|--:|--:|--:|");
    for (name, data) in
        [("repokey none", Data::Noise), ("repokey-blake2 none", Data::Noise), ("repokey-blake2 zstd,3", Data::Text)]
    {
        second_thread(name, data, rounds);
    }
}

impl Contest {
    fn run(&self, rounds: usize) {
        let mut ours = Vec::new();
        let mut others = vec![Vec::new(); self.rivals.len()];
        for _ in 0..rounds {
            ours.push(sampler::measure(&self.ours, TIME).megabytes_per_second());
            for ((_, rival), rates) in self.rivals.iter().zip(&mut others) {
                rates.extend(match rival {
                    Rival::Here(case) => Some(sampler::measure(case, TIME).megabytes_per_second()),
                    Rival::OpenSsl(name) => openssl(name, self.ours.bytes),
                });
            }
        }
        let ours = median(ours);
        let others: Vec<_> = others.into_iter().map(median).collect();
        let fastest = others.iter().copied().fold(0.0, f64::max);
        let told = self.rivals.iter().zip(&others).map(|((name, _), rate)| format!("{name} {rate:.0}"));
        let told = told.collect::<Vec<_>>().join(", ");
        let (name, ratio) = (self.ours.label(), ours / fastest);
        let size = nanoprobe_bench::case::Size(self.ours.bytes);
        println!("| {name} | {size} | {ours:.0} | {told} | {ratio:.2}{} | {GOAL} |", verdict(ratio, GOAL));
    }
}

fn verdict(ratio: f64, goal: f64) -> String {
    if ratio >= goal { String::new() } else { format!(" (short by {:.2})", goal - ratio) }
}

/// The one in use here.
fn ours(group: Group, name: &str, bytes: usize) -> Case {
    let wanted = |case: &Case| case.group == group && case.name == name && case.bytes == bytes && case.chosen;
    cases::all().into_iter().find(wanted).unwrap_or_else(|| panic!("no case {group}/{name}/{bytes}"))
}

fn rival(group: Group, name: &str, bytes: usize, prepare: impl Fn() -> Pass + Sync + 'static) -> Rival {
    Rival::Here(Case::new(group, name, bytes, prepare))
}

fn sha256(bytes: usize) -> Contest {
    let sha2 = rival(Group::Hash, "sha2", bytes, move || {
        Pass::new(bytes, move || sha2::Sha256::digest(black_box(inputs::noise(bytes))))
    });
    Contest {
        ours: ours(Group::Hash, "sha256", bytes),
        rivals: vec![("sha2", sha2), ("OpenSSL", Rival::OpenSsl("sha256"))],
    }
}

fn blake2b(bytes: usize) -> Contest {
    let simd = rival(Group::Hash, "blake2b_simd", bytes, move || {
        Pass::new(bytes, move || blake2b_simd::Params::new().hash_length(32).hash(black_box(inputs::noise(bytes))))
    });
    let library = rival(Group::Hash, "blake2", bytes, move || {
        Pass::new(bytes, move || blake2::Blake2b::<U32>::digest(black_box(inputs::noise(bytes))))
    });
    let rivals = vec![("blake2b_simd", simd), ("blake2", library), ("OpenSSL", Rival::OpenSsl("blake2b512"))];
    Contest { ours: ours(Group::Hash, "blake2b", bytes), rivals }
}

/// Two messages that share the bytes, as an id and a MAC do.
fn several_blake2b(bytes: usize) -> Contest {
    let simd = rival(Group::Hash, "blake2b_simd", bytes, move || {
        Pass::new(bytes, move || {
            let (first, second) = black_box(inputs::noise(bytes)).split_at(bytes / 2);
            let mut parameters = blake2b_simd::Params::new();
            parameters.hash_length(32);
            let mut jobs = [first, second].map(|message| blake2b_simd::many::HashManyJob::new(&parameters, message));
            blake2b_simd::many::hash_many(&mut jobs);
            jobs.map(|job| job.to_hash())
        })
    });
    Contest { ours: ours(Group::Hash, "blake2b, 2 at once", bytes), rivals: vec![("blake2b_simd", simd)] }
}

fn aes256_ctr(bytes: usize) -> Contest {
    let library = rival(Group::Cipher, "aes, ctr", bytes, move || {
        let mut data = inputs::noise(bytes).to_vec();
        let mut cipher = ctr::Ctr128BE::<aes::Aes256>::new(&[1; 32].into(), &[0; 16].into());
        Pass::new(bytes, move || cipher.apply_keystream(black_box(&mut data)))
    });
    let rivals = vec![("aes + ctr", library), ("OpenSSL", Rival::OpenSsl("aes-256-ctr"))];
    Contest { ours: ours(Group::Cipher, "aes256-ctr", bytes), rivals }
}

/// The crate with a table of its own; each cuts elsewhere, chunks are as large.
fn fastcdc() -> Contest {
    let ours = cases::all().into_iter().find(|case| case.name == "fastcdc,19,21,23").expect("a case of FastCDC");
    let bytes = ours.bytes;
    let library = rival(Group::Chunk, "fastcdc", bytes, move || {
        Pass::new(bytes, move || {
            fastcdc::v2020::FastCDC::new(black_box(inputs::noise(bytes)), 1 << 19, 1 << 21, 1 << 23).count()
        })
    });
    Contest { ours, rivals: vec![("fastcdc", library)] }
}

fn second_thread(name: &str, data: Data, rounds: usize) {
    let case = |threads| {
        let wanted = |case: &Case| case.name == name && case.data == data && case.threads == threads && case.chosen;
        cases::all().into_iter().find(wanted).expect("a pipeline")
    };
    let (one, each) = (case(Threads::One), case(Threads::EachCore));
    let rate = |case| sampler::measure(case, 2 * TIME).wall.median;
    let (mut one_rates, mut each_rates) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        one_rates.push(rate(&one));
        each_rates.push(rate(&each));
    }
    let (one, each) = (median(one_rates), median(each_rates));
    let ratio = each / one;
    println!("| {name}, {data} | {one:.0} | {each:.0} | {ratio:.2}{} | {SECOND_GOAL} |", verdict(ratio, SECOND_GOAL));
}

/// Megabytes a second by its own clock, which is the CPU's; nothing where there is no OpenSSL.
fn openssl(name: &str, bytes: usize) -> Option<f64> {
    let bytes = bytes.to_string();
    let done = Command::new("openssl").args(["speed", "-mr", "-seconds", "1", "-bytes", &bytes, "-evp", name]).output();
    let printed = String::from_utf8(done.ok()?.stdout).ok()?;
    let rate = printed.lines().find_map(|line| line.strip_prefix("+F:"))?.rsplit(':').next()?;
    Some(rate.trim().parse::<f64>().ok()? / 1e6)
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}
