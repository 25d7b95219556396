//! What leads from decoded frames of a stream to its packets in a proxy.

use std::ffi::c_int;

use crate::av::{AudioSettings, AvResult, Encoder, Frame, Mix, Muxer, Packet, Ratio, StreamFacts};
use crate::chain::Chain;
use crate::keys::Keys;
use crate::resampling::Resampling;

/// The sample rates of AAC; others become the first.
const RATES: [u32; 10] = [
    48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/// The filters, the encoder and the place in the file of one stream.
#[derive(Debug)]
pub(crate) struct Lane {
    encoder: Encoder,
    stream: c_int,
    graph: Option<Chain>,
    /// Which frames are keys, of pictures.
    keys: Option<Keys>,
    /// Where what was encoded ends, in samples; `None` before the first frame, and of pictures.
    end: Option<i64>,
}

impl Lane {
    /// For pictures.
    ///
    /// # Errors
    /// Without memory.
    pub(crate) fn pictures(encoder: Encoder, keys: Keys, muxer: &mut Muxer<'_>) -> AvResult<Self> {
        let stream = muxer.add(&encoder)?;
        Ok(Self {
            encoder,
            stream,
            graph: None,
            keys: Some(keys),
            end: None,
        })
    }

    /// The unit of the times in it.
    pub(crate) fn time_base(&self) -> Ratio {
        self.encoder.time_base()
    }

    /// Whether its filters take such frames.
    pub(crate) fn takes(&self, frame: &Frame) -> bool {
        self.graph.as_ref().is_some_and(|graph| graph.takes(frame))
    }

    /// Sends frames through other filters from now on.
    pub(crate) fn go_through(&mut self, graph: Chain) {
        self.graph = Some(graph);
    }

    /// Takes a frame; `None` says that its filters get no more.
    ///
    /// # Errors
    /// When it cannot be filtered, encoded or written.
    pub(crate) fn pass(
        &mut self,
        frame: Option<&mut Frame>,
        muxer: &mut Muxer<'_>,
        packet: &mut Packet,
    ) -> AvResult<()> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        graph.push(frame)?;
        let (own, unit) = (self.encoder.time_base(), graph.time_base());
        let mut ready = Frame::new()?;
        loop {
            match graph.pull(&mut ready) {
                Ok(()) => {}
                Err(error) if error.is_again() || error.is_end() => return Ok(()),
                Err(error) => return Err(error),
            }
            ready.rescale_time(unit, own);
            let time = ready.filtered_time().unwrap_or(0);
            // What it was in the original is of no concern.
            ready.be_key(self.keys.as_mut().is_some_and(|keys| keys.is_due(time)));
            if self.keys.is_none() {
                let samples = i64::try_from(ready.samples()).unwrap_or(0);
                self.end = Some(time.saturating_add(samples));
            }
            self.encoder.send(Some(&ready))?;
            drain(&mut self.encoder, self.stream, muxer, packet)?;
        }
    }

    /// Encodes and writes what is left.
    ///
    /// # Errors
    /// As [`pass`](Self::pass).
    pub(crate) fn end(&mut self, muxer: &mut Muxer<'_>, packet: &mut Packet) -> AvResult<()> {
        self.pass(None, muxer, packet)?;
        self.encoder.send(None)?;
        drain(&mut self.encoder, self.stream, muxer, packet)
    }
}

/// A lane of sound.
#[derive(Debug)]
pub(crate) struct SoundLane {
    lane: Lane,
    resampling: Resampling,
    /// The unit of the times of its frames.
    unit: Ratio,
}

impl SoundLane {
    /// For a stream, in so many bits a second.
    ///
    /// # Errors
    /// When it cannot be encoded like that.
    pub(crate) fn new(facts: &StreamFacts, bitrate: u32, muxer: &mut Muxer<'_>) -> AvResult<Self> {
        let [usual, ..] = RATES;
        let own = facts.sample_rate.unsigned_abs();
        let rate = if RATES.contains(&own) { own } else { usual };
        let (channels, mix) = match facts.channels {
            1 => (1, Mix::Mono),
            _ => (2, Mix::Stereo),
        };
        let encoder = Encoder::audio(&AudioSettings {
            sample_rate: rate.cast_signed(),
            channels,
            bitrate,
        })?;
        Ok(Self {
            lane: Lane {
                stream: muxer.add(&encoder)?,
                encoder,
                graph: None,
                keys: None,
                end: None,
            },
            resampling: Resampling {
                rate,
                samples: "fltp",
                mix,
            },
            unit: facts.time_base,
        })
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// When it cannot be mixed, encoded or written.
    pub(crate) fn hear(
        &mut self,
        frame: &mut Frame,
        muxer: &mut Muxer<'_>,
        packet: &mut Packet,
    ) -> AvResult<()> {
        if !self.lane.takes(frame) {
            // What the filters before still hold is less than a frame, which an encoder takes at
            // the very end only.
            let mut graph = self.resampling.graph(frame, self.unit, self.lane.end)?;
            graph.cut(self.lane.encoder.samples());
            self.lane.go_through(Chain::plain(graph));
        }
        self.lane.pass(Some(frame), muxer, packet)
    }

    /// Encodes and writes what is left.
    ///
    /// # Errors
    /// As [`hear`](Self::hear).
    pub(crate) fn end(&mut self, muxer: &mut Muxer<'_>, packet: &mut Packet) -> AvResult<()> {
        self.lane.end(muxer, packet)
    }
}

/// Writes the packets that an encoder has ready.
fn drain(
    encoder: &mut Encoder,
    stream: c_int,
    muxer: &mut Muxer<'_>,
    packet: &mut Packet,
) -> AvResult<()> {
    loop {
        match encoder.receive(packet) {
            Ok(()) => muxer.write(stream, encoder, packet)?,
            Err(error) if error.is_again() || error.is_end() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
