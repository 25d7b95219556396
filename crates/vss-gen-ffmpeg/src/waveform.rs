//! The extremes of sound over time, in the JSON that `audiowaveform` writes (version 2, 8 bits).

use std::fmt::Write;

/// Stretches that are kept for each that is wanted: the last grouping is as fine as that.
const FINENESS: usize = 16;

/// Extremes of stretches of equal length. The length of the whole is not known before its end, so
/// stretches begin short and are joined in pairs when they become too many.
#[derive(Debug)]
pub(crate) struct Extremes {
    points: usize,
    /// Samples in each stretch.
    length: usize,
    done: Vec<(i16, i16)>,
    open: (i16, i16),
    /// Samples in the open one.
    filled: usize,
    total: u64,
}

const NOTHING: (i16, i16) = (i16::MAX, i16::MIN);

impl Extremes {
    /// For at most so many stretches, at least one.
    pub(crate) fn new(points: u32) -> Self {
        Self {
            points: usize::try_from(points).unwrap_or(usize::MAX).max(1),
            length: 1,
            done: Vec::new(),
            open: NOTHING,
            filled: 0,
            total: 0,
        }
    }

    /// Takes the next samples.
    pub(crate) fn add(&mut self, samples: &[i16]) {
        for &sample in samples {
            self.open = join(self.open, (sample, sample));
            self.filled += 1;
            if self.filled == self.length {
                self.close();
            }
        }
        self.total += samples.len() as u64;
    }

    fn close(&mut self) {
        self.done.push(self.open);
        (self.open, self.filled) = (NOTHING, 0);
        if self.done.len() >= 2 * FINENESS * self.points {
            self.done = grouped(&self.done, 2);
            self.length *= 2;
        }
    }

    /// Samples that were taken.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// The document.
    pub(crate) fn json(mut self, sample_rate: i32) -> String {
        if self.filled > 0 {
            self.done.push(self.open);
        }
        let group = self.done.len().div_ceil(self.points).max(1);
        let pairs = grouped(&self.done, group);
        let mut text = format!(
            "{{\"version\":2,\"channels\":1,\"sample_rate\":{sample_rate},\
             \"samples_per_pixel\":{},\"bits\":8,\"length\":{},\"data\":[",
            self.length * group,
            pairs.len()
        );
        for (index, (low, high)) in pairs.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Writing to a string does not fail.
            let _always = write!(text, "{comma}{},{}", low >> 8, high >> 8);
        }
        text.push_str("]}\n");
        text
    }
}

fn join(one: (i16, i16), other: (i16, i16)) -> (i16, i16) {
    (one.0.min(other.0), one.1.max(other.1))
}

fn grouped(pairs: &[(i16, i16)], group: usize) -> Vec<(i16, i16)> {
    let groups = pairs.chunks(group);
    groups
        .map(|group| group.iter().copied().fold(NOTHING, join))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_sound_has_a_pair_for_each_sample() {
        let mut extremes = Extremes::new(10);
        extremes.add(&[256, -512, 32_767]);
        let expected = "{\"version\":2,\"channels\":1,\"sample_rate\":8000,\
            \"samples_per_pixel\":1,\"bits\":8,\"length\":3,\"data\":[1,1,-2,-2,127,127]}\n";
        assert_eq!(extremes.json(8_000), expected);
    }

    #[test]
    fn long_sound_is_joined_into_the_stretches_that_were_wanted_and_keeps_its_peaks() {
        let mut extremes = Extremes::new(100);
        for block in 0..1_000 {
            let mut samples = [0; 1_000];
            if block == 730 {
                samples[500] = i16::MIN;
            }
            extremes.add(&samples);
        }
        assert_eq!(extremes.total(), 1_000_000);
        let json = extremes.json(48_000);
        let field = |name: &str| {
            let (_, rest) = json.split_once(&format!("\"{name}\":")).unwrap();
            rest.split([',', '}'])
                .next()
                .unwrap()
                .parse::<usize>()
                .unwrap()
        };
        let (length, samples) = (field("length"), field("samples_per_pixel"));
        assert!((90..=100).contains(&length), "{length}");
        assert!((length - 1) * samples < 1_000_000 && length * samples >= 1_000_000);
        let data = json.split_once("\"data\":[").unwrap().1;
        let at = data.split(',').position(|value| value == "-128").unwrap();
        assert_eq!(at / 2, 730_500 / samples);
    }

    #[test]
    fn silence_without_samples_is_a_document_without_data() {
        assert!(
            Extremes::new(5)
                .json(8_000)
                .ends_with("\"length\":0,\"data\":[]}\n")
        );
    }
}
