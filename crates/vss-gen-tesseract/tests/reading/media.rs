//! Documents and pictures made for the tests: a few lines of Helvetica, drawn by hayro.

use std::fmt::Write;
use std::io::Cursor;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use image::{DynamicImage, GrayImage, ImageFormat, Luma};

/// What is on a page that is made for a test.
pub(crate) const LINES: [&str; 6] = [
    "The keeper of the lighthouse wrote",
    "down every ship that passed, and the",
    "weather of each morning beside it.",
    "Nobody had ever asked him to do so,",
    "but the book was never closed for",
    "longer than one night in forty years.",
];

/// Points to the right and upwards.
const PAGE: (u32, u32) = (420, 260);

/// A document with the objects that follow the catalogue, numbered from 2.
fn document(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    let catalogue = b"<< /Type /Catalog /Pages 2 0 R >>".to_vec();
    for (number, object) in (1..).zip([&catalogue].into_iter().chain(objects)) {
        offsets.push(bytes.len());
        bytes.extend(format!("{number} 0 obj\n").bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    let start = bytes.len();
    let mut end = format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1);
    for offset in &offsets {
        writeln!(end, "{offset:010} 00000 n ").unwrap();
    }
    let size = offsets.len() + 1;
    write!(
        end,
        "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    )
    .unwrap();
    bytes.extend(end.bytes());
    bytes
}

fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {dictionary} /Length {} >>\nstream\n", data.len()).into_bytes();
    object.extend(data);
    object.extend(b"\nendstream");
    object
}

fn pages(kids: &[usize]) -> Vec<u8> {
    let kids: Vec<_> = kids.iter().map(|kid| format!("{kid} 0 R")).collect();
    let count = kids.len();
    format!(
        "<< /Type /Pages /Count {count} /Kids [{}] >>",
        kids.join(" ")
    )
    .into_bytes()
}

/// A document whose pages say these lines themselves.
pub(crate) fn born_digital(of_pages: &[&[&str]], rotate: u32) -> Vec<u8> {
    let font = 3 + 2 * of_pages.len();
    let kids: Vec<_> = (0..of_pages.len()).map(|index| 3 + 2 * index).collect();
    let mut objects = vec![pages(&kids)];
    for (lines, kid) in of_pages.iter().zip(kids) {
        let mut text = "BT /F1 18 Tf 24 TL 40 210 Td\n".to_owned();
        for line in *lines {
            writeln!(text, "({line}) Tj T*").unwrap();
        }
        text.push_str("ET");
        let (width, height) = PAGE;
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Rotate {rotate} \
                 /Contents {} 0 R /Resources << /Font << /F1 {font} 0 R >> >> >>",
                kid + 1
            )
            .into_bytes(),
        );
        objects.push(stream("", text.as_bytes()));
    }
    objects.push(helvetica());
    document(&objects)
}

fn helvetica() -> Vec<u8> {
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec()
}

/// A document whose only page shows a picture and says nothing.
pub(crate) fn scanned(picture: &GrayImage, rotate: u32) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let (across, up) = match rotate {
        90 | 270 => (PAGE.1, PAGE.0),
        _ => PAGE,
    };
    let show = format!("q {across} 0 0 {up} 0 0 cm /I Do Q");
    let image = format!(
        "/Type /XObject /Subtype /Image /Width {width} /Height {height} \
         /ColorSpace /DeviceGray /BitsPerComponent 8"
    );
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {across} {up}] /Rotate {rotate} \
         /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>"
    );
    document(&[
        pages(&[3]),
        page.into_bytes(),
        stream("", show.as_bytes()),
        stream(&image, picture.as_raw()),
    ])
}

/// A document that claims to show a picture of a million pixels a side.
pub(crate) fn boastful() -> Vec<u8> {
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R \
                /Resources << /XObject << /I 5 0 R >> >> >>";
    let image = "/Type /XObject /Subtype /Image /Width 1000000 /Height 1000000 \
                 /ColorSpace /DeviceGray /BitsPerComponent 8";
    document(&[
        pages(&[3]),
        page.as_bytes().to_vec(),
        stream("", b"q 100 0 0 100 0 0 cm /I Do Q"),
        stream(image, b"nothing"),
    ])
}

/// Where a page has a picture: named by itself, inside of a form, as the mask of another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Page,
    Form,
    Mask,
}

/// What each page of [`claims`] says.
pub(crate) const CLAIM: &str = "This page says enough to be believed.";

/// A document with a page for each of these pictures, of which there is nothing but what they claim.
/// They are not shown; each page says a line of text.
pub(crate) fn claims(of_pages: &[(Place, (u32, u32))]) -> Vec<u8> {
    let kids: Vec<_> = (0..of_pages.len()).map(|index| 3 + 4 * index).collect();
    let font = 3 + 4 * of_pages.len();
    let mut objects = vec![pages(&kids)];
    for ((place, (width, height)), page) in of_pages.iter().zip(kids) {
        let (first, second) = (page + 2, page + 3);
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 260] /Contents {} 0 R \
                 /Resources << /XObject << /I {first} 0 R >> /Font << /F1 {font} 0 R >> >> >>",
                page + 1
            )
            .into_bytes(),
        );
        let text = format!("BT /F1 18 Tf 40 210 Td ({CLAIM}) Tj ET");
        objects.push(stream("", text.as_bytes()));
        let image = |width: u32, height: u32, more: &str| {
            let dictionary = format!(
                "/Type /XObject /Subtype /Image /Width {width} /Height {height} \
                 /ColorSpace /DeviceGray /BitsPerComponent 8 {more}"
            );
            stream(&dictionary, b"nothing")
        };
        let form = format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 1 1] \
             /Resources << /XObject << /I {second} 0 R >> >>"
        );
        let mask = format!("/SMask {second} 0 R");
        objects.push(match place {
            Place::Page => image(*width, *height, ""),
            Place::Form => stream(&form, b"q Q"),
            Place::Mask => image(1, 1, &mask),
        });
        objects.push(image(*width, *height, ""));
    }
    objects.push(helvetica());
    document(&objects)
}

/// The lines as a picture of about 200 dots an inch.
pub(crate) fn picture() -> GrayImage {
    let pdf = Pdf::new(born_digital(&[&LINES], 0)).unwrap();
    let settings = PixmapSettings {
        x_scale: 2.5,
        y_scale: 2.5,
        bg_color: WHITE,
    };
    let drawn = render(
        &pdf.pages()[0],
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &settings,
    );
    let (width, height) = (u32::from(drawn.width()), u32::from(drawn.height()));
    let pixels = drawn.data().iter().map(|pixel| pixel.g).collect();
    GrayImage::from_raw(width, height, pixels).unwrap()
}

pub(crate) fn blank() -> GrayImage {
    GrayImage::from_pixel(600, 400, Luma([250]))
}

pub(crate) fn png(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture.clone())
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// A PNG that claims a million pixels a side and has none.
pub(crate) fn boastful_png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec();
    bytes.extend(1_000_000_u32.to_be_bytes());
    bytes.extend(1_000_000_u32.to_be_bytes());
    bytes.extend([8, 0, 0, 0, 0]);
    let crc = crc(&bytes[12..]);
    bytes.extend(crc.to_be_bytes());
    bytes
}

/// PNG, annex D.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}
