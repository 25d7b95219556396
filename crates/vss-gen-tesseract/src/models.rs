//! What Tesseract has loaded, one set of languages after the other, before the first job.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use vss_core::FailureClass;
use vss_ports::GenerateFailure;
use vss_raster::Gray;
use vss_raster::failure::{Outcome, unsupported};

use crate::language::{Advice, ORIENTATION};
use crate::tess::{self, Tess};

/// The sets that were loaded, by their languages joined with `+`.
#[derive(Debug)]
pub(crate) struct Models {
    /// The version of the library.
    pub(crate) version: String,
    loaded: BTreeMap<String, Tess>,
    installed: Vec<String>,
}

impl Models {
    /// Loads sets of languages as far as they are installed, each once, and warms them up: the
    /// library opens some of its files with the first page only.
    pub(crate) fn load(tessdata: Option<&Path>, sets: &[Vec<String>]) -> Self {
        let folder = tessdata.and_then(|path| CString::new(path.as_os_str().as_bytes()).ok());
        let load = |languages: &str| Tess::load(folder.as_deref(), languages);
        let installed = load(ORIENTATION).map_or(Vec::new(), |osd| osd.installed());
        let is_there = |language: &String| installed.contains(language);
        let mut loaded = BTreeMap::new();
        for set in sets.iter().filter(|set| set.iter().all(is_there)) {
            let joined = set.join("+");
            if let Some(mut tess) = load(&joined).filter(|_| !loaded.contains_key(&joined)) {
                warm_up(&mut tess);
                loaded.insert(joined, tess);
            }
        }
        Self {
            version: tess::version(),
            loaded,
            installed,
        }
    }

    /// The languages that can be loaded on this machine.
    pub(crate) fn installed(&self) -> &[String] {
        &self.installed
    }

    /// What reads a set of languages.
    ///
    /// # Errors
    /// `tool_missing` with what to install, `unsupported` for what is no language.
    pub(crate) fn reader(&mut self, languages: &[String]) -> Outcome<&mut Tess> {
        let is_name = |name: &String| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !name.is_empty() && name.chars().all(plain)
        };
        if languages.is_empty() || !languages.iter().all(is_name) {
            return Err(unsupported(format!("the languages {languages:?}")));
        }
        if let Some(tess) = self.loaded.get_mut(&languages.join("+")) {
            return Ok(tess);
        }
        // Without the first nobody knows what is installed.
        let needed = [ORIENTATION].into_iter();
        let needed = needed.chain(languages.iter().map(String::as_str));
        let is_missing = |name: &&str| !self.installed.iter().any(|there| there == name);
        let missing: Vec<_> = needed.filter(is_missing).collect();
        let joined = languages.join("+");
        let detail = match missing.is_empty() {
            true => format!("the languages {joined} were not loaded when the worker started"),
            false => {
                let advice: Vec<_> = missing
                    .iter()
                    .map(|name| Advice(name).to_string())
                    .collect();
                let (names, advice) = (missing.join(", "), advice.join("; "));
                format!("Tesseract has no data for {names}: {advice}")
            }
        };
        Err(GenerateFailure::new(FailureClass::ToolMissing, detail))
    }
}

/// Recognises a page of strokes. What comes out does not matter.
fn warm_up(tess: &mut Tess) {
    const WIDTH: u32 = 400;
    const HEIGHT: u32 = 120;
    let ink = |x: u32, y: u32| {
        let (column, row) = (x % 24, y % 40);
        let letter = x > 20 && x < WIDTH - 20 && row > 10 && row < 32 && column < 14;
        letter && (!(3..=10).contains(&column) || row.abs_diff(21) < 2)
    };
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    let pixels: Vec<u8> = places
        .map(|(x, y)| if ink(x, y) { 0 } else { 255 })
        .collect();
    let page = Gray {
        width: WIDTH,
        height: HEIGHT,
        pixels: &pixels,
    };
    let _whatever = tess.recognise(page, Some(150), &mut || true);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_that_is_missing_is_named_with_its_package() {
        let mut models = Models::load(None, &[]);
        let wanted = vec!["xxx_yyy".to_owned()];
        let failure = models.reader(&wanted).unwrap_err();
        assert_eq!(failure.class, FailureClass::ToolMissing);
        assert!(
            failure.detail.contains("tesseract-ocr-xxx-yyy"),
            "{failure}"
        );
    }

    #[test]
    fn what_is_no_name_of_a_language_never_reaches_the_library() {
        let mut models = Models::load(None, &[]);
        for bad in ["", "../eng", "a/b", "eng+deu", "en g"] {
            let failure = models.reader(&[bad.to_owned()]).unwrap_err();
            assert_eq!(failure.class, FailureClass::Unsupported, "{bad:?}");
        }
        assert!(models.reader(&[]).is_err());
    }
}
