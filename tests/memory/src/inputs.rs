//! Inputs that are the same on every machine.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

/// `count` files of a few hundred bytes to 2 KiB, a hundred a directory.
pub(crate) fn small_files(folder: &Path, count: u32) {
    let mut noise = Noise(1);
    for number in 0..count {
        let directory = folder.join(format!("{:04}/{:02}", number / 10_000, number / 100 % 100));
        if number % 100 == 0 {
            fs::create_dir_all(&directory).expect("a directory");
        }
        let mut content = format!("file {number}\n").into_bytes();
        for _ in 0..noise.next() % 32 {
            content.extend_from_slice(&noise.next().to_le_bytes());
            content.extend_from_slice(b"some words that compress well, as most files have them\n");
        }
        fs::write(directory.join(format!("{number:07}")), content).expect("a file");
    }
}

/// Other content for one file of every directory that [`small_files`] made.
pub(crate) fn change(folder: &Path) {
    let directories = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a directory");
        entries.map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>()
    };
    for directory in directories(folder).iter().flat_map(|directory| directories(directory)) {
        let file = directories(&directory).into_iter().min().expect("a file");
        fs::write(file, format!("changed, {}\n", directory.display())).expect("a file");
    }
}

/// `count` files of `mib` MiB each that no codec makes smaller.
pub(crate) fn noise_files(folder: &Path, count: u64, mib: u64) {
    fs::create_dir_all(folder).expect("a directory");
    for number in 0..count {
        let mut noise = Noise(number << 40);
        let file = File::create(folder.join(format!("noise-{number:04}"))).expect("a file");
        let mut file = BufWriter::with_capacity(1 << 20, file);
        for _ in 0..mib << 17 {
            file.write_all(&noise.next().to_le_bytes()).expect("room on the disk");
        }
        file.flush().expect("room on the disk");
    }
}

/// SplitMix64: good enough to be incompressible, quick enough not to be noticed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
