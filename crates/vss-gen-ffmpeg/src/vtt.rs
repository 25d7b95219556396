//! Which time of a video each tile of its strip shows, as WebVTT with spatial fragments.

use std::fmt::Write;

/// A tile: when its frame is shown, and where it lies in the strip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tile {
    /// Milliseconds from the beginning.
    pub(crate) time: u64,
    /// Pixels from the left and from the top.
    pub(crate) at: (u32, u32),
}

/// A cue for each tile: from its frame to the next one's, the first from the beginning and the
/// last to the end. Of tiles that show one frame the last is named.
///
/// The payload is the file name of the strip, which lies beside the map, with a fragment
/// (`NAME#xywh=x,y,w,h`): what players take for an address relative to the map's own.
pub(crate) fn write(
    picture: &str,
    tiles: &[Tile],
    (width, height): (u32, u32),
    end: u64,
) -> String {
    let mut text = String::from("WEBVTT\n");
    let mut from = 0;
    for (index, tile) in tiles.iter().enumerate() {
        let next = tiles.get(index + 1).map_or(end, |next| next.time);
        // One millisecond for the last of a video that ends with it.
        let to = match index + 1 == tiles.len() {
            true => next.max(from + 1),
            false => next,
        };
        if to <= from {
            continue;
        }
        let (x, y) = tile.at;
        let (begin, until) = (Clock(from), Clock(to));
        // Writing to a string does not fail.
        let _always = write!(
            text,
            "\n{begin} --> {until}\n{picture}#xywh={x},{y},{width},{height}\n"
        );
        from = to;
    }
    text
}

struct Clock(u64);

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, millis) = (self.0 / 1_000, self.0 % 1_000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_cover_the_video_without_gaps_and_name_each_frame_once() {
        let tile = |time, x| Tile { time, at: (x, 0) };
        let tiles = [
            tile(500, 0),
            tile(2_000, 160),
            tile(2_000, 320),
            tile(3_725_004, 480),
        ];
        let expected = "WEBVTT\n\
            \n00:00:00.000 --> 00:00:02.000\na.webp#xywh=0,0,160,90\n\
            \n00:00:02.000 --> 01:02:05.004\na.webp#xywh=320,0,160,90\n\
            \n01:02:05.004 --> 01:02:06.000\na.webp#xywh=480,0,160,90\n";
        assert_eq!(write("a.webp", &tiles, (160, 90), 3_726_000), expected);
        let still = write("a.webp", &[tile(0, 0), tile(0, 160)], (160, 90), 0);
        assert!(still.ends_with("00:00:00.000 --> 00:00:00.001\na.webp#xywh=160,0,160,90\n"));
    }
}
