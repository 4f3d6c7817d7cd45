//! What the boards in `targets/` can spare.

use std::{fs, path::Path};

/// The board with the least memory, and how many bytes that is.
pub(crate) fn smallest() -> (String, u64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../targets");
    let files = fs::read_dir(&folder).expect("targets/").map(|entry| entry.expect("an entry of targets/").path());
    let boards = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).map(|path| {
        let text = fs::read_to_string(&path).expect("a board's file");
        let mebibytes = text.lines().find_map(|line| line.strip_prefix("memory_mib = ")).expect("memory_mib");
        let bytes = mebibytes.parse::<u64>().expect("a number of MiB") << 20;
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), bytes)
    });
    boards.min_by_key(|(_, bytes)| *bytes).expect("a board")
}
