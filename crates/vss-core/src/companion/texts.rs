//! Text files that belong to pictures, films and songs of the same name.

use super::folder::Found;
use super::names::{Named, Names, Sort};
use super::{Companion, Evidence, Relation, Subtitle};

/// Files of one name that a text may belong to: nobody keeps more of them.
const SHARED: usize = 16;

/// Finds what XMP files, subtitles and lyrics belong to.
pub(super) fn find(names: &Names<'_>, found: &mut Found<'_>) {
    for text in names.all() {
        if found.decisions.placed(text.entry) {
            continue;
        }
        match text.sort {
            Sort::Xmp => xmp(text, names, found),
            Sort::Subtitle => subtitle(text, names, found, &[Sort::Clip, Sort::Video, Sort::Audio]),
            Sort::Lyrics => subtitle(text, names, found, &[Sort::Audio]),
            _ => {}
        }
    }
}

/// `a.cr2.xmp` is that of `a.cr2` alone; `a.xmp` is that of each `a.*`, of the RAW first.
fn xmp(text: &Named<'_>, names: &Names<'_>, found: &mut Found<'_>) {
    let mut whole = names.whole(text.stem()).iter();
    if let Some(of) = whole.find(|named| named.sort.is_media()) {
        let relation = Relation::Xmp { first: true };
        return belongs(of, text, relation, Evidence::FullName, found);
    }
    let claims = names.stem(text.stem()).iter();
    let mut claims: Vec<_> = claims
        .filter(|named| named.sort.is_media() && !found.is_half_video(named))
        .take(SHARED)
        .collect();
    claims.sort_by_key(|named| named.sort);
    for (nth, of) in claims.into_iter().enumerate() {
        let relation = Relation::Xmp { first: nth == 0 };
        belongs(of, text, relation, Evidence::Name, found);
    }
}

/// The words between the name of a film and the ending that are looked at.
const WORDS: usize = 4;

/// `movie.pt-BR.forced.srt` belongs to `movie.mkv`, unless there is a `movie.pt-BR.mkv`.
fn subtitle(text: &Named<'_>, names: &Names<'_>, found: &mut Found<'_>, sorts: &[Sort]) {
    let mut said = Subtitle::default();
    let mut stem = text.stem();
    for _ in 0..=WORDS {
        let media = names.stem(stem).iter();
        let media: Vec<_> = media
            .filter(|named| sorts.contains(&named.sort) && !found.is_half_video(named))
            .take(SHARED)
            .collect();
        if !media.is_empty() {
            for of in media {
                let relation = Relation::Subtitle(said.clone());
                belongs(of, text, relation, Evidence::Name, found);
            }
            return;
        }
        let Some(dot) = stem.iter().rposition(|byte| *byte == b'.') else {
            return;
        };
        if !said.take(stem.get(dot + 1..).unwrap_or_default()) {
            return;
        }
        stem = stem.get(..dot).unwrap_or_default();
    }
}

impl Subtitle {
    /// What the words before the ending of a name say, up to the first that says nothing.
    pub(super) fn of_name(text: &Named<'_>) -> Self {
        let mut said = Self::default();
        let words = text.stem().rsplit(|byte| *byte == b'.').take(WORDS);
        for word in words {
            if !said.take(word) {
                break;
            }
        }
        said
    }

    /// Takes one word in; whether it says something of a text.
    fn take(&mut self, word: &[u8]) -> bool {
        match std::str::from_utf8(word) {
            Ok("forced") => self.forced = true,
            Ok("sdh" | "cc") => self.hearing_impaired = true,
            Ok("default") => {}
            Ok(word) if self.language.is_none() => match word.parse() {
                Ok(language) => self.language = Some(language),
                Err(_) => return false,
            },
            _ => return false,
        }
        true
    }
}

fn belongs(
    of: &Named<'_>,
    text: &Named<'_>,
    relation: Relation,
    evidence: Evidence,
    found: &mut Found<'_>,
) {
    if !found.part(of, text) {
        found.companions.push(Companion {
            of: of.entry.entry,
            companion: text.entry.entry,
            relation,
            evidence,
        });
    }
}
