//! Fonts that text in SVG is drawn with. They are handed in as bytes, before a worker's lock: what is
//! not here then is not there at all.

use std::fmt;
use std::sync::Arc;

use resvg::usvg::fontdb::{Database, Family, Query, Style, Weight};
use resvg::usvg::{FontFamily, FontStyle, Options};

/// A set of fonts. Its copies share them.
#[derive(Clone, Default)]
pub struct Fonts(Arc<Database>);

impl fmt::Debug for Fonts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fonts({})", self.0.len())
    }
}

/// Families of the same look by which files call what they want, and what is wanted instead when
/// that is not here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Look {
    Sans,
    Serif,
    Mono,
}

impl Look {
    const ALL: [Self; 3] = [Self::Sans, Self::Serif, Self::Mono];

    /// By the words in a family's name.
    fn of(family: &str) -> Self {
        let name = family.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["mono", "courier", "consol", "typewriter", "menlo"]) {
            Self::Mono
        } else if has(&["sans"]) {
            Self::Sans
        } else if has(&["serif", "times", "georgia", "roman", "garamond", "palatino"]) {
            Self::Serif
        } else {
            Self::Sans
        }
    }
}

impl Fonts {
    /// Of the contents of font files; what is no font is passed over. Of two families of one look the
    /// first is the usual one.
    pub fn new(files: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut database = Database::new();
        for file in files {
            database.load_font_data(file);
        }
        let families: Vec<String> = database
            .faces()
            .filter_map(|face| face.families.first())
            .map(|(name, _)| name.clone())
            .collect();
        for look in Look::ALL {
            let found = families.iter().find(|name| Look::of(name) == look);
            let Some(name) = found.or(families.first()) else {
                continue;
            };
            match look {
                Look::Sans => {
                    database.set_sans_serif_family(name);
                    database.set_cursive_family(name);
                    database.set_fantasy_family(name);
                }
                Look::Serif => database.set_serif_family(name),
                Look::Mono => database.set_monospace_family(name),
            }
        }
        Self(Arc::new(database))
    }

    /// Lets an SVG be drawn with them.
    pub(crate) fn hand_to(&self, options: &mut Options<'_>) {
        options.fontdb = Arc::clone(&self.0);
        // The usual way ends with the serif family, whatever was asked for.
        options.font_resolver.select_font = Box::new(|font, database| {
            let families = font.families().iter();
            let mut families: Vec<_> = families.map(family).collect();
            let first = font.families().first();
            families.push(match first.map(look) {
                Some(Look::Mono) => Family::Monospace,
                Some(Look::Serif) => Family::Serif,
                Some(Look::Sans) | None => Family::SansSerif,
            });
            database.query(&Query {
                families: &families,
                weight: Weight(font.weight()),
                style: match font.style() {
                    FontStyle::Normal => Style::Normal,
                    FontStyle::Italic => Style::Italic,
                    FontStyle::Oblique => Style::Oblique,
                },
                ..Query::default()
            })
        });
    }
}

fn family(of: &FontFamily) -> Family<'_> {
    match of {
        FontFamily::Serif => Family::Serif,
        FontFamily::SansSerif => Family::SansSerif,
        FontFamily::Cursive => Family::Cursive,
        FontFamily::Fantasy => Family::Fantasy,
        FontFamily::Monospace => Family::Monospace,
        FontFamily::Named(name) => Family::Name(name),
    }
}

fn look(of: &FontFamily) -> Look {
    match of {
        FontFamily::Named(name) => Look::of(name),
        FontFamily::Monospace => Look::Mono,
        FontFamily::Serif => Look::Serif,
        _ => Look::Sans,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_that_is_not_here_has_a_look() {
        let of = |name| Look::of(name);
        assert_eq!(of("Arial"), Look::Sans);
        assert_eq!(of("DejaVu Sans Mono"), Look::Mono);
        assert_eq!(of("Liberation Sans"), Look::Sans);
        assert_eq!(of("Times New Roman"), Look::Serif);
        assert_eq!(of("MS Sans Serif"), Look::Sans);
        assert_eq!(of("Courier New"), Look::Mono);
    }

    #[test]
    fn what_is_no_font_is_passed_over() {
        assert_eq!(
            format!("{:?}", Fonts::new([vec![], vec![0; 64]])),
            "Fonts(0)"
        );
    }
}
