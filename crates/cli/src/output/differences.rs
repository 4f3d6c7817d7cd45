//! Lines of `diff`: a path and what is different at it, as text or as JSON.

use nanoprobe_operations::diff::{Change, Difference, Kind, Owner};

use super::{
    Layout,
    items::file_mode,
    json::Json,
    size::{Sign, Units, signed_file_size},
    text::{append_printable, printable},
    time::{Moment, Zone},
};

/// The width of what stands before the path.
const CHANGES: usize = 19;

/// Appends the line of a difference, with its end.
pub(crate) fn line(difference: &Difference<'_>, layout: Layout, zone: &Zone, line: &mut Vec<u8>) {
    // Content that was only cut in another way is no change.
    let shown = difference.changes.iter().filter(|change| match change {
        Change::Modified(Some(modified)) => (modified.added, modified.removed) != (0, 0),
        _ => true,
    });
    match layout {
        Layout::Text => {
            let changes: Vec<String> = shown.map(|change| as_text(change, zone)).collect();
            line.extend(format!("{:<CHANGES$} ", changes.join(" ")).into_bytes());
            append_printable(difference.path, line);
        }
        Layout::JsonLines => {
            let changes = shown.map(|change| as_json(change, zone)).collect();
            let path = Json::text(printable(difference.path));
            let document = Json::map([("changes", Json::List(changes)), ("path", path)]);
            // A vector takes everything.
            let _ = document.write_line(line);
        }
    }
    line.push(b'\n');
}

fn as_text(change: &Change<'_>, zone: &Zone) -> String {
    let size = |bytes: u64| signed_file_size(bytes.into(), Sign::Negative, 2, Units::Decimal);
    match change {
        Change::Added { size: bytes } => format!("added {:>13}", size(*bytes)),
        Change::Removed { size: bytes } => format!("removed {:>11}", size(*bytes)),
        Change::Modified(Some(modified)) => {
            let size = |bytes: i128| signed_file_size(bytes, Sign::Always, 1, Units::Decimal);
            format!("{:>9} {:>9}", size(modified.added.into()), size(-i128::from(modified.removed)))
        }
        Change::Owner { old, new } => {
            let [old_user, old_group, new_user, new_group] = [old[0], old[1], new[0], new[1]].map(owner_text);
            format!("[{old_user}:{old_group} -> {new_user}:{new_group}]")
        }
        Change::Mode { old, new } => format!("[{} -> {}]", file_mode(*old), file_mode(*new)),
        Change::Time { name, old, new } => {
            let [old, new] = [*old, *new].map(|time| Moment::of_item(time, zone).human());
            format!("[{name}: {old} -> {new}]")
        }
        other => kind_of_change(other),
    }
}

fn as_json(change: &Change<'_>, zone: &Zone) -> Json {
    match change {
        Change::Added { size } | Change::Removed { size } => {
            Json::map([("size", Json::integer(*size)), ("type", Json::text(kind_of_change(change)))])
        }
        Change::Modified(Some(modified)) => Json::map([
            ("added", Json::integer(modified.added)),
            ("removed", Json::integer(modified.removed)),
            ("type", Json::text("modified")),
        ]),
        Change::Owner { old, new } => Json::map([
            ("new_group", owner_json(new[1])),
            ("new_user", owner_json(new[0])),
            ("old_group", owner_json(old[1])),
            ("old_user", owner_json(old[0])),
            ("type", Json::text("owner")),
        ]),
        Change::Mode { old, new } => Json::map([
            ("new_mode", Json::text(file_mode(*new))),
            ("old_mode", Json::text(file_mode(*old))),
            ("type", Json::text("mode")),
        ]),
        Change::Time { name, old, new } => {
            let time = |time: &i64| Json::text(Moment::of_item(*time, zone).iso());
            let (new_name, old_name) = (format!("new_{name}"), format!("old_{name}"));
            Json::map([(&new_name, time(new)), (&old_name, time(old)), ("type", Json::text(name))])
        }
        other => Json::map([("type", Json::text(kind_of_change(other)))]),
    }
}

/// Borg's word for changes that have no figures.
fn kind_of_change(change: &Change<'_>) -> String {
    let kind = |kind: &Kind| match kind {
        Kind::Link => "link",
        Kind::Directory => "directory",
        Kind::BlockDevice => "blkdev",
        Kind::CharacterDevice => "chrdev",
        Kind::Fifo => "fifo",
    };
    match change {
        Change::AddedKind(what) => format!("added {}", kind(what)),
        Change::RemovedKind(what) => format!("removed {}", kind(what)),
        Change::ChangedLink => "changed link".to_owned(),
        Change::Added { .. } => "added".to_owned(),
        Change::Removed { .. } => "removed".to_owned(),
        Change::Modified(_) => "modified".to_owned(),
        Change::Owner { .. } => "owner".to_owned(),
        Change::Mode { .. } => "mode".to_owned(),
        Change::Time { name, .. } => (*name).to_owned(),
    }
}

fn owner_text(owner: Owner<'_>) -> String {
    match owner {
        Owner::Name(Some(name)) => printable(name),
        Owner::Number(Some(number)) => number.to_string(),
        Owner::Name(None) | Owner::Number(None) => "None".to_owned(),
    }
}

fn owner_json(owner: Owner<'_>) -> Json {
    match owner {
        Owner::Name(Some(name)) => Json::text(name),
        Owner::Number(Some(number)) => Json::integer(number),
        Owner::Name(None) | Owner::Number(None) => Json::Null,
    }
}
