//! What leads from decoded frames of one shape to pictures or samples: filters of FFmpeg, and in
//! the middle the tone curve where there is a wide dynamic range.

use vss_raster::Tone;

use crate::av::{AvResult, Frame, Graph, Ratio, Transfer};

/// The colours of films of a wide range (ITU-T H.273, table 2): those of BT.2020.
const WIDE_COLOURS: u16 = 9;

/// A chain of filters that takes a frame and gives one.
#[derive(Debug)]
pub(crate) struct Chain {
    graph: Graph,
    transfer: Transfer,
    /// What comes after the curve, in FFmpeg's words.
    after: String,
    last: Option<Graph>,
}

impl Chain {
    /// FFmpeg's filters alone.
    pub(crate) const fn plain(graph: Graph) -> Self {
        Self::bent(graph, Transfer::Usual, String::new())
    }

    /// Filters that give three times 16 bits a pixel, the curve of a transfer, and other filters.
    pub(crate) const fn bent(graph: Graph, transfer: Transfer, after: String) -> Self {
        Self {
            graph,
            transfer,
            after,
            last: None,
        }
    }

    /// Whether a frame is of the shape that it takes.
    pub(crate) fn takes(&self, frame: &Frame) -> bool {
        self.graph.takes(frame)
    }

    /// Takes a frame; `None` says that there are no more.
    ///
    /// # Errors
    /// When a filter fails.
    pub(crate) fn push(&mut self, frame: Option<&mut Frame>) -> AvResult<()> {
        self.graph.push(frame)
    }

    /// Fills a frame. When there is none, what was in the frame is lost.
    ///
    /// # Errors
    /// As [`Graph::pull`].
    pub(crate) fn pull(&mut self, frame: &mut Frame) -> AvResult<()> {
        let Some(tone) = tone_of(self.transfer) else {
            return self.graph.pull(frame);
        };
        let mut wide = Frame::new()?;
        self.graph.pull(&mut wide)?;
        let mut plain = Frame::rgb_like(&wide)?;
        for (wide, plain) in wide.rows(6)?.zip(plain.rows_mut(3)) {
            show(tone, wide, plain);
        }
        if self.after.is_empty() {
            *frame = plain;
            return Ok(());
        }
        let last = match &mut self.last {
            Some(last) => last,
            none => {
                let (unit, rate) = (self.graph.time_base(), Ratio { num: 0, den: 1 });
                none.insert(Graph::video(&plain, unit, rate, &self.after)?)
            }
        };
        last.push(Some(&mut plain))?;
        last.pull(frame)
    }

    /// The unit of the times of what comes out.
    pub(crate) fn time_base(&self) -> Ratio {
        self.graph.time_base()
    }
}

/// The curve of a transfer; `None` when there is nothing to do.
fn tone_of(transfer: Transfer) -> Option<Tone> {
    // By number (ITU-T H.273, table 3).
    let number = match transfer {
        Transfer::Usual => return None,
        Transfer::Pq => 16,
        Transfer::Hlg => 18,
    };
    Tone::of(number, WIDE_COLOURS)
}

/// A row of pixels of three times 16 bits, the lower byte first, as one of three times 8.
fn show(tone: Tone, wide: &[u8], plain: &mut [u8]) {
    let pixels = wide.as_chunks::<6>().0.iter();
    let plain = plain.as_chunks_mut::<3>().0;
    for ([r0, r1, g0, g1, b0, b1], to) in pixels.zip(plain) {
        *to = tone.pixel([[*r0, *r1], [*g0, *g1], [*b0, *b1]].map(u16::from_le_bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_the_lower_byte_first() {
        let tone = tone_of(Transfer::Hlg).unwrap();
        let mut plain = [9; 6];
        show(
            tone,
            &[0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &mut plain,
        );
        assert!(plain[0] > 200 && plain[3..] == [0; 3], "{plain:?}");
    }

    #[test]
    fn each_transfer_has_its_own_curve_and_the_usual_one_none() {
        assert!(tone_of(Transfer::Usual).is_none());
        let half = |transfer| tone_of(transfer).unwrap().pixel([0x8000; 3])[1];
        // Half of the codes is 92 candela a square metre of PQ; of HLG it is 51 of 203.
        assert!(half(Transfer::Pq) > half(Transfer::Hlg));
        assert!(half(Transfer::Hlg) > 100);
    }
}
