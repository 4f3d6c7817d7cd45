//! The page that `key export --qr-html` writes: the key as a QR code and as lines to type, for the printer.
//!
//! It needs nothing but itself: no script, no font, no image is fetched, and so nothing is sent anywhere.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

/// Empty modules around a QR code.
const MARGIN: usize = 4;

/// The whole page; `None` when the key does not fit a QR code. `text` is what the code holds, `paper` what can be typed.
pub(crate) fn page(repository_id: &str, text: &str, paper: &str) -> Option<String> {
    // As much redundancy as there is room for: paper ages.
    let levels = [EcLevel::H, EcLevel::Q, EcLevel::M, EcLevel::L];
    let code = levels.into_iter().find_map(|level| QrCode::with_error_correction_level(text, level).ok())?;
    let picture = picture(&code);
    // The first line of the lines for paper is advice that the page gives itself.
    let lines = paper.split_once("\n\n").map_or(paper, |(_, lines)| lines);
    Some(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Key of repository \
         {repository_id}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Backup of a repository key</h1>\n\
         <p>Repository <code>{repository_id}</code></p>\n<p>The key is encrypted: it opens the repository only \
         together with its passphrase, which is not on this page.</p>\n<h2>By scanner</h2>\n<p>Save what the code \
         holds as a file, then: <code>borg key import REPOSITORY FILE</code></p>\n{picture}\n<h2>By hand</h2>\n<p>Type \
         the lines that this command asks for: <code>borg key import --paper REPOSITORY</code></p>\n\
         <pre>{lines}</pre>\n<h2>Notes</h2>\n<p class=\"notes\"></p>\n</body>\n</html>\n"
    ))
}

const STYLE: &str = "body{font:11pt sans-serif;max-width:180mm;margin:10mm auto}h1{font-size:15pt}h2{font-size:12pt}\
    code,pre{font-family:monospace;font-size:9pt}pre{columns:2}svg{width:100mm;height:100mm}\
    svg,pre,h2{break-inside:avoid}h2{break-after:avoid}.notes{border:1px solid;height:25mm}";

/// One path with a rectangle for each run of dark modules.
fn picture(code: &QrCode) -> String {
    let width = code.width();
    let colors = code.to_colors();
    let side = width + 2 * MARGIN;
    let mut path = String::new();
    for (row, modules) in colors.chunks(width).enumerate() {
        let mut column = 0;
        for run in modules.chunk_by(|left, right| left == right) {
            if run[0] == Color::Dark {
                let _ = write!(path, "M{} {}h{}v1h-{2}z", column + MARGIN, row + MARGIN, run.len());
            }
            column += run.len();
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_every_dark_module_once() {
        let code = QrCode::new("nanoprobe").unwrap();
        let picture = picture(&code);
        let runs = picture.split("h").skip(1).filter_map(|part| part.split_once("v1")?.0.parse::<usize>().ok());
        let dark = code.to_colors().into_iter().filter(|color| *color == Color::Dark).count();
        assert_eq!(runs.sum::<usize>(), dark);
    }

    #[test]
    fn a_page_fetches_nothing_and_holds_both_forms() {
        let page = page("ab12", &"x".repeat(1500), "advice\n\nBORG PAPER KEY v1\nid: 1\n").unwrap();
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert!(page.contains("<pre>BORG PAPER KEY v1\nid: 1\n</pre>") && page.contains("ab12"));
        assert!(!page.contains("src=") && !page.contains("href") && !page.contains("script"));
        assert!(super::page("ab12", &"x".repeat(3000), "").is_none());
    }
}
