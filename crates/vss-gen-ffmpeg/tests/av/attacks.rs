//! Files that name other files: nothing else is ever opened.

use std::io::ErrorKind;
use std::net::TcpListener;

use crate::job::{has_programs, run_bytes, still, strip, waveform};
use crate::media;

/// Playlists and lists that name a file beside them or on a network, as they are passed around.
fn attacks(secret: &str, port: u16) -> Vec<(&'static str, String)> {
    let url = format!("http://127.0.0.1:{port}/a.ts");
    let hls = |target: &str| {
        format!(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXTINF:3.0,\n{target}\n\
             #EXT-X-ENDLIST\n"
        )
    };
    let dash = |target: &str| {
        format!(
            "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
             mediaPresentationDuration=\"PT3S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\">\
             <Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\">\
             <BaseURL>{target}</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>"
        )
    };
    let concat = |target: &str| format!("ffconcat version 1.0\nfile '{target}'\nduration 3\n");
    vec![
        ("video/mp4", hls(secret)),
        ("video/x-msvideo", hls(&format!("file://{secret}"))),
        ("audio/mpeg", hls(&format!("concat:{secret}|{secret}"))),
        (
            "video/mp2t",
            hls(&format!("subfile,,start,0,end,99,,:{secret}")),
        ),
        ("video/mp4", hls(&url)),
        ("video/webm", dash(secret)),
        ("video/mp4", dash(&format!("file://{secret}"))),
        ("video/x-matroska", dash(&url)),
        ("video/mp4", concat(secret)),
        ("video/x-msvideo", concat(&format!("file:{secret}"))),
        ("video/quicktime", concat(&url)),
        (
            "video/mp4",
            format!(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"
            ),
        ),
    ]
}

#[test]
fn twelve_playlists_open_nothing() {
    // It would be a film if it were opened: then something would come out.
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.avi");
    crate::job::write(&secret, &media::film());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let attacks = attacks(secret.to_str().unwrap(), port);
    assert_eq!(attacks.len(), 12);
    for (media_type, attack) in attacks {
        let made = run_bytes(
            attack.as_bytes(),
            media_type,
            &[still(64), strip(), waveform()],
        );
        assert!(made.is_err(), "{attack}: {made:?}");
        let called = listener.accept();
        assert_eq!(
            called.unwrap_err().kind(),
            ErrorKind::WouldBlock,
            "{attack}"
        );
    }
}

#[test]
fn the_playlists_would_work_on_a_player_that_allows_them() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.avi");
    crate::job::write(&secret, &media::film());
    let attacks = attacks("secret.avi", 9);
    let list = folder.path().join("list.ffconcat");
    crate::job::write(&list, attacks[8].1.as_bytes());
    let output = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=codec_name"])
        .arg(&list)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("mjpeg"));
}
