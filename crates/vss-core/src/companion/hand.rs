//! What a companion that a person named is to its original: a matter of what the two files are,
//! whatever their names and times.

use super::names::{Named, Sort};
use super::{Entry, Relation, Subtitle};

/// The relation in which a file can stand to another one; `None` for a pair that makes no sense,
/// such as two films. A file to itself can only be a Motion Photo.
pub fn relation(of: &Entry, companion: &Entry) -> Option<Relation> {
    if of.entry == companion.entry {
        return of.facts.motion.map(Relation::MotionPhoto);
    }
    let (of, companion) = (Named::new(of), Named::new(companion));
    match (of.sort, companion.sort) {
        (Sort::Raw, Sort::Heif | Sort::Jpeg | Sort::Picture) => Some(Relation::Rendition),
        (Sort::Raw | Sort::Heif | Sort::Jpeg | Sort::Picture, Sort::Clip | Sort::Video) => {
            Some(Relation::LivePhoto)
        }
        (sort, Sort::Xmp) if sort.is_media() => Some(Relation::Xmp { first: true }),
        (Sort::Clip | Sort::Video | Sort::Audio, Sort::Subtitle | Sort::Lyrics) => {
            Some(Relation::Subtitle(Subtitle::of_name(&companion)))
        }
        _ => None,
    }
}
