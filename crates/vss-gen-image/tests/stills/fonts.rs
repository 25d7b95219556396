//! Text in SVG: drawn with the fonts that were handed in, left out without.

use std::io::Write;

use vss_gen_image::ImageGenerator;

use super::job::{Thumb, thumb, thumbs_of};

const TEXT: &[u8] = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100">
    <rect width="200" height="100" fill="#fff"/>
    <text x="10" y="70" font-family="No Such Family" font-size="60">Viewed</text></svg>"##;

/// Pixels that are as dark as text.
fn dark(thumb: &Thumb) -> usize {
    let pixels = thumb.picture.pixels();
    pixels
        .filter(|pixel| pixel.0[..3].iter().all(|c| *c < 100))
        .count()
}

/// A font that `cargo xtask setup` installs.
fn font() -> Option<Vec<u8>> {
    let known = [
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
        "/System/Library/Fonts/Supplemental/Arial.ttf",
    ];
    let found = known.iter().find_map(|path| std::fs::read(path).ok());
    if found.is_none() {
        println!("skipped: none of {known:?} is here (`cargo xtask setup` installs one)");
    }
    found
}

#[test]
fn text_is_drawn_with_the_fonts_that_were_handed_in() {
    let Some(font) = font() else { return };
    let mut source = tempfile::tempfile().unwrap();
    source.write_all(TEXT).unwrap();
    let generator = ImageGenerator::with_fonts([font]);
    let drawn = thumbs_of(&generator, &source, "image/svg+xml", &[200]).unwrap();
    let drawn = dark(&drawn[0]);
    assert!((400..6_000).contains(&drawn), "{drawn} dark pixels");
    let without = thumb("image/svg+xml", TEXT, 200).unwrap();
    assert_eq!(dark(&without), 0);
}
