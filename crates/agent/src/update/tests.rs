use super::*;

const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/update/key.pub");
/// Of a partition: room for the root and more.
const PARTITION_BYTES: u64 = 4096;

/// Two partitions, of which the first runs a root that was kept.
fn slots(folder: &Path) -> Slots {
    let slots = Slots { running: folder.join("disk2"), other: folder.join("disk3") };
    for path in [&slots.running, &slots.other] {
        File::create(path).and_then(|file| file.set_len(PARTITION_BYTES)).expect("a partition");
    }
    let label = Label {
        serial: 4,
        version: "0.0.1".into(),
        made: 1_750_000_000,
        bytes: 7,
        sum: [1; 32],
        standing: Standing::Kept,
    };
    label.write(&mut open(&slots.running, Access::Write).expect("a partition")).expect("a label");
    slots
}

fn update(name: &str) -> Vec<u8> {
    let name = format!("{}/tests/update/{name}.update", env!("CARGO_MANIFEST_DIR"));
    let here = name.replace("HERE", std::env::consts::ARCH);
    fs::read(here).expect("an update")
}

fn apply(slots: &Slots, mut bytes: &[u8], choice: Choice) -> Result<Applied, String> {
    slots.apply(&mut bytes, Path::new(KEY), choice).map_err(|error| error.to_string())
}

#[test]
fn a_signed_root_is_written_tried_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let slots = slots(folder.path());
    let Ok(Applied::Written(label)) = apply(&slots, &update("good-HERE"), Choice::Promising) else {
        panic!("not written")
    };
    assert_eq!((label.serial, label.bytes, label.standing), (5, 1000, Standing::TriesLeft(TRIES)));
    let partition = fs::read(&slots.other).expect("a partition");
    assert_eq!(partition.len() as u64, PARTITION_BYTES);
    assert!(partition[..1000].iter().all(|&byte| byte == b'r'));
    assert_eq!(apply(&slots, &update("good-HERE"), Choice::Promising), Ok(Applied::Known(label.clone())));

    // The next start is into the other one; on trial, it does not overwrite what it would fall back to.
    let after = Slots { running: slots.other.clone(), other: slots.running.clone() };
    assert_eq!(apply(&after, &update("good-HERE"), Choice::Promising), Ok(Applied::Known(label)));
    assert_eq!(after.keep().expect("kept").standing, Standing::Kept);
    assert_eq!(after.current().expect("a label").standing, Standing::Kept);
    assert_eq!(after.keep().expect("kept").serial, 5);
}

#[test]
fn what_did_not_come_up_is_not_taken_again_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let slots = slots(folder.path());
    let good = update("good-HERE");
    let Ok(Applied::Written(label)) = apply(&slots, &good, Choice::Promising) else { panic!("not written") };
    let label = Label { standing: Standing::TriesLeft(0), ..label };
    label.write(&mut open(&slots.other, Access::Write).expect("a partition")).expect("a label");
    assert!(apply(&slots, &good, Choice::Promising).expect_err("a refusal").contains("did not come up"));
    let Ok(Applied::Written(label)) = apply(&slots, &good, Choice::Any) else { panic!("not written") };
    assert_eq!((label.serial, label.standing), (6, Standing::TriesLeft(TRIES)));
}

#[test]
fn what_is_not_right_is_refused_by_name_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let slots = slots(folder.path());
    let untouched = fs::read(&slots.other).expect("a partition");
    let refused = |bytes: &[u8], reason: &str| {
        let told = apply(&slots, bytes, Choice::Promising).expect_err("a refusal");
        assert!(told.contains(reason), "{told}, not {reason}");
        assert_eq!(fs::read(&slots.other).expect("a partition"), untouched, "{reason}");
    };
    refused(&update("strange"), "its signature is wrong");
    refused(&update("foreign"), "it is for elsewhere");
    refused(&update("old-HERE"), "version old-");
    refused(b"", "no update");
    refused(&[b'\n'; 5000], "no update");
    let good = update("good-HERE");
    let root_begins = good.len() - 1000;
    for place in 0..root_begins {
        let mut wrong = good.clone();
        wrong[place] ^= 4;
        // Of the signature's four lines the first is a comment, which is not signed.
        let told = apply(&slots, &wrong, Choice::Promising);
        if let Ok(applied) = &told {
            let comment = good.windows(9).position(|window| window == b"untrusted").expect("a comment");
            assert!((comment..comment + 80).contains(&place), "{place}: {applied:?}");
            label::remove(&mut open(&slots.other, Access::Write).expect("a partition")).expect("removed");
            fs::write(&slots.other, &untouched).expect("written");
        }
        refused(&good[..place], "");
    }
}

#[test]
fn a_root_that_ends_early_or_is_damaged_never_gets_a_label() {
    let folder = tempfile::tempdir().expect("a folder");
    let slots = slots(folder.path());
    let good = update("good-HERE");
    let root_begins = good.len() - 1000;
    for place in [0, 1, 500, 999] {
        let mut wrong = good.clone();
        wrong[root_begins + place] ^= 1;
        let longer = [good.as_slice(), b"x"].concat();
        for bytes in [&good[..root_begins + place], &wrong, &longer] {
            assert_eq!(apply(&slots, bytes, Choice::Promising), Err("it ends early or is damaged".into()));
            assert_eq!(slots.next().expect("a partition"), None);
        }
    }
    assert!(matches!(apply(&slots, &update("old-HERE"), Choice::Any), Ok(Applied::Written(_))));
    // One that is too large is refused before anything is written.
    File::options().write(true).open(&slots.other).and_then(|file| file.set_len(1400)).expect("a small partition");
    let told = apply(&slots, &good, Choice::Promising).expect_err("no room");
    assert_eq!(told, "it has 1000 bytes, and there is room for 888");
}

#[test]
fn on_trial_the_other_root_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let slots = slots(folder.path());
    let label = Label { standing: Standing::TriesLeft(1), ..slots.current().expect("a label") };
    label.write(&mut open(&slots.running, Access::Write).expect("a partition")).expect("a label");
    assert!(apply(&slots, &update("good-HERE"), Choice::Promising).expect_err("a refusal").contains("on trial"));
}

#[test]
fn the_root_tells_which_partitions_there_are() {
    let of = |mounts: &str| Slots::of_mounts(mounts).map(|slots| (slots.running, slots.other));
    let mounts = "rootfs / rootfs rw 0 0\n/dev/mmcblk0p3 / ext4 ro 0 0\n/dev/mmcblk0p4 /data ext4 rw 0 0\n";
    assert_eq!(of(mounts), Some(("/dev/mmcblk0p3".into(), "/dev/mmcblk0p2".into())));
    assert_eq!(of("/dev/vda2 / ext4 ro 0 0"), Some(("/dev/vda2".into(), "/dev/vda3".into())));
    assert_eq!(of("/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0"), None);
    assert_eq!(of("overlay / overlay rw 0 0"), None);
}
