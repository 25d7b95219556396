//! Properties of names and paths over hostile input: what parses round-trips, what does not parse
//! names nothing.

use proptest::prelude::*;
use uuid::Uuid;
use vss_core::{
    ContentUuid, Digest, Format, Kind, Manifest, ManifestEntry, SidecarKey, SidecarSource,
    Timestamp, Variant, layout,
};

fn contents() -> impl Strategy<Value = ContentUuid> {
    any::<u128>().prop_map(|bits| ContentUuid::new(Uuid::from_u128(bits)))
}

fn keys() -> impl Strategy<Value = (SidecarKey, Format)> {
    let kinds = prop_oneof![
        proptest::sample::select(Kind::ALL.to_vec()),
        "[a-z0-9][a-z0-9_-]{0,31}".prop_filter_map("reserved", |s| s.parse::<Kind>().ok()),
    ];
    let variants = "[a-z0-9][a-z0-9._@-]{0,63}".prop_filter_map("refused", |s| s.parse().ok());
    let formats = prop_oneof![
        Just(Format::VTT),
        "[a-z0-9]{1,12}".prop_filter_map("refused", |s: String| s.parse().ok()),
    ];
    (contents(), kinds, variants, formats).prop_map(|(content, kind, variant, format)| {
        let usual = kind.default_format();
        let format = match usual {
            Some(usual) if !kind.may_have(&format) => usual,
            _ => format,
        };
        (SidecarKey::new(content, kind, variant), format)
    })
}

/// Text made of the pieces that break path code.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("..".to_owned()),
        Just("/".to_owned()),
        Just("\\".to_owned()),
        Just("\0".to_owned()),
        Just("con".to_owned()),
        Just("thumbs".to_owned()),
        Just("content".to_owned()),
        Just("grid@1x.webp".to_owned()),
        Just("0b5bfc05-63f1-5c92-ab6e-2dca9d3df062".to_owned()),
        Just("0B5BFC05-63F1-5C92-AB6E-2DCA9D3DF062".to_owned()),
        "[0-9a-f]{2}",
        "\\PC{0,4}",
    ];
    proptest::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_key_and_its_path_determine_each_other((key, format) in keys()) {
        let path = layout::sidecar_path(&key, &format);
        prop_assert_eq!(layout::parse_sidecar_path(path.as_str()), Ok((key.clone(), format)));
        prop_assert!(path.as_str().starts_with(layout::content_folder(key.content).as_str()));
        prop_assert_eq!(path.as_str(), path.as_str().to_lowercase());
        prop_assert!(path.parts().all(|p| !p.is_empty() && p != "." && p != ".." && p.len() <= 255));
    }

    #[test]
    fn two_keys_never_share_a_path(a in keys(), b in keys()) {
        prop_assert_eq!(a == b, layout::sidecar_path(&a.0, &a.1) == layout::sidecar_path(&b.0, &b.1));
    }

    #[test]
    fn a_hostile_path_is_refused_or_is_exactly_the_path_of_what_it_names(text in hostile()) {
        if let Ok((key, format)) = layout::parse_sidecar_path(&text) {
            let path = layout::sidecar_path(&key, &format);
            prop_assert_eq!(path.as_str(), text);
        }
    }

    #[test]
    fn a_changed_character_never_names_the_same_sidecar(
        (key, format) in keys(), at in any::<prop::sample::Index>(), other in any::<char>(),
    ) {
        let path = layout::sidecar_path(&key, &format).as_str().to_owned();
        let mut characters: Vec<char> = path.chars().collect();
        let at = at.index(characters.len());
        characters[at] = other;
        let changed: String = characters.into_iter().collect();
        if changed != path {
            prop_assert_ne!(layout::parse_sidecar_path(&changed), Ok((key, format)));
        }
    }

    #[test]
    fn names_round_trip_or_are_refused(text in hostile()) {
        if let Ok(kind) = text.parse::<Kind>() {
            prop_assert_eq!(kind.as_str(), &text);
            let format = kind.default_format().unwrap_or(Format::JSON);
            prop_assert!(kind.may_have(&format));
            prop_assert_eq!(Kind::of_file(kind.folder(), &format), Ok(kind));
        }
        for format in [Format::WEBP, Format::VTT] {
            if let Ok(kind) = Kind::of_file(&text, &format) {
                prop_assert_eq!(kind.folder(), &text);
                prop_assert!(kind.may_have(&format));
            }
        }
        if let Ok(variant) = text.parse::<Variant>() {
            prop_assert_eq!(variant.as_str(), &text);
        }
    }

    #[test]
    fn digests_round_trip(bytes in any::<[u8; 32]>()) {
        let digest = Digest::from_bytes(bytes);
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        prop_assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err()
            || digest.to_string().bytes().all(|b| b.is_ascii_digit()));
    }
}

#[test]
fn each_rule_for_names_refuses_what_it_is_for() {
    for bad in [
        "", ".a", "-a", "A", "a/b", "a\\b", "a..b", "a.", "con", "con.x", "lpt1", "com9.tar", "ä",
        "a b",
    ] {
        assert!(bad.parse::<Variant>().is_err(), "{bad:?}");
    }
    assert!("a".repeat(64).parse::<Variant>().is_ok());
    assert!("a".repeat(65).parse::<Variant>().is_err());
    for good in [
        "grid@1x",
        "all-minilm-l6-v2",
        "720p",
        "com",
        "com10",
        "console",
        "a.b",
    ] {
        assert!(good.parse::<Variant>().is_ok(), "{good:?}");
    }
    for bad in ["thumbs", "proxies", "waveforms", "a.b", "a@b", "nul"] {
        assert!(bad.parse::<Kind>().is_err(), "{bad:?}");
    }
    assert!(
        Kind::check_folder("thumb").is_err(),
        "a kind is not its folder"
    );
    let in_strips = |format| Kind::of_file("thumbstrips", &format).unwrap();
    assert_eq!(in_strips(Format::WEBP), Kind::THUMBSTRIP);
    assert_eq!(in_strips(Format::VTT), Kind::THUMBSTRIP_MAP);
    assert!(
        !Kind::THUMBSTRIP.may_have(&Format::VTT),
        "it would be a map"
    );
    assert!("tar.gz".parse::<Format>().is_err());
}

#[test]
fn the_paths_of_the_design_document_come_out() {
    let content: ContentUuid = "abcd1234-0000-5000-8000-000000000000".parse().unwrap();
    let path = |kind: Kind, variant: &str, format: &str| {
        let key = SidecarKey::new(content, kind, variant.parse().unwrap());
        layout::sidecar_path(&key, &format.parse().unwrap()).to_string()
    };
    let folder = "content/ab/cd/abcd1234-0000-5000-8000-000000000000";
    assert_eq!(
        path(Kind::THUMB, "grid@2x", "webp"),
        format!("{folder}/thumbs/grid@2x.webp")
    );
    assert_eq!(
        path(Kind::PROXY, "720p", "mp4"),
        format!("{folder}/proxies/720p.mp4")
    );
    assert_eq!(
        path(Kind::EMBEDDINGS, "clip.v2", "json"),
        format!("{folder}/embeddings/clip.v2.json")
    );
    assert_eq!(
        path(Kind::OCR, "ocr", "json"),
        format!("{folder}/ocr/ocr.json")
    );
    assert_eq!(
        layout::manifest_path(content).to_string(),
        format!("{folder}/manifest.json")
    );
}

#[test]
fn devices_agree_on_the_uuid_of_a_row() {
    let content = "0b5bfc05-63f1-5c92-ab6e-2dca9d3df062".parse().unwrap();
    let key = SidecarKey::new(content, Kind::THUMB, Variant::GRID_1X);
    assert_eq!(
        key.to_string(),
        "0b5bfc05-63f1-5c92-ab6e-2dca9d3df062|thumb|grid@1x"
    );
    assert_eq!(
        key.row_uuid().to_string(),
        "822daba8-424b-569a-a78c-3be7776e9a1d"
    );
}

proptest! {
    /// What `b3sum --check` reads: the digest, two spaces, the path, nothing that it would take for
    /// an escape.
    #[test]
    fn each_sidecar_has_its_line_for_b3sum(keys in proptest::collection::vec(keys(), 0..5)) {
        let content = ContentUuid::from_bytes([7; 16]);
        let mut manifest = Manifest::empty(content);
        for (number, (key, format)) in (0_u8..).zip(&keys) {
            manifest.set(ManifestEntry {
                kind: key.kind.clone(),
                variant: key.variant.clone(),
                format: format.clone(),
                size: 1,
                blake3: Digest::of(&[number]),
                source: SidecarSource::Adopted,
                generator_version: None,
                created_at: Timestamp::default(),
            });
        }
        let sums = manifest.b3sums();
        prop_assert_eq!(sums.len(), manifest.b3sums_len());
        prop_assert!(!sums.contains('\\'));
        prop_assert_eq!(sums.lines().count(), manifest.sidecars.len());
        for (line, entry) in sums.lines().zip(&manifest.sidecars) {
            let (digest, path) = line.split_once("  ").unwrap();
            prop_assert_eq!(digest, entry.blake3.to_string());
            let (key, format) = layout::parse_sidecar_path(path).unwrap();
            prop_assert_eq!((key.content, &format), (content, &entry.format));
            prop_assert_eq!((&key.kind, &key.variant), (&entry.kind, &entry.variant));
        }
    }
}
