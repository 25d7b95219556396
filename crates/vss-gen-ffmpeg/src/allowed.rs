//! What FFmpeg may be asked to read: a file that is not in one of these containers and codecs is
//! refused before any other parser has seen it. Playlists are no container here, which is what
//! keeps a file from naming other files.

use std::ffi::CStr;

/// Containers, by the names of their demuxers.
pub(crate) const CONTAINERS: &CStr =
    c"mov,matroska,ogg,wav,mp3,flac,aac,mpegts,avi,mpeg,flv,asf,aiff,amr";

/// Codecs, by the names of their decoders.
pub(crate) const DECODERS: &CStr = c"h264,hevc,vp8,vp9,libdav1d,mpeg4,h263,mpeg2video,mjpeg,png,\
prores,aac,mp3float,mp3,opus,vorbis,flac,ac3,eac3,alac,\
pcm_s8,pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,\
pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,\
mpeg1video,msmpeg4,msmpeg4v2,flv,vc1,wmv1,wmv2,wmv3,theora,mp2float,mp2,amrnb,amrwb,wmav1,wmav2,\
dca,truehd,mlp";

/// Streams of a file at most: each is looked at, and has a decoder then.
pub(crate) const STREAMS: i32 = 512;

/// Streams that a file may claim before FFmpeg itself refuses it, as if memory were lacking. What is
/// beyond [`STREAMS`] is refused by us, which says why.
pub(crate) const CLAIMED_STREAMS: i32 = 16 * STREAMS;

/// Whether a decoder of this name is used.
pub(crate) fn decodes(name: &CStr) -> bool {
    let names = DECODERS.to_bytes().split(|byte| *byte == b',');
    names.into_iter().any(|known| known == name.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playlists_and_rare_codecs_are_not_among_what_is_read() {
        let containers = CONTAINERS.to_str().unwrap();
        for playlist in ["hls", "dash", "concat", "concatf", "image2", "lavfi", "sdp"] {
            assert!(containers.split(',').all(|name| name != playlist));
        }
        assert!(decodes(c"h264") && decodes(c"libdav1d") && decodes(c"png"));
        assert!(!decodes(c"magicyuv") && !decodes(c"h26") && !decodes(c""));
    }
}
