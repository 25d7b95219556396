//! The letters of an SVG as UTF-8, whatever they were written in.

use std::io::Read;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::read::GzDecoder;

use crate::failure::{Outcome, corrupt, too_large, unsupported};
use crate::source::Source;

/// The most text that is read, packed or not. Maps of whole countries have a tenth of it.
const LONGEST: u64 = 64 << 20;

/// What a declaration has at most, in bytes that are looked at.
const LONGEST_DECLARATION: usize = 256;

/// The text of the file in UTF-8, unpacked when it is packed. Damage of what is UTF-8 already stays in.
///
/// # Errors
/// `corrupt_source` for a damaged packing, `unsupported` for an unknown encoding, `too_large`,
/// `transient_io`, `out_of_memory`.
pub(super) fn read(source: &Source<'_>, text: &mut Vec<u8>, packed: &mut Vec<u8>) -> Outcome<()> {
    if source.size() > LONGEST {
        return Err(too_large(format!("an SVG may have {LONGEST} bytes")));
    }
    source.read_whole(text)?;
    if text.starts_with(&[0x1F, 0x8B]) {
        std::mem::swap(text, packed);
        text.clear();
        let mut unpacked = GzDecoder::new(packed.as_slice()).take(LONGEST + 1);
        unpacked.read_to_end(text).map_err(corrupt)?;
        if text.len() as u64 > LONGEST {
            return Err(too_large(format!("an SVG may unpack to {LONGEST} bytes")));
        }
    }
    let Some(encoding) = encoding_of(text)? else {
        return Ok(());
    };
    let (decoded, _, _) = encoding.decode(text);
    if decoded.len() as u64 > LONGEST {
        return Err(too_large(format!(
            "an SVG may have {LONGEST} bytes as UTF-8"
        )));
    }
    *text = decoded.into_owned().into_bytes();
    Ok(())
}

/// How a text is encoded that is not UTF-8 (XML 1.0, appendix F): by its first bytes, then by what it
/// declares.
fn encoding_of(text: &[u8]) -> Outcome<Option<&'static Encoding>> {
    match text {
        [0xFF, 0xFE, ..] | [b'<', 0, ..] => return Ok(Some(UTF_16LE)),
        [0xFE, 0xFF, ..] | [0, b'<', ..] => return Ok(Some(UTF_16BE)),
        _ => {}
    }
    let Some(label) = declared(text) else {
        return Ok(None);
    };
    let known = Encoding::for_label(label.as_bytes());
    let encoding = known.ok_or_else(|| unsupported(format!("an SVG in the encoding {label:?}")))?;
    // What could be read so far has one byte a letter, whatever it says.
    let others = [UTF_8, UTF_16LE, UTF_16BE];
    Ok((!others.contains(&encoding)).then_some(encoding))
}

/// The name of the encoding in the declaration that a text begins with.
fn declared(text: &[u8]) -> Option<String> {
    let head = text.get(..text.len().min(LONGEST_DECLARATION))?;
    let head = String::from_utf8_lossy(head);
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value
        .chars()
        .next()
        .filter(|quote| "'\"".contains(*quote))?;
    let (label, _) = value.strip_prefix(quote)?.split_once(quote)?;
    Some(label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vss_core::FailureClass;

    #[test]
    fn an_encoding_is_known_by_the_first_bytes_or_by_its_name() {
        let of = |text: &[u8]| encoding_of(text).map(|found| found.map(Encoding::name));
        assert_eq!(of(b"<svg/>"), Ok(None));
        assert_eq!(of(b""), Ok(None));
        assert_eq!(of(b"\xEF\xBB\xBF<svg/>"), Ok(None));
        assert_eq!(of(b"\xFF\xFE<\0"), Ok(Some("UTF-16LE")));
        assert_eq!(of(b"\0<\0?"), Ok(Some("UTF-16BE")));
        let named = |name: &str| {
            let text = format!("<?xml version='1.0' encoding = \"{name}\"?><svg/>");
            of(text.as_bytes())
        };
        assert_eq!(named("utf-8"), Ok(None));
        // It lies: then it could not have been read.
        assert_eq!(named("UTF-16"), Ok(None));
        assert_eq!(named("ISO-8859-1"), Ok(Some("windows-1252")));
        assert_eq!(named("Shift_JIS"), Ok(Some("Shift_JIS")));
        let class = named("of-my-own").map_err(|failure| failure.class);
        assert_eq!(class, Err(FailureClass::Unsupported));
    }
}
