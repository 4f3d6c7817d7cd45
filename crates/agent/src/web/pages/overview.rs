//! `/`: how everything is, job by job, and where archives are.

use super::{Bytes, Situation, badge, class, job_address, page, run_now};
use crate::{
    configuration::Repository,
    plan::Job,
    state::history::{Run, Totals},
    status::{Level, Row},
    web::{
        html::Html,
        plot::{Plot, Series, Style, Unit},
        sessions::Session,
    },
};

/// `runs` gives those of a job.
pub(in crate::web) fn overview(situation: &Situation, who: Option<&Session>, runs: &dyn Fn(&str) -> Vec<Run>) -> Html {
    let (status, mut body) = (situation.status(), Html::default());
    let (word, words) = match status.level() {
        Level::Fine => ("OK", "All is well"),
        Level::Warning => ("WARNING", "Something should be looked at"),
        Level::Critical => ("CRITICAL", "Something is wrong"),
    };
    body.raw("<section class=\"level ").raw(class(status.level())).within("\"><h1>", words, "</h1>");
    body.within("<p><b>", word, "</b> at ").within("", situation.shown(situation.now), "</p>");
    for line in status.lines().iter().flat_map(|lines| lines.lines()) {
        body.within("<p>", line, "</p>");
    }
    body.raw("</section>\n<table class=\"jobs\"><thead><tr><th>Job<th>State<th>Last success<th>Next<th class=\"act\" aria-label=\"Run now\"></tr></thead><tbody>");
    for row in status.rows() {
        body.part(&line(&row, situation, who));
    }
    body.raw("</tbody></table>\n<h2>Repositories</h2><div class=\"cards\">");
    for repository in &situation.configuration.repositories {
        body.part(&card(repository, situation, runs));
    }
    body.raw("</div>");
    page(words, who, &body)
}

fn line(row: &Row<'_>, situation: &Situation, who: Option<&Session>) -> Html {
    let (mut html, name) = (Html::default(), row.job.name());
    html.raw("<tr><th scope=\"row\">")
        .link(job_address(&name), &name)
        .raw("<td data-label=\"State\"><div>")
        .part(&badge(row));
    if !row.verdict.reason.is_empty() {
        html.within("<div class=\"reason\">", &row.verdict.reason, "</div>");
    }
    html.raw("</div><td data-label=\"Last success\"><div>");
    match row.record.last_success {
        Some(success) => html
            .within("", situation.shown(success), "<div class=\"quiet\">")
            .within("", situation.distance(success), "")
            .raw(figures(row).map_or("", |_| ", "))
            .within("", figures(row).unwrap_or_default(), "</div>"),
        None => html.raw("<span class=\"quiet\">none yet</span>"),
    };
    html.raw("</div><td data-label=\"Next\">");
    let next = situation.coming(row);
    html.within("<div>", next.strip_prefix("next ").unwrap_or(&next), "</div>");
    html.raw("<td class=\"act\">").part(&run_now(row, situation, who)).raw("</tr>\n");
    html
}

fn figures(row: &Row<'_>) -> Option<String> {
    row.record.figures.as_ref().map(|figures| format!("{} new", Bytes(figures.added)))
}

fn card(repository: &Repository, situation: &Situation, runs: &dyn Fn(&str) -> Vec<Run>) -> Html {
    let mut html = Html::default();
    html.within("<div class=\"card\"><div class=\"title\"><h3>", &repository.name, "</h3>");
    html.within("<a class=\"button\" href=\"/repository/", &repository.name, "\">Browse archives</a></div>");
    html.within("<p class=\"quiet\">", &repository.location, "</p>");
    let totals = totals(repository, situation, runs);
    if let Some((_, newest)) = totals.last() {
        html.within("<p><b>", Bytes(newest.stored), "</b> stored").raw("<span class=\"quiet\"> for ");
        html.within("", Bytes(newest.original), " in all archives</span></p>");
    }
    let points = totals.iter().map(|(time, totals)| (*time, totals.stored as f64)).collect();
    let series = vec![Series::new("now", "one", points)];
    let plot = Plot { title: "Stored", unit: Unit::Bytes, style: Style::Lines, series, zone: &situation.zone };
    html.part(&plot.html()).raw("</div>");
    html
}

/// What the repository held after each of its backups, in order.
fn totals(repository: &Repository, situation: &Situation, runs: &dyn Fn(&str) -> Vec<Run>) -> Vec<(i64, Totals)> {
    let backups = situation.configuration.backups.iter().filter(|backup| backup.repository == repository.name);
    let runs = backups.flat_map(|backup| runs(&Job::Backup(backup).name()));
    let mut totals: Vec<(i64, Totals)> = runs.filter_map(|run| Some((run.began, run.totals?))).collect();
    totals.sort_by_key(|(began, _)| *began);
    totals
}
