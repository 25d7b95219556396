//! Looks single frames up: for pictures alone, most of a video need not be decoded.

use vss_raster::Outcome;

use crate::av::{AvError, AvResult, Decoder, Frame, Input, Packet, Ratio, StreamFacts};
use crate::beat::Beat;
use crate::pictures::Pictures;
use crate::poster::Poster;
use crate::streams::Streams;

/// Packets that are passed over in search of one where decoding can begin.
const PATIENCE: usize = 4_000;

/// Packets that a decoder is fed at most before it gives its first frame.
const APPETITE: usize = 200;

/// Packets that are decoded at most in search of a frame to show that no key frame is.
const ENDURANCE: usize = 600;

/// Microseconds at which an original begins, by the first packets of what is seen and heard of it:
/// a glance at it does not always tell.
///
/// # Errors
/// `timeout` once cancelled.
pub(crate) fn start_of(
    input: &mut Input<'_>,
    streams: &Streams,
    beat: &mut Beat<'_>,
) -> Outcome<i64> {
    let facts = [
        streams.video.as_ref().map(|video| &video.facts),
        streams.audio.as_ref(),
    ];
    let mut left: Vec<_> = facts.into_iter().flatten().collect();
    let wanted: Vec<_> = left.iter().map(|facts| facts.index).collect();
    input.only(&wanted);
    let mut packet = Packet::new().map_err(AvError::of_source)?;
    let mut start = None;
    for _ in 0..APPETITE {
        if left.is_empty() || input.read(&mut packet).is_err() {
            break;
        }
        beat.packet()?;
        let found = left.iter().position(|facts| facts.index == packet.stream());
        if let (Some(found), Some(time)) = (found, packet.time()) {
            let unit = left.remove(found).time_base;
            let micros = unit.rescale(time, Ratio::MICROS);
            start = Some(start.map_or(micros, |start: i64| start.min(micros)));
        }
    }
    // What comes before 0 is there to be decoded, not to be heard.
    Ok(start.map_or(streams.start, |start| start.max(0)))
}

/// When the last frame of a stream has been shown, by its packets: what headers say of it may be
/// a guess, or wrong by days. It reads the last packets, or all where a file cannot tell where
/// those are. `None` when it has none.
///
/// # Errors
/// `timeout` once cancelled.
pub(crate) fn end_of(
    input: &mut Input<'_>,
    stream: &StreamFacts,
    beat: &mut Beat<'_>,
) -> Outcome<Option<i64>> {
    let begin = stream.start.unwrap_or(0);
    let claimed = stream.duration.map(|length| begin.saturating_add(length));
    // Far enough for a file that does not say, near enough not to overflow anywhere.
    let target = claimed.unwrap_or(i64::MAX / 4);
    let mut end = None;
    for target in [target, begin] {
        if input.seek(stream.index, target).is_err() {
            continue;
        }
        end = read_to_end(input, stream.index, beat)?;
        if end.is_some() {
            break;
        }
    }
    Ok(end)
}

fn read_to_end(input: &mut Input<'_>, stream: usize, beat: &mut Beat<'_>) -> Outcome<Option<i64>> {
    let mut packet = Packet::new().map_err(AvError::of_source)?;
    let mut end = None;
    while input.read(&mut packet).is_ok() {
        beat.packet()?;
        if packet.stream() == stream {
            end = end.max(packet.end());
        }
    }
    Ok(end)
}

/// A place where frames are looked up.
struct Reel<'r, 'i, 'b> {
    input: &'r mut Input<'i>,
    decoder: &'r mut Decoder,
    beat: &'r mut Beat<'b>,
    stream: usize,
    packet: Packet,
}

/// Looks up what the pictures want; answers whether that was all, or whether the video has to be
/// decoded from its beginning.
///
/// # Errors
/// `timeout` once cancelled, and what keeps a frame from being scaled.
pub(crate) fn look_up(
    input: &mut Input<'_>,
    decoder: &mut Decoder,
    pictures: &mut Pictures,
    beat: &mut Beat<'_>,
) -> Outcome<bool> {
    let mut reel = Reel {
        input,
        decoder,
        beat,
        stream: pictures.video.facts.index,
        packet: Packet::new().map_err(AvError::of_source)?,
    };
    for strip in pictures.strips_mut() {
        if !reel.has_enough_keys(&strip.targets())? {
            return Ok(false);
        }
    }
    let Pictures {
        video,
        poster,
        strips,
        damaged,
        frames,
        ..
    } = pictures;
    if let Some(poster) = poster {
        let mut look = |frame: &Frame| {
            *frames += 1;
            *damaged += u64::from(frame.is_damaged());
        };
        for target in poster.key_targets() {
            if poster.is_decided() {
                break;
            }
            let Some(time) = reel.key_packet(target)? else {
                continue;
            };
            if poster.knows(time) {
                continue;
            }
            if let Some(mut frame) = reel.key_frame()? {
                look(&frame);
                let looked = poster.key(video, &mut frame, time);
                looked.map_err(AvError::of_source)?;
            }
        }
        if !poster.has_seen_enough() {
            reel.go_on(poster, |poster, frame| {
                look(frame);
                poster.exact(video, frame)
            })?;
        }
        if *frames == 0 {
            return Ok(false);
        }
    }
    for strip in strips
        .iter_mut()
        .filter_map(|(_, strip)| strip.as_mut().ok())
    {
        let mut last: Option<Frame> = None;
        for target in strip.targets() {
            let found = match reel.key_packet(target)? {
                Some(_) => reel.key_frame()?,
                None => None,
            };
            let frame = match found {
                Some(frame) => frame,
                None => match last.take() {
                    Some(frame) => frame,
                    // Nothing to begin with: the strip is taken from the whole instead.
                    None => return Ok(false),
                },
            };
            let frame = last.insert(frame);
            *frames += 1;
            *damaged += u64::from(frame.is_damaged());
            let time = frame.time().unwrap_or(target);
            strip.put(video, frame, time).map_err(AvError::of_source)?;
        }
    }
    Ok(true)
}

impl Reel<'_, '_, '_> {
    /// Whether there are key frames enough for tiles that differ: for three in four.
    fn has_enough_keys(&mut self, targets: &[i64]) -> Outcome<bool> {
        let mut keys = Vec::with_capacity(targets.len());
        for target in targets {
            match self.key_packet(*target)? {
                Some(time) => keys.push(time),
                None => return Ok(false),
            }
        }
        keys.dedup();
        Ok(keys.len() * 4 >= targets.len() * 3)
    }

    /// Reads the key packet at or before a time, or the first after it where the file is not
    /// exact, and tells its time.
    fn key_packet(&mut self, target: i64) -> Outcome<Option<i64>> {
        if self.input.seek(self.stream, target).is_err() {
            return Ok(None);
        }
        for _ in 0..PATIENCE {
            if self.input.read(&mut self.packet).is_err() {
                break;
            }
            self.beat.packet()?;
            if self.packet.stream() == self.stream && self.packet.is_key() {
                return Ok(Some(self.packet.time().unwrap_or(target)));
            }
        }
        Ok(None)
    }

    /// The key frame of the packet that was read last, decoded from it alone where that is
    /// possible.
    fn key_frame(&mut self) -> Outcome<Option<Frame>> {
        let mut frame = Frame::new().map_err(AvError::of_source)?;
        self.decoder.flush();
        let alone = self
            .decoder
            .send(Some(&self.packet))
            .and_then(|()| self.decoder.send(None))
            .and_then(|()| self.decoder.receive(&mut frame));
        self.decoder.flush();
        self.beat.frame()?;
        if alone.is_ok() {
            return Ok(Some(frame));
        }
        // Some decoders want to see what follows first.
        let mut first = None;
        self.decode_from_here(APPETITE, |frame| {
            first = Some(frame);
            Ok(false)
        })?;
        Ok(first)
    }

    /// Shows a poster the frames at its targets, decoding from the key frame before the first of
    /// them on, until it is content or has cost enough.
    fn go_on(
        &mut self,
        poster: &mut Poster,
        mut show: impl FnMut(&mut Poster, &mut Frame) -> AvResult<()>,
    ) -> Outcome<()> {
        let mut targets = poster.targets().into_iter().peekable();
        let first = targets.peek().copied().unwrap_or_default();
        if self.key_packet(first)?.is_none() {
            return Ok(());
        }
        self.decoder.flush();
        self.decode_from_here(ENDURANCE, |mut frame| {
            let time = frame.time().unwrap_or(i64::MAX);
            let mut due = false;
            while targets.next_if(|target| *target <= time).is_some() {
                due = true;
            }
            if due {
                show(poster, &mut frame).map_err(AvError::of_source)?;
            }
            Ok(!poster.is_content() && targets.peek().is_some())
        })
    }

    /// Decodes from the packet that was read last for as long as the frames are taken, and not
    /// more than so many packets.
    fn decode_from_here(
        &mut self,
        packets: usize,
        mut take: impl FnMut(Frame) -> Outcome<bool>,
    ) -> Outcome<()> {
        let mut fed = 0;
        let mut more = true;
        while more {
            // A damaged packet gives no frame; the next may.
            let _damaged = self.decoder.send(Some(&self.packet));
            fed += 1;
            more = fed < packets && self.advance()?;
            if !more {
                let _no_more = self.decoder.send(None);
            }
            while let Some(frame) = self.decoded()? {
                if !take(frame)? {
                    more = false;
                    break;
                }
            }
        }
        self.decoder.flush();
        Ok(())
    }

    fn decoded(&mut self) -> Outcome<Option<Frame>> {
        let mut frame = Frame::new().map_err(AvError::of_source)?;
        if self.decoder.receive(&mut frame).is_err() {
            return Ok(None);
        }
        self.beat.frame()?;
        Ok(Some(frame))
    }

    /// Reads the next packet of the stream; `false` at the end.
    fn advance(&mut self) -> Outcome<bool> {
        while self.input.read(&mut self.packet).is_ok() {
            self.beat.packet()?;
            if self.packet.stream() == self.stream {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
