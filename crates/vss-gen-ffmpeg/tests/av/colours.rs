//! What a file says of its colours, when it says what nobody knows.

use crate::job::{ffmpeg, has_programs, make, pixels, proxy, read, still, write};

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
