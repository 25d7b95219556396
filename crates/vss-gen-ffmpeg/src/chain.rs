//! What leads from decoded frames of one shape to pictures or samples: filters of FFmpeg, and in
//! the middle the tone curve where there is a wide dynamic range.

use crate::av::{AvResult, Frame, Graph, Ratio, Transfer};
use crate::tone::Tone;

/// A chain of filters that takes a frame and gives one.
#[derive(Debug)]
pub(crate) struct Chain {
    graph: Graph,
    transfer: Transfer,
    /// What comes after the curve, in FFmpeg's words.
    after: &'static str,
    last: Option<Graph>,
}

impl Chain {
    /// FFmpeg's filters alone.
    pub(crate) const fn plain(graph: Graph) -> Self {
        Self::bent(graph, Transfer::Usual, "")
    }

    /// Filters that give three times 16 bits a pixel, the curve of a transfer, and other filters.
    pub(crate) const fn bent(graph: Graph, transfer: Transfer, after: &'static str) -> Self {
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
        let Some(tone) = Tone::of(self.transfer) else {
            return self.graph.pull(frame);
        };
        let mut wide = Frame::new()?;
        self.graph.pull(&mut wide)?;
        let mut plain = Frame::rgb_like(&wide)?;
        for (wide, plain) in wide.rows(6).zip(plain.rows_mut(3)) {
            tone.row(wide, plain);
        }
        if self.after.is_empty() {
            *frame = plain;
            return Ok(());
        }
        let last = match &mut self.last {
            Some(last) => last,
            none => {
                let (unit, rate) = (self.graph.time_base(), Ratio { num: 0, den: 1 });
                none.insert(Graph::video(&plain, unit, rate, self.after)?)
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
