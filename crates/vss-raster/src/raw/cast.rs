//! From the colours of a camera to those of sRGB (Digital Negative Specification 1.7, chapter 6, but
//! white stays white whatever the matrix says of it).

use super::sensor::Colours;

/// From linear sRGB to CIE XYZ, with the light of day (IEC 61966-2-1).
const XYZ: [[f64; 3]; 3] = [
    [0.412_456_4, 0.357_576_1, 0.180_437_5],
    [0.212_672_9, 0.715_152_2, 0.072_175_0],
    [0.019_333_9, 0.119_192_0, 0.950_304_1],
];

/// From the camera's colours to those of sRGB, still linear.
pub(super) struct Cast {
    /// Factors that make white of what was white.
    white: [f32; 3],
    matrix: [[f32; 3]; 3],
}

impl Cast {
    /// From what a file says. A matrix that makes no sense leaves the colours as the camera saw them.
    #[expect(clippy::cast_possible_truncation, reason = "a colour needs few digits")]
    pub(super) fn new(colours: &Colours) -> Self {
        let mut to_camera = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        if let (&[a, b, c], &[]) = colours.matrix.as_chunks::<3>() {
            let balance = |of: usize| colours.balance.get(of).copied().unwrap_or(1.0);
            let rows = [a, b, c];
            to_camera = [0, 1, 2].map(|row: usize| {
                let weights = rows.get(row).copied().unwrap_or_default();
                let camera = [0, 1, 2].map(|column: usize| {
                    let xyz = XYZ.map(|xyz| xyz.get(column).copied().unwrap_or(0.0));
                    weights.iter().zip(xyz).map(|(w, xyz)| w * xyz).sum::<f64>() * balance(row)
                });
                // White is white: it is made so by the factors.
                let sum: f64 = camera.iter().sum();
                camera.map(|part| part / sum)
            });
        }
        let matrix = inverse(to_camera).map(|row| row.map(|value| value as f32));
        let neutral = match colours.neutral.as_slice() {
            &[red, green, blue] => [red, green, blue],
            _ => [1.0; 3],
        };
        let usable = neutral.iter().all(|part| (0.01..=100.0).contains(part));
        let neutral = if usable { neutral } else { [1.0; 3] };
        // What is brightest in all three stays white: no factor is below 1.
        let most = neutral.iter().copied().fold(0.0, f64::max);
        Self {
            white: neutral.map(|part| (most / part) as f32),
            matrix,
        }
    }

    /// Of a place.
    pub(super) fn of(&self, camera: [f32; 3]) -> [f32; 3] {
        let [a, b, c] = camera;
        let [red, green, blue] = self.white;
        let camera = [a * red, b * green, c * blue].map(|part| part.min(1.0));
        self.matrix.map(|row| {
            let [a, b, c] = row;
            let [red, green, blue] = camera;
            (a * red + b * green + c * blue).max(0.0)
        })
    }
}

/// The inverse of a matrix; the one that changes nothing for what has none.
fn inverse([a, b, c]: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cross =
        |[a, b, c]: [f64; 3], [d, e, f]: [f64; 3]| [b * f - c * e, c * d - a * f, a * e - b * d];
    let (first, second, third) = (cross(b, c), cross(c, a), cross(a, b));
    let whole: f64 = a.iter().zip(first).map(|(a, first)| a * first).sum();
    let row = |of: usize| {
        [first, second, third].map(|column| column.get(of).copied().unwrap_or(0.0) / whole)
    };
    let inverse = [row(0), row(1), row(2)];
    match inverse.iter().flatten().all(|part| part.abs() < 100.0) {
        true => inverse,
        false => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_times_its_inverse_changes_nothing() {
        let matrix = [[2.0, 1.0, 0.0], [0.5, 3.0, 0.25], [0.0, -1.0, 1.5]];
        let inverse = inverse(matrix);
        let column = |of: usize| inverse.map(|row| row[of]);
        let product = matrix.map(|row| {
            let of = |column: [f64; 3]| row.iter().zip(column).map(|(a, b)| a * b).sum::<f64>();
            [0, 1, 2].map(|at| of(column(at)))
        });
        for (found, wanted) in product.iter().flatten().zip([1, 0, 0, 0, 1, 0, 0, 0, 1]) {
            assert!((found - f64::from(wanted)).abs() < 1e-9, "{product:?}");
        }
        assert_eq!(super::inverse([[0.0; 3]; 3])[1], [0.0, 1.0, 0.0]);
    }

    #[test]
    fn what_was_white_is_white_and_what_is_too_bright_has_no_hue() {
        let colours = Colours {
            // A camera of Canon's.
            matrix: vec![
                0.6018, -0.0617, -0.0965, -0.8645, 1.5881, 0.2975, -0.1530, 0.1719, 0.7642,
            ],
            balance: vec![1.0; 3],
            neutral: vec![0.592, 1.0, 0.502],
            exposure: 0.0,
        };
        let cast = Cast::new(&colours);
        for part in cast.of([0.592 / 4.0, 0.25, 0.502 / 4.0]) {
            assert!((part - 0.25).abs() < 0.001, "{part}");
        }
        for part in cast.of([1.0; 3]) {
            assert!((part - 1.0).abs() < 0.001, "{part}");
        }
        let strange = Cast::new(&Colours {
            neutral: vec![0.0, f64::NAN, 1.0],
            ..Colours::default()
        });
        assert_eq!(strange.of([0.5, 0.25, 0.125]), [0.5, 0.25, 0.125]);
    }
}
