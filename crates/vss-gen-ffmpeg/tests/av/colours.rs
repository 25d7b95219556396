//! What a file says of its colours, when it says what nobody knows.

use crate::job::{ffmpeg, ffprobe, has_programs, make, pixels, proxy, read, still, write};

/// Puts a number where an element of Matroska with a name of two bytes holds one byte.
fn claim(film: &mut [u8], element: [u8; 2], number: u8) {
    let head = [element[0], element[1], 0x81];
    let at = film.windows(3).position(|bytes| bytes == head);
    film[at.unwrap() + 3] = number;
}

#[test]
fn colours_that_nobody_knows_are_taken_for_colours_of_which_nothing_is_said() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scene = "-f lavfi -i color=c=lime:s=1280x720:r=10:d=1 -vf format=yuv420p -c:v mpeg4 -q:v 2";
    let plain = ffmpeg(folder.path(), "plain.mkv", scene);
    let said = "-colorspace bt709 -color_trc bt709 -color_primaries bt709 -color_range tv";
    let strange = ffmpeg(folder.path(), "strange.mkv", &format!("{scene} {said}"));
    let mut film = read(&strange);
    // Matrix, range, transfer, primaries.
    for element in [[0x55, 0xb1], [0x55, 0xb9], [0x55, 0xba], [0x55, 0xbb]] {
        claim(&mut film, element, 200);
    }
    write(&strange, &film);
    let wanted = [still(128), proxy(90, 0)];
    let (plain, strange) = (make(&plain, &wanted), make(&strange, &wanted));
    assert!(pixels(&plain[0].1) == pixels(&strange[0].1));
    assert!(plain[1].1 == strange[1].1);
}

#[test]
fn a_proxy_is_coded_as_its_film_is_and_says_so() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sorts = [
        ("720x576", "bt470bg", "color_space=bt470bg"),
        ("720x480", "smpte170m", "color_space=smpte170m"),
        ("1280x720", "bt709", "color_space=bt709"),
        // As films in SD that say nothing are, and what is neither becomes as HD is.
        ("720x480", "unspecified", "color_space=smpte170m"),
        ("1280x720", "unspecified", "color_space=bt709"),
        ("720x576", "fcc", "color_space=bt709"),
    ];
    for (size, matrix, said) in sorts {
        let out = match matrix {
            "unspecified" if size == "1280x720" => "bt709",
            "unspecified" => "smpte170m",
            other => other,
        };
        let film = ffmpeg(
            folder.path(),
            "film.mp4",
            &format!(
                "-f lavfi -i color=c=0x20c060:s={size}:r=10:d=1 \
                 -vf scale=out_color_matrix={out}:out_range=tv,format=yuv420p \
                 -c:v libx264 -qp 1 -colorspace {matrix} -color_range tv"
            ),
        );
        let made = make(&film, &[still(128), proxy(360, 0)]);
        let proxy = &made[1].1;
        let streams = "-show_entries stream=color_space,color_range";
        let told = ffprobe(folder.path(), proxy, streams);
        assert!(told.contains(said), "{size} {matrix}: {told}");
        write(&film, proxy);
        let again = make(&film, &[still(128)]);
        for picture in [&made[0].1, &again[0].1] {
            let seen = pixels(picture).get_pixel(40, 40).0;
            let near = seen.iter().zip([0x20_u8, 0xc0, 0x60]);
            let near = near.map(|(seen, wanted)| seen.abs_diff(wanted)).max();
            assert!(near < Some(7), "{size} {matrix}: {seen:?}");
        }
    }
}
