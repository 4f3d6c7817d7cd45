//! Whether a disk that a job would touch says of itself that it fails: SMART where `smartctl` is there, and what the kernel
//! shows of eMMC and SD.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
};

/// Says so when one of the disks below these paths fails. What cannot be asked has no opinion.
pub fn failing(sys: &Path, paths: &[&Path]) -> Option<String> {
    let disks: BTreeSet<String> = paths.iter().filter_map(|path| disk_of(sys, path)).collect();
    disks.into_iter().find_map(|disk| {
        let life = fs::read_to_string(sys.join("block").join(&disk).join("device/pre_eol_info")).unwrap_or_default();
        if is_worn(&life) {
            return Some(format!("disk {disk} is worn out (pre_eol_info {})", life.trim()));
        }
        smart_failed(&disk).then(|| format!("disk {disk} fails (smartctl -H)"))
    })
}

/// The kernel's name of the disk that holds a path: of the whole one, not of a partition.
fn disk_of(sys: &Path, path: &Path) -> Option<String> {
    let device = fs::metadata(path).ok()?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let block = fs::canonicalize(sys.join(format!("dev/block/{major}:{minor}"))).ok()?;
    let whole = if block.join("partition").exists() { block.parent()? } else { &block };
    Some(whole.file_name()?.to_str()?.to_owned())
}

/// 3 is the kernel's word for urgent: nine tenths and more of the spare blocks are used.
fn is_worn(pre_eol_info: &str) -> bool {
    pre_eol_info.trim().trim_start_matches("0x").trim_start_matches('0') == "3"
}

/// Bit 3 of its exit code says that the disk fails; the others, that it could not be asked or has a past.
fn smart_failed(disk: &str) -> bool {
    let quiet = || Stdio::null();
    let mut command = Command::new("smartctl");
    command.args(["-H", &format!("/dev/{disk}")]).stdin(quiet()).stdout(quiet()).stderr(quiet());
    command.status().ok().and_then(|status| status.code()).is_some_and(|code| code & 0b1000 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worn_flash_is_noticed_on_the_whole_disk() {
        let sys = tempfile::tempdir().expect("a folder");
        let file = tempfile::tempdir().expect("a folder");
        let device = fs::metadata(file.path()).expect("a device").dev();
        let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
        let partition = sys.path().join("block/mmcblk0/mmcblk0p2");
        fs::create_dir_all(sys.path().join("dev/block")).expect("folders");
        fs::create_dir_all(sys.path().join("block/mmcblk0/device")).expect("folders");
        fs::create_dir_all(&partition).expect("folders");
        fs::write(partition.join("partition"), "2\n").expect("a file");
        std::os::unix::fs::symlink(&partition, sys.path().join("dev/block").join(number)).expect("a link");
        let life = sys.path().join("block/mmcblk0/device/pre_eol_info");
        fs::write(&life, "0x01\n").expect("a file");
        assert_eq!(failing(sys.path(), &[file.path()]), None);
        fs::write(&life, "0x03\n").expect("a file");
        let told = failing(sys.path(), &[file.path(), Path::new("ssh://h/x")]).expect("a reason");
        assert!(told.contains("mmcblk0 is worn out"), "{told}");
    }
}
