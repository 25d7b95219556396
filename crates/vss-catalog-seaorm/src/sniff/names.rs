//! The last resort: what a name ending says of a file whose bytes say nothing. A text named `.png`
//! is then a broken picture, which is what its owner takes it for.

use std::ffi::OsStr;
use std::path::Path;

/// The ending of a name in lower case, without the dot.
pub(super) fn extension(name: &OsStr) -> Option<String> {
    Some(Path::new(name).extension()?.to_str()?.to_ascii_lowercase())
}

/// The media type that an ending stands for.
pub(super) fn by_extension(extension: &str) -> Option<&'static str> {
    TABLE
        .iter()
        .find(|(_, endings)| endings.contains(&extension))
        .map(|(media_type, _)| *media_type)
}

pub(super) const TABLE: &[(&str, &[&str])] = &[
    ("image/jpeg", &["jpg", "jpeg", "jpe", "jfif"]),
    ("image/png", &["png"]),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
    ("image/bmp", &["bmp", "dib"]),
    ("image/tiff", &["tif", "tiff"]),
    ("image/vnd.microsoft.icon", &["ico"]),
    ("image/heic", &["heic"]),
    ("image/heif", &["heif", "hif"]),
    ("image/avif", &["avif"]),
    ("image/jxl", &["jxl"]),
    ("image/jp2", &["jp2", "jpf", "jpx"]),
    ("image/j2c", &["j2c", "j2k"]),
    ("image/svg+xml", &["svg"]),
    ("image/vnd.adobe.photoshop", &["psd"]),
    // Truevision TGA has no magic number.
    ("image/x-tga", &["tga"]),
    ("video/mp4", &["mp4"]),
    ("video/x-m4v", &["m4v"]),
    ("video/quicktime", &["mov", "qt"]),
    ("video/x-matroska", &["mkv"]),
    ("video/webm", &["webm"]),
    ("video/x-msvideo", &["avi"]),
    ("video/x-ms-wmv", &["wmv"]),
    ("video/mpeg", &["mpg", "mpeg", "vob"]),
    ("video/mp2t", &["ts", "mts", "m2ts"]),
    ("video/3gpp", &["3gp"]),
    ("video/x-flv", &["flv"]),
    ("video/ogg", &["ogv"]),
    ("audio/mpeg", &["mp3"]),
    ("audio/mp4", &["m4a", "m4b"]),
    ("audio/flac", &["flac"]),
    ("audio/wav", &["wav"]),
    ("audio/ogg", &["ogg", "oga", "opus"]),
    ("audio/aac", &["aac"]),
    ("audio/x-aiff", &["aiff", "aif"]),
    ("audio/amr", &["amr"]),
    ("audio/x-ms-wma", &["wma"]),
    ("application/pdf", &["pdf"]),
    ("application/json", &["json"]),
    ("application/rdf+xml", &["xmp"]),
    ("application/x-subrip", &["srt"]),
    ("text/vtt", &["vtt"]),
    ("text/plain", &["txt", "text", "log"]),
    ("text/markdown", &["md", "markdown"]),
    ("text/csv", &["csv"]),
    ("text/html", &["html", "htm"]),
    ("text/xml", &["xml"]),
];
