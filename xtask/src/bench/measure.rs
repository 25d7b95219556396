//! Measures one child process as a whole: CPU seconds and peak memory, its own children included.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use wait4::Wait4;

use crate::shell;

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// User plus system time, in seconds.
    pub(super) cpu: f64,
    /// Time on the wall, in seconds.
    pub(super) wall: f64,
    /// Peak resident memory of its largest process, in bytes.
    pub(super) peak: u64,
}

/// Runs the command to its end.
pub(super) fn run(command: &mut Command) -> Result<Cost> {
    let start = Instant::now();
    let child = command
        .spawn()
        .with_context(|| format!("cannot start {}", shell::line(command)))?;
    let end = child
        .wait4()
        .with_context(|| format!("lost {}", shell::line(command)))?;
    if !end.status.success() {
        bail!("{} ended with {}", shell::line(command), end.status);
    }
    let usage = end.rusage;
    Ok(Cost {
        cpu: (usage.utime + usage.stime).as_secs_f64(),
        wall: start.elapsed().as_secs_f64(),
        peak: usage.maxrss,
    })
}

/// The middle value; of an even number of values the mean of the two in the middle.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => f64::NAN,
        (length, middle) if length % 2 == 1 => values[middle],
        (_, middle) => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_value_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_child_that_computes_costs_cpu_time_and_memory() {
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        // Below a second shell: a grandchild counts too.
        let cost = run(Command::new("sh").args(["-c", &format!("sh -c '{busy}'; true")])).unwrap();
        assert!(cost.cpu > 0.01, "{cost:?}");
        assert!((100_000..1_000_000_000).contains(&cost.peak), "{cost:?}");
        assert!(run(&mut Command::new("false")).is_err());
    }
}
