//! Files made of ISO base media boxes: HEIF, AVIF, MP4, QuickTime and Canon's CR3.

/// By the brands of the `ftyp` box (ISO/IEC 14496-12, 4.3), or by an old QuickTime file's first
/// box, which has none.
pub(super) fn sniff(head: &[u8]) -> Option<&'static str> {
    let length = head
        .get(..4)
        .and_then(|word| <[u8; 4]>::try_from(word).ok());
    let length = usize::try_from(u32::from_be_bytes(length?)).ok()?;
    match head.get(4..8)? {
        b"ftyp" => {}
        // The first box of a QuickTime file from before `ftyp`; 1 means that a long length follows.
        b"moov" | b"mdat" | b"wide" | b"pnot" if length >= 8 || length == 1 => {
            return Some("video/quicktime");
        }
        _ => return None,
    }
    let major = head.get(8..12)?;
    // A broken length must not hide what is there: what was read is all that is looked at.
    let brands = head
        .get(16..length.clamp(16, head.len().max(16)))
        .unwrap_or_default();
    let compatible = |brand: &[u8; 4]| brands.chunks_exact(4).any(|other| other == brand);
    Some(match major {
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => "image/heic",
        b"avif" | b"avis" => "image/avif",
        b"mif1" | b"mif2" | b"msf1" | b"miaf" if compatible(b"avif") => "image/avif",
        b"mif1" | b"mif2" | b"msf1" | b"miaf" if compatible(b"heic") => "image/heic",
        b"mif1" | b"mif2" | b"msf1" | b"miaf" => "image/heif",
        b"crx " => "image/x-canon-cr3",
        b"jp2 " | b"jpx " => "image/jp2",
        b"qt  " => "video/quicktime",
        b"M4A " | b"M4B " | b"M4P " | b"F4A " => "audio/mp4",
        b"M4V " | b"M4VH" | b"M4VP" => "video/x-m4v",
        [b'3', b'g', b'2', _] => "video/3gpp2",
        [b'3', b'g', ..] => "video/3gpp",
        _ => "video/mp4",
    })
}
