//! `/job/KIND/NAME`: one job, its runs as plots and as a table.

use super::{Bytes, Situation, badge, page, run_now};
use crate::{
    clock::length,
    plan::Job,
    state::{Outcome, history::Run, requests::Heard},
    status::Row,
    web::{
        addresses::Quoted,
        html::Html,
        plot::{Plot, Series, Style, Unit},
        sessions::Session,
    },
};

/// How many runs stand in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Shown {
    Few,
    All,
}

/// The newest.
const FEW: usize = 30;

/// `heard`: somebody has just asked for it.
pub(in crate::web) fn job(
    row: &Row<'_>,
    runs: &[Run],
    situation: &Situation,
    who: Option<&Session>,
    shown: Shown,
    heard: Option<Heard>,
) -> Html {
    let (mut body, name) = (Html::default(), row.job.name());
    body.raw("<nav><a href=\"/\">All jobs</a></nav><div class=\"title\">")
        .within("<h1>", &name, "</h1>")
        .part(&badge(row));
    body.part(&run_now(row, situation, who)).raw("</div>");
    if heard == Some(Heard::Later) {
        body.raw("<p class=\"warning\" role=\"status\">No agent stays here: the next agent run-due looks at it.</p>");
    }
    if !row.verdict.reason.is_empty() {
        body.within("<p class=\"reason\">", &row.verdict.reason, "</p>");
    }
    body.raw("<p>");
    match row.record.last_success {
        Some(success) => {
            body.within("Last success ", situation.shown(success), " (").within("", situation.distance(success), "), ")
        }
        None => body.raw("No success yet, "),
    };
    body.text(situation.coming(row)).raw(". ");
    body.raw("<a href=\"/repository/").within("", row.job.repository(), "\">Browse archives</a></p>\n");
    body.part(&plots(&row.job, runs, situation)).part(&table(row, runs, situation, shown));
    page(&name, who, &body)
}

fn plots(job: &Job<'_>, runs: &[Run], situation: &Situation) -> Html {
    let mut html = Html::default();
    if runs.is_empty() {
        html.raw("<p class=\"quiet\">It has not run yet.</p>");
        return html;
    }
    html.raw("<div class=\"plots\">");
    let of = |value: &dyn Fn(&Run) -> Option<f64>| -> Vec<(i64, f64)> {
        runs.iter().filter_map(|run| Some((run.began, value(run)?))).collect()
    };
    let mut draw = |title, unit, style, series: Vec<Series>| {
        html.part(&Plot { title, unit, style, series, zone: &situation.zone }.html());
    };
    if let Job::Backup(_) = job {
        let stored = of(&|run| Some(run.totals?.stored as f64));
        let files = of(&|run| Some(run.figures.as_ref()?.original as f64));
        let series = vec![Series::new("repository", "one", stored), Series::new("files of the backup", "two", files)];
        draw("Size", Unit::Bytes, Style::Lines, series);
        let added = of(&|run| Some(run.figures.as_ref()?.added as f64));
        draw("New each time", Unit::Bytes, Style::Bars, vec![Series::new("new", "one", added)]);
        let ratio = of(&|run| {
            run.totals.filter(|totals| totals.stored > 0).map(|totals| totals.original as f64 / totals.stored as f64)
        });
        let series = vec![Series::new("now", "one", ratio)];
        draw("Deduplication with compression", Unit::Times, Style::Lines, series);
    }
    let took = |is_bad| {
        of(&move |run: &Run| {
            (is_bad == matches!(run.outcome, Outcome::Failed | Outcome::Unfinished)).then_some(run.seconds? as f64)
        })
    };
    let series = vec![Series::new("took", "one", took(false)), Series::new("not done", "bad", took(true))];
    draw("Duration", Unit::Seconds, Style::Bars, series);
    html.raw("</div>\n");
    html
}

fn table(row: &Row<'_>, runs: &[Run], situation: &Situation, shown: Shown) -> Html {
    let mut html = Html::default();
    if runs.is_empty() {
        return html;
    }
    let is_backup = matches!(row.job, Job::Backup(_));
    html.raw("<h2>Runs</h2><table class=\"runs\"><thead><tr><th>Began<th>How it ended<th class=\"number\">Took");
    if is_backup {
        html.raw("<th>Archive<th class=\"number\">Files<th class=\"number\">Size<th class=\"number\">New");
    }
    html.raw("</tr></thead><tbody>");
    let shown = if shown == Shown::All { runs.len() } else { FEW };
    for run in runs.iter().rev().take(shown) {
        html.part(&line(run, is_backup, row.job.repository(), situation));
    }
    html.raw("</tbody></table>");
    if runs.len() > shown {
        html.raw("<p><a href=\"?all\">All ").text(runs.len()).raw(" runs</a></p>");
    }
    html
}

fn line(run: &Run, is_backup: bool, repository: &str, situation: &Situation) -> Html {
    let mut html = Html::default();
    let class = match run.outcome {
        Outcome::Success => "fine",
        Outcome::Warning | Outcome::Unfinished => "warning",
        Outcome::Failed => "critical",
    };
    html.within("<tr><td data-label=\"Began\">", situation.shown(run.began), "<td data-label=\"How it ended\"><div>");
    html.raw("<span class=\"badge ").raw(class).within("\">", run.outcome.word(), "</span>");
    let named = run.trouble.map(|trouble| format!("{}: ", trouble.name())).unwrap_or_default();
    if let Some(message) = &run.message {
        html.within("<div class=\"reason\">", named, "").within("", message, "</div>");
    }
    html.within("</div><td class=\"number\" data-label=\"Took\">", run.seconds.map_or("–".to_owned(), length), "");
    match &run.figures {
        Some(figures) => {
            let archive = Quoted(figures.archive.as_bytes());
            html.raw("<td data-label=\"Archive\">")
                .link(format_args!("/archive/{repository}/{archive}"), &figures.archive);
            html.within("<td class=\"number\" data-label=\"Files\">", figures.files, "");
            html.within("<td class=\"number\" data-label=\"Size\">", Bytes(figures.original), "");
            html.within("<td class=\"number\" data-label=\"New\">", Bytes(figures.added), "");
        }
        None if is_backup => {
            html.raw("<td class=\"none\"><td class=\"none\"><td class=\"none\"><td class=\"none\">");
        }
        None => {}
    }
    html.raw("</tr>\n");
    html
}
