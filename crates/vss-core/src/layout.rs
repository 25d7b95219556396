//! Where a managed sidecar lives: a bijection between `(key, format)` and a relative path.
//!
//! ```text
//! content/{h0}/{h1}/{content_uuid}/{folder}/{variant}.{format}
//! content/{h0}/{h1}/{content_uuid}/manifest.json
//! content/{h0}/{h1}/{content_uuid}/B3SUMS
//! ```
//!
//! `h0` and `h1` are the first two byte pairs of the content's lower-case hex without hyphens. A
//! path that does not parse back to the very same text is refused, so nothing that a disk holds
//! can name a sidecar in a second spelling.

use std::fmt;
use std::str::FromStr;

use crate::{ContentUuid, Format, FormatError, Kind, KindError, SidecarKey, Variant, VariantError};

/// The folder below `sidecars/` that holds the content folders.
pub const CONTENT_ROOT: &str = "content";

/// The name of the file in a content's folder that says what is there.
pub const MANIFEST_NAME: &str = "manifest.json";

/// The name of the file in a content's folder that says the same for `b3sum --check`.
pub const SUMS_NAME: &str = "B3SUMS";

/// A path below `sidecars/` that was computed from parsed parts or parsed into them: always
/// relative, always `/`-separated, never climbing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RelPath(String);

impl RelPath {
    /// The path with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts, from the outermost folder to the file name.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a path names no sidecar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// Not `content/h0/h1/uuid/folder/file`.
    #[error("a sidecar's path has six parts, content/h0/h1/uuid/folder/file")]
    Shape,
    /// The content folder is not a lower-case hyphenated UUID.
    #[error("{0:?} is not a content folder")]
    Content(String),
    /// The shard folders are not those of the content.
    #[error("the content does not belong in this shard")]
    WrongShard,
    /// The kind folder is unknown.
    #[error(transparent)]
    Kind(#[from] KindError),
    /// The file name has no extension.
    #[error("{0:?} has no extension")]
    NoFormat(String),
    /// The part before the extension is no variant.
    #[error(transparent)]
    Variant(#[from] VariantError),
    /// The extension is no format.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// The two shard folders of a content, two hex digits each.
pub fn shard(content: ContentUuid) -> (String, String) {
    let bytes = content.as_bytes();
    (format!("{:02x}", bytes[0]), format!("{:02x}", bytes[1]))
}

/// The folder of all of a content's sidecars.
pub fn content_folder(content: ContentUuid) -> RelPath {
    let bytes = content.as_bytes();
    RelPath(format!(
        "{CONTENT_ROOT}/{:02x}/{:02x}/{content}",
        bytes[0], bytes[1]
    ))
}

/// The manifest of a content.
pub fn manifest_path(content: ContentUuid) -> RelPath {
    RelPath(format!("{}/{MANIFEST_NAME}", content_folder(content)))
}

/// The file name of a sidecar in its kind's folder.
pub fn file_name(variant: &Variant, format: &Format) -> String {
    format!("{variant}.{format}")
}

/// The path of a sidecar of a format that its kind may have ([`Kind::may_have`]); of any other it
/// would be the path of another kind.
pub fn sidecar_path(key: &SidecarKey, format: &Format) -> RelPath {
    let folder = content_folder(key.content);
    RelPath(format!(
        "{folder}/{}/{}.{format}",
        key.kind.folder(),
        key.variant
    ))
}

/// Reads the name of a content folder.
///
/// # Errors
/// [`LayoutError::Content`] unless it is a lower-case hyphenated UUID.
pub fn parse_content_folder(name: &str) -> Result<ContentUuid, LayoutError> {
    let refuse = || LayoutError::Content(name.into());
    let content = ContentUuid::from_str(name).map_err(|_| refuse())?;
    // UUIDs have several spellings; a folder has one.
    if content.to_string() == name {
        Ok(content)
    } else {
        Err(refuse())
    }
}

/// Reads the name of a file in a kind's folder.
///
/// # Errors
/// [`LayoutError`] when the folder is none, or the file is not `{variant}.{format}`.
pub fn parse_sidecar_name(
    folder: &str,
    file: &str,
) -> Result<(Kind, Variant, Format), LayoutError> {
    // A format holds no dot, so the last one is the border.
    let (variant, format) = file
        .rsplit_once('.')
        .ok_or_else(|| LayoutError::NoFormat(file.into()))?;
    let format = format.parse()?;
    Ok((Kind::of_file(folder, &format)?, variant.parse()?, format))
}

/// Reads the path of a sidecar; the inverse of [`sidecar_path`].
///
/// # Errors
/// [`LayoutError`] when no sidecar has this path.
pub fn parse_sidecar_path(path: &str) -> Result<(SidecarKey, Format), LayoutError> {
    let parts: Vec<&str> = path.split('/').collect();
    let [CONTENT_ROOT, h0, h1, content, folder, file] = parts[..] else {
        return Err(LayoutError::Shape);
    };
    let content = parse_content_folder(content)?;
    if shard(content) != (h0.to_owned(), h1.to_owned()) {
        return Err(LayoutError::WrongShard);
    }
    let (kind, variant, format) = parse_sidecar_name(folder, file)?;
    Ok((SidecarKey::new(content, kind, variant), format))
}
