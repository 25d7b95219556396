//! Which part of the vault a path is about.

use std::path::Path;

use vss_core::layout::{self, CONTENT_ROOT, MANIFEST_NAME, SUMS_NAME};
use vss_core::{ContentUuid, Format, Kind, SidecarKey};

/// A part of the vault in which something changed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Spot {
    /// The file of a sidecar.
    Sidecar(SidecarKey, Format),
    /// The folder of a kind, by its name, which kinds may share.
    Folder(ContentUuid, String),
    /// The sums beside a manifest.
    Sums(ContentUuid),
    /// Something else in the folder of a content, or all of it.
    Content(ContentUuid),
    /// Contents after one uuid and up to another.
    Range(Option<ContentUuid>, Option<ContentUuid>),
}

impl Spot {
    /// Everything.
    pub(crate) const ALL: Self = Self::Range(None, None);

    /// The spot of a path; `None` where nothing that lies there is a sidecar. `root` is the folder
    /// of the vault.
    pub(crate) fn of(root: &Path, path: &Path) -> Option<Self> {
        let below = path.strip_prefix(root).ok()?;
        let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
        match parts?.as_slice() {
            [] | [CONTENT_ROOT] => Some(Self::ALL),
            [CONTENT_ROOT, h0] => Self::shard(&[*h0]),
            [CONTENT_ROOT, h0, h1] => Self::shard(&[*h0, *h1]),
            [CONTENT_ROOT, h0, h1, content, rest @ ..] => {
                let content = layout::parse_content_folder(content).ok()?;
                if layout::shard(content) != ((*h0).to_owned(), (*h1).to_owned()) {
                    return None;
                }
                match rest {
                    [] => Some(Self::Content(content)),
                    // Written with each file; nothing rests on it as long as there are rows.
                    [MANIFEST_NAME] => None,
                    [SUMS_NAME] => Some(Self::Sums(content)),
                    [name] if name.starts_with('.') => None,
                    [folder] if Kind::check_folder(folder).is_ok() => {
                        Some(Self::Folder(content, (*folder).to_owned()))
                    }
                    [_name] => Some(Self::Content(content)),
                    [_folder, _file] => {
                        let text = below.to_str()?;
                        let (key, format) = layout::parse_sidecar_path(text).ok()?;
                        Some(Self::Sidecar(key, format))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The contents whose uuid begins with these bytes.
    fn shard(folders: &[&str]) -> Option<Self> {
        let byte = |text: &&str| {
            let byte = u8::from_str_radix(text, 16).ok()?;
            (format!("{byte:02x}") == **text).then_some(byte)
        };
        let begins: Vec<u8> = folders.iter().map(byte).collect::<Option<_>>()?;
        let filled = |with: u8| {
            let mut bytes = [with; 16];
            for (byte, begins) in bytes.iter_mut().zip(&begins) {
                *byte = *begins;
            }
            u128::from_be_bytes(bytes)
        };
        let after = filled(0).checked_sub(1);
        let content = |number: u128| ContentUuid::from_bytes(number.to_be_bytes());
        Some(Self::Range(after.map(content), Some(content(filled(0xff)))))
    }
}

#[cfg(test)]
mod tests {
    use vss_core::{Kind, Variant};

    use super::*;

    const CONTENT: &str = "97f6a1d7-0000-5000-8000-000000000001";

    fn spot(below: &str) -> Option<Spot> {
        Spot::of(Path::new("/v"), &Path::new("/v").join(below))
    }

    #[test]
    fn a_path_is_about_a_sidecar_a_content_or_many() {
        let content: ContentUuid = CONTENT.parse().unwrap();
        let folder = format!("content/97/f6/{CONTENT}");
        let key = SidecarKey::new(content, Kind::THUMB, Variant::GRID_1X);
        let sidecar = Spot::Sidecar(key, Format::WEBP);
        assert_eq!(
            spot(&format!("{folder}/thumbs/grid@1x.webp")),
            Some(sidecar)
        );
        assert_eq!(spot(&folder), Some(Spot::Content(content)));
        assert_eq!(
            spot(&format!("{folder}/thumbs")),
            Some(Spot::Folder(content, "thumbs".into()))
        );
        assert_eq!(spot(&format!("{folder}/B3SUMS")), Some(Spot::Sums(content)));
        assert_eq!(
            spot(&format!("{folder}/My Notes")),
            Some(Spot::Content(content))
        );
        assert_eq!(spot("content"), Some(Spot::ALL));
        assert_eq!(spot(""), Some(Spot::ALL));
        for nothing in [
            format!("{folder}/manifest.json"),
            format!("{folder}/thumbs/notes"),
            format!("{folder}/thumbs/deep/grid@1x.webp"),
            format!("content/97/f7/{CONTENT}"),
            "content/97/f6/photos".into(),
            "content/9G".into(),
            "content/097".into(),
            ".quarantine".into(),
            "notes.txt".into(),
        ] {
            assert_eq!(spot(&nothing), None, "{nothing}");
        }
        assert_eq!(Spot::of(Path::new("/v"), Path::new("/elsewhere")), None);
    }

    #[test]
    fn a_shard_is_all_contents_that_begin_with_it() {
        let uuid = |text: &str| Some(text.parse::<ContentUuid>().unwrap());
        assert_eq!(
            spot("content/97"),
            Some(Spot::Range(
                uuid("96ffffff-ffff-ffff-ffff-ffffffffffff"),
                uuid("97ffffff-ffff-ffff-ffff-ffffffffffff"),
            ))
        );
        assert_eq!(
            spot("content/97/f6"),
            Some(Spot::Range(
                uuid("97f5ffff-ffff-ffff-ffff-ffffffffffff"),
                uuid("97f6ffff-ffff-ffff-ffff-ffffffffffff"),
            ))
        );
        let first = Spot::Range(None, uuid("00ffffff-ffff-ffff-ffff-ffffffffffff"));
        assert_eq!(spot("content/00"), Some(first));
    }
}
