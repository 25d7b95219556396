//! What belongs together by its names: RAW and JPEG, settings, subtitles.

use super::*;

#[test]
fn the_cameras_picture_belongs_to_the_raw() {
    for (files, expected) in [
        (
            vec![file("DSC_1.NEF").at(9), file("DSC_1.JPG").at(9)],
            "DSC_1.NEF rendition DSC_1.JPG likely",
        ),
        (
            vec![file("DSC_1.NEF").at(9), file("dsc_1.jpg")],
            "DSC_1.NEF rendition dsc_1.jpg likely",
        ),
        // A shrunk one, which is a JPEG by its bytes.
        (
            vec![file("DSC_1.NEF").typed("image/jpeg"), file("DSC_1.JPG")],
            "DSC_1.NEF rendition DSC_1.JPG likely",
        ),
        // Of the camera's RAW and what was converted from it, the camera's.
        (
            vec![file("a.dng"), file("a.nef"), file("a.jpg")],
            "a.nef rendition a.jpg likely",
        ),
        (vec![file("a.nef").at(9), file("a.jpg").at(99)], ""),
        (vec![file("a.nef"), file("a.png")], ""),
        (vec![file("a.nef"), file("b.jpg")], ""),
        (vec![file("a.jpg"), file("a.jpeg")], ""),
    ] {
        assert_eq!(found(&files).join("; "), expected);
    }
}

#[test]
fn settings_belong_to_what_they_are_named_after() {
    let files = [
        file("a.cr2"),
        file("a.jpg"),
        file("a.CR2.xmp"),
        file("b.xmp"),
        file("b.jpg"),
        file("b.cr2"),
        file("b-c.jpg"),
        file("none.xmp"),
    ];
    assert_eq!(
        found(&files),
        [
            "a.cr2 rendition a.jpg likely",
            "a.cr2 xmp a.CR2.xmp certain",
            "b.jpg xmp b.xmp possible",
            "b.cr2 xmp b.xmp likely",
            "b.cr2 rendition b.jpg likely",
        ]
    );
    let live = [file("a.heic").at(1), file("a.mov").at(1), file("a.xmp")];
    assert_eq!(
        found(&live),
        ["a.heic live_photo a.mov likely", "a.heic xmp a.xmp likely"]
    );
}

#[test]
fn the_name_of_a_subtitle_says_language_and_sort() {
    let said = |film: &str, text: &str| {
        let entries = entries(&[file(film), file(text)]);
        let pairs = in_folder(&entries, &Decisions::default());
        let relation = pairs.companions.first().map(|found| found.relation.clone());
        let Some(Relation::Subtitle(said)) = relation else {
            return "-".to_owned();
        };
        let mut words = said.language.map_or("?".to_owned(), String::from);
        words.push_str(if said.forced { " forced" } else { "" });
        words.push_str(if said.hearing_impaired { " sdh" } else { "" });
        words
    };
    for (film, text, expected) in [
        ("movie.mkv", "movie.srt", "?"),
        ("movie.mkv", "Movie.EN.srt", "en"),
        ("movie.mkv", "movie.eng.vtt", "en"),
        ("movie.mkv", "movie.pt-BR.forced.srt", "pt-BR forced"),
        ("movie.mkv", "movie.en.sdh.ass", "en sdh"),
        ("movie.mkv", "movie.default.de.cc.srt", "de sdh"),
        ("movie.en.mkv", "movie.en.srt", "?"),
        ("movie.2010.mkv", "movie.2010.fr.srt", "fr"),
        ("song.mp3", "song.lrc", "?"),
        ("song.mp3", "song.ja.lrc", "ja"),
        ("song.mp3", "song.srt", "?"),
        ("movie.mkv", "movie.lrc", "-"),
        ("movie.mkv", "movie.part2.srt", "-"),
        ("movie.mkv", "movie.en.fr.srt", "-"),
        ("movie.mkv", "movies.srt", "-"),
        ("movie.mkv", "movie.en.txt", "-"),
        ("movie.jpg", "movie.srt", "-"),
    ] {
        assert_eq!(said(film, text), expected, "{film} and {text}");
    }
}

#[test]
fn a_subtitle_belongs_to_the_film_with_the_longest_name_and_to_each_of_that_name() {
    let files = [
        file("movie.mkv"),
        file("movie.en.mkv"),
        file("movie.en.srt"),
        file("film.mkv"),
        file("film.mp4"),
        file("film.srt"),
    ];
    assert_eq!(
        found(&files),
        [
            "movie.en.mkv subtitle movie.en.srt likely",
            "film.mkv subtitle film.srt likely",
            "film.mp4 subtitle film.srt likely",
        ]
    );
}
