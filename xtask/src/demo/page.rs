//! The demo's page: every thumbnail beside its file, and the files that have none.

use std::fmt::Write;
use std::path::Path;

use super::outcome::Outcome;

/// The thumbnail shown for each file, when there is one of this name.
const SHOWN: &str = "grid@1x";
const STYLE: &str = "body{font:15px/1.4 system-ui,sans-serif;margin:2rem;background:#fafafa;color:#222}\
.grid{display:flex;flex-wrap:wrap;gap:12px}figure{margin:0;width:256px}\
figure img{max-width:256px;max-height:256px;display:block;margin:auto}\
figcaption{font-size:12px;overflow-wrap:anywhere;text-align:center}td{padding:2px 12px 2px 0}\
.sheet{max-width:100%}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}}";

/// One self-contained page that links to the files where they lie.
pub(super) fn render(title: &str, sheet: &Path, results: &[(&Path, Outcome)]) -> String {
    let mut grid = String::new();
    let mut rest = String::new();
    for (file, outcome) in results {
        let name = escape(&file.file_name().unwrap_or_default().to_string_lossy());
        let link = url(file);
        // Writing to a String cannot fail.
        let _ = match outcome {
            Outcome::Thumbs(thumbs) => {
                let shown = thumbs
                    .iter()
                    .find(|(variant, _)| variant == SHOWN)
                    .or(thumbs.first());
                let source = shown.map(|(_, path)| url(path)).unwrap_or_default();
                writeln!(
                    grid,
                    "<figure><a href=\"{link}\"><img loading=\"lazy\" alt=\"\" src=\"{source}\"></a><figcaption>{name}</figcaption></figure>"
                )
            }
            Outcome::Without { class, detail } => writeln!(
                rest,
                "<tr><td>{}</td><td><a href=\"{link}\">{name}</a></td><td>{}</td></tr>",
                escape(class),
                escape(detail),
            ),
        };
    }
    let title = escape(title);
    let sheet = url(sheet);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p><a href=\"{sheet}\">contact sheet</a></p>\n<div class=\"grid\">\n{grid}</div>\n\
         <h2>Without thumbnails</h2>\n<table>\n{rest}</table>\n</body></html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A `file:` URL with every byte that needs it percent-encoded.
fn url(path: &Path) -> String {
    let mut url = "file://".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let file = Path::new("/p/<b> \"x\" & y.jpg");
        let outcome = Outcome::Without {
            class: "policy".into(),
            detail: "<script>".into(),
        };
        let page = render("<i>", Path::new("/p/s.png"), &[(file, outcome)]);
        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("<i>"));
        assert!(
            page.contains("file:///p/%3Cb%3E%20%22x%22%20%26%20y.jpg"),
            "{page}"
        );
    }

    #[test]
    fn the_grid_shows_the_grid_thumbnail() {
        let thumb = |variant: &str| (variant.to_owned(), format!("/l/{variant}.webp").into());
        let outcome = Outcome::Thumbs(vec![thumb("detail@1x"), thumb("grid@1x")]);
        let page = render(
            "t",
            Path::new("/p/s.png"),
            &[(Path::new("/p/a.jpg"), outcome)],
        );
        assert!(page.contains("src=\"file:///l/grid%401x.webp\""), "{page}");
    }
}
