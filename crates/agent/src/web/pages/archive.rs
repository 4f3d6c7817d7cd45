//! `/archive/REPOSITORY/ARCHIVE/PATH`: a directory of an archive, whose files can be fetched.

use super::{Bytes, Situation, page};
use crate::{
    configuration::Repository,
    web::{
        addresses::Quoted,
        html::Html,
        listing::{Entry, Kind, Listing, Place},
        sessions::Session,
    },
};

/// A page of the directory at `path`.
pub(in crate::web) fn archive(
    repository: &Repository,
    archive: &[u8],
    path: &[u8],
    listing: &Listing,
    situation: &Situation,
    who: Option<&Session>,
) -> Html {
    let (mut body, name) = (Html::default(), String::from_utf8_lossy(archive));
    let within = format_args!("{}/{}", repository.name, Quoted(archive)).to_string();
    body.raw("<nav><a href=\"/\">All jobs</a><a href=\"/repository/").within("", &repository.name, "\">");
    body.within("", &repository.name, "</a></nav>").within("<h1>", &name, "</h1>");
    body.part(&steps(&within, &name, path));
    if !path.is_empty() && !listing.entries.is_empty() {
        body.within("<a class=\"button\" href=\"/tar/", &within, "").within(
            "/",
            Quoted(path),
            "\">Fetch all of it as tar</a>",
        );
    }
    body.raw("</div>");
    if listing.entries.is_empty() {
        body.raw("<p>There is nothing here.</p>");
    } else {
        body.raw("<table class=\"files\"><thead><tr><th>Name<th class=\"number\">Size<th>Changed</tr></thead><tbody>");
        for (place, entry) in &listing.entries {
            body.part(&line(&within, path, place, entry, situation));
        }
        body.raw("</tbody></table>");
    }
    if let Some((last, _)) = listing.entries.last_key_value().filter(|_| listing.has_more) {
        let key = if last.kind == Kind::Directory { "directory" } else { "other" };
        body.raw("<p><a href=\"?").within("", key, "=").within("", Quoted(&last.name), "\">More</a></p>");
    }
    page(&name, who, &body)
}

/// Links to the directories above.
fn steps(within: &str, name: &str, path: &[u8]) -> Html {
    let mut html = Html::default();
    html.raw("<div class=\"path\"><div>").link(format_args!("/archive/{within}"), name);
    let mut end = 0;
    for step in path.split(|&byte| byte == b'/').filter(|step| !step.is_empty()) {
        end += step.len();
        html.raw(" / ").link(format_args!("/archive/{within}/{}", Quoted(&path[..end])), String::from_utf8_lossy(step));
        end += 1;
    }
    html.raw("</div>");
    html
}

fn line(within: &str, path: &[u8], place: &Place, entry: &Entry, situation: &Situation) -> Html {
    let (mut html, name) = (Html::default(), String::from_utf8_lossy(&place.name));
    let full = if path.is_empty() { place.name.clone() } else { [path, b"/", &place.name].concat() };
    let is_hard_link = entry.letter == b'-' && !entry.source.is_empty();
    html.raw("<tr><th scope=\"row\" class=\"")
        .raw(if place.kind == Kind::Directory { "directory" } else { "file" })
        .raw("\">");
    match entry.letter {
        b'd' => html.link(format_args!("/archive/{within}/{}", Quoted(&full)), &name),
        // The content stands where it came first.
        b'-' if is_hard_link => html
            .within("<a download href=\"/file/", within, "")
            .within("/", Quoted(&entry.source), "\">")
            .within("", &name, "</a> ")
            .within("<span class=\"quiet\">same as ", String::from_utf8_lossy(&entry.source), "</span>"),
        b'-' => html
            .within("<a download href=\"/file/", within, "")
            .within("/", Quoted(&full), "\">")
            .within("", &name, "</a>"),
        b'l' => html.within("", &name, " → ").text(String::from_utf8_lossy(&entry.source)),
        _ => html.text(&name),
    };
    html.raw("<td class=\"number\" data-label=\"Size\">");
    if entry.letter == b'-' && !is_hard_link {
        html.text(Bytes(entry.bytes));
    }
    html.within(
        "<td data-label=\"Changed\">",
        entry.modified.map(|time| situation.shown(time)).unwrap_or_default(),
        "</tr>\n",
    );
    html
}
