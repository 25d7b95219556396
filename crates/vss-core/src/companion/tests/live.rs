//! Live Photos and motion photos.

use super::*;

#[test]
fn halves_with_one_identifier_are_a_live_photo_whatever_their_names() {
    let renamed = [file("beach.jpg").id(ID), file("IMG_0101.MOV").id(ID)];
    let expected = ["beach.jpg live_photo IMG_0101.MOV certain"];
    assert_eq!(found(&renamed), expected);
    // Neither times nor the length count any more.
    let late = [
        file("a.heic").id(ID).at(1),
        file("b.mov").id(&ID.to_lowercase()).at(9_999).long(60_000),
    ];
    assert_eq!(found(&late), ["a.heic live_photo b.mov certain"]);
}

#[test]
fn a_photo_with_the_identifier_of_another_video_is_not_paired_by_name() {
    let pair = [
        file("IMG_0001.HEIC").id(ID).at(5),
        file("IMG_0001.MOV").id(OTHER).at(5),
    ];
    assert_eq!(found(&pair), [""; 0]);
    let swapped = [
        file("a.jpg").id(ID),
        file("a.mov").id(OTHER),
        file("b.jpg").id(OTHER),
        file("b.mov").id(ID),
    ];
    assert_eq!(
        found(&swapped),
        [
            "a.jpg live_photo b.mov certain",
            "b.jpg live_photo a.mov certain"
        ]
    );
}

#[test]
fn of_two_photos_of_one_identifier_the_one_with_the_videos_name_is_meant() {
    let edited = [
        file("IMG_E0101.HEIC").id(ID),
        file("IMG_0101.HEIC").id(ID),
        file("IMG_0101.MOV").id(ID),
    ];
    assert_eq!(
        found(&edited),
        ["IMG_0101.HEIC live_photo IMG_0101.MOV certain"]
    );
    // Else what the camera took, and else neither.
    let exported = [
        file("x.jpg").id(ID),
        file("y.heic").id(ID),
        file("z.mov").id(ID),
    ];
    assert_eq!(found(&exported), ["y.heic live_photo z.mov certain"]);
    let unclear = [
        file("x.heic").id(ID),
        file("y.heic").id(ID),
        file("z.mov").id(ID),
    ];
    assert_eq!(found(&unclear), [""; 0]);
    let copies = [
        file("x.heic").id(ID).content(7),
        file("y.heic").id(ID).content(7),
        file("z.mov").id(ID),
    ];
    assert_eq!(found(&copies), ["x.heic live_photo z.mov certain"]);
}

#[test]
fn without_identifiers_name_time_and_length_make_a_live_photo() {
    for (files, expected) in [
        (
            [file("IMG_1.HEIC").at(100), file("img_1.mov").at(98)],
            "IMG_1.HEIC live_photo img_1.mov likely",
        ),
        (
            [file("sample.jpg"), file("sample.mp4")],
            "sample.jpg live_photo sample.mp4 possible",
        ),
        // One identifier alone says nothing.
        (
            [file("a.jpg").id(ID).at(1), file("a.mov").at(1)],
            "a.jpg live_photo a.mov likely",
        ),
        // Another month.
        (
            [file("IMG_1.HEIC").at(100), file("IMG_1.MOV").at(2_600_000)],
            "",
        ),
        ([file("a.jpg").at(100), file("a.mov").at(104)], ""),
        ([file("a.jpg").at(1), file("a.mov").at(1).long(6_000)], ""),
        ([file("a.jpg").at(1), file("b.mov").at(1)], ""),
        ([file("a.jpg").at(1), file("a.mkv").at(1).long(2_000)], ""),
        ([file("a.png").at(1), file("a.mov").at(1)], ""),
        ([file("a.motion.jpg").at(1), file("a.mov").at(1)], ""),
    ] {
        assert_eq!(found(&files).join("; "), expected);
    }
}

#[test]
fn two_videos_of_one_name_are_nobodys() {
    let files = [
        file("a.jpg").at(1),
        file("a.mov").at(1),
        file("a.mp4").at(1),
    ];
    assert_eq!(found(&files), [""; 0]);
    // Unless one of them is said to be it.
    let known = [file("a.jpg").id(ID), file("a.mov").id(ID), file("a.mp4")];
    assert_eq!(found(&known), ["a.jpg live_photo a.mov certain"]);
}

#[test]
fn an_edited_photo_that_was_kept_alone_has_the_video_of_the_other_name() {
    let kept = [file("IMG_E0001.JPG").at(1), file("IMG_0001.MOV").at(1)];
    assert_eq!(
        found(&kept),
        ["IMG_E0001.JPG live_photo IMG_0001.MOV likely"]
    );
    let both = [
        file("IMG_0001.HEIC").at(1),
        file("IMG_E0001.HEIC").at(1),
        file("IMG_0001.MOV").at(1),
    ];
    assert_eq!(
        found(&both),
        ["IMG_0001.HEIC live_photo IMG_0001.MOV likely"]
    );
    let words = [file("IMG_EVE.JPG").at(1), file("IMG_VE.MOV").at(1)];
    assert_eq!(found(&words), [""; 0]);
}

#[test]
fn halves_in_different_folders_are_found_by_their_identifier() {
    let all = entries(&[
        file("a.heic").id(ID),
        file("lonely.heic").id(OTHER),
        file("no-id.jpg"),
        file("b.mov").id(ID),
        file("copy.mov").id(ID).content(4),
    ]);
    let mut all = all;
    all[3].content = all[4].content;
    let none = Decisions::default();
    let folders = [&all[..3], &all[3..4], &all[4..]];
    let pairs: Vec<_> = folders.map(|folder| in_folder(folder, &none)).into();
    assert!(pairs.iter().all(|pairs| pairs.companions.is_empty()));
    let lonely: Vec<_> = pairs
        .iter()
        .flat_map(|pairs| pairs.lonely.clone())
        .collect();
    assert_eq!(lonely.len(), 4);
    let found = across(lonely, &none);
    assert_eq!(lines(&all, &found), ["a.heic live_photo b.mov certain"]);
}

#[test]
fn a_motion_photo_is_a_part_of_itself() {
    let files = [file("PXL.MP.jpg").motion(), file("PXL.MP.mp4")];
    assert_eq!(
        found(&files),
        ["PXL.MP.jpg motion_photo PXL.MP.jpg certain"]
    );
}
