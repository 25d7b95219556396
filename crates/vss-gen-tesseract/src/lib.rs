//! Generator for text: what pictures and documents say, with its place on each page.
//!
//! A picture is decoded by `vss-raster` and recognised by Tesseract (`tess`); `page` turns what was
//! seen upright. A document is read page by page (`document`); a page of a PDF (`pdf`) says its text itself when its text layer is good
//! (`layer`), else it is drawn and recognised. `models` holds what Tesseract has loaded, which it
//! does once: in a confined worker nothing can be opened later.
//!
//! Without the feature `engine` there is only the descriptor, and nothing native to link.

mod descriptor;
mod language;

#[cfg(feature = "engine")]
mod density;
#[cfg(feature = "engine")]
mod document;
#[cfg(feature = "engine")]
mod generator;
#[cfg(feature = "engine")]
mod layer;
#[cfg(feature = "engine")]
mod models;
#[cfg(feature = "engine")]
mod page;
#[cfg(feature = "engine")]
mod pdf;
#[cfg(feature = "engine")]
mod tess;
#[cfg(feature = "engine")]
mod words;

pub use descriptor::descriptor;
#[cfg(feature = "engine")]
pub use generator::TesseractOcr;
pub use language::{Advice, ORIENTATION};
