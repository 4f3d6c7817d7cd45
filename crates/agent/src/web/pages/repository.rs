//! `/repository/NAME`: its archives, the newest first.

use super::{Bytes, Situation, page};
use crate::{
    configuration::Repository,
    state::history::Run,
    web::{
        addresses::Quoted,
        html::Html,
        reading::{Archive, Archives},
        sessions::Session,
    },
};

/// A page of archives; `runs` are those of the repository's backups.
pub(in crate::web) fn repository(
    repository: &Repository,
    archives: &Archives,
    runs: &[Run],
    situation: &Situation,
    who: Option<&Session>,
) -> Html {
    let mut body = Html::default();
    body.raw("<nav><a href=\"/\">All jobs</a></nav>").within("<h1>Archives in ", &repository.name, "</h1>");
    if archives.list.is_empty() {
        body.raw("<p>There are none.</p>");
    } else {
        body.raw("<table class=\"archives\"><thead><tr><th>Archive<th>Begun<th class=\"number\">Files<th class=\"number\">Size</tr></thead><tbody>");
        for archive in &archives.list {
            body.part(&line(repository, archive, runs, situation));
        }
        body.raw("</tbody></table>");
    }
    if let Some(next) = archives.next {
        body.within("<p><a href=\"?skip=", next, "\">Older ones</a></p>");
    }
    page(&repository.name, who, &body)
}

fn line(repository: &Repository, archive: &Archive, runs: &[Run], situation: &Situation) -> Html {
    let (mut html, name) = (Html::default(), String::from_utf8_lossy(&archive.name));
    let address = format_args!("/archive/{}/{}", repository.name, Quoted(&archive.name)).to_string();
    html.raw("<tr><th scope=\"row\">").link(address, &name);
    html.within("<td data-label=\"Begun\"><div>", situation.shown(archive.began), "<div class=\"quiet\">");
    html.within("", situation.distance(archive.began), "</div></div>");
    let figures = runs.iter().rev().filter_map(|run| run.figures.as_ref()).find(|figures| figures.archive == name);
    match figures {
        Some(figures) => html.within("<td class=\"number\" data-label=\"Files\">", figures.files, "").within(
            "<td class=\"number\" data-label=\"Size\">",
            Bytes(figures.original),
            "",
        ),
        None => html.raw("<td class=\"none\"><td class=\"none\">"),
    };
    html.raw("</tr>\n");
    html
}
