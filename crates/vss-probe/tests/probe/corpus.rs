//! What real files say.
#![expect(
    clippy::disallowed_methods,
    reason = "the test reads its corpus, which an environment variable points to"
)]

use std::path::PathBuf;

use vss_core::companion::{CaptureTime, LiveId};
use vss_probe::{Limits, probe};

#[test]
fn real_photos_and_films_say_what_other_programs_read_in_them() {
    let Some(corpus) = std::env::var_os("VSS_CORPUS").map(PathBuf::from) else {
        println!("skipped: VSS_CORPUS does not name the corpus of real media");
        return;
    };
    let said = |name: &str, media_type: &str| {
        let bytes = std::fs::read(corpus.join("livephoto").join(name)).unwrap();
        let media_type = media_type.parse().unwrap();
        probe(&media_type, &mut bytes.as_slice(), Limits::default())
    };
    let id = LiveId::read("3D388205-9B11-4690-ABFB-3DB8CE42A984");
    let photo = said("IMG_0101.JPG", "image/jpeg");
    let video = said("IMG_0101.MOV", "video/quicktime");
    assert_eq!((photo.live_id, video.live_id), (id, id));
    assert_eq!(video.duration_ms, Some(3_670));
    let Some(CaptureTime::Zoned { moment, .. }) = video.captured else {
        panic!("{video:?}");
    };
    // 2016-12-07T11:44:59-0600
    assert_eq!(moment.as_millis(), 1_481_132_699_000);
    assert!(photo.captured.unwrap().apart(video.captured.unwrap()) < 3_000);

    let lonely = said("lonely_still.heic", "image/heic");
    assert_eq!(
        lonely.live_id,
        LiveId::read("1745E022-9712-43C7-B024-F308EC6413CB")
    );
    assert!(lonely.captured.is_some());

    let motion = said("pixel-motion-photo-shortened.jpg", "image/jpeg")
        .motion
        .unwrap();
    assert_eq!((motion.offset, motion.length), (140_312 - 8_730, 8_730));
    assert_eq!(
        said("non-motion-photo-shortened.jpg", "image/jpeg").motion,
        None
    );
    let web = said("sample.mp4", "video/mp4");
    assert_eq!((web.duration_ms, web.live_id), (Some(3_402), None));
}
