//! How far a long job is: a bar with rate and time left on a terminal, a plain line now and then
//! elsewhere. Always on stderr, so that stdout holds only the answer.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a plain line is written when there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// One job's progress.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    plain: Mutex<Plain>,
}

struct Plain {
    started: Instant,
    last_line: Instant,
    done: u64,
    total: Option<u64>,
}

impl Progress {
    /// Progress of `what`, out of a total if it is known.
    pub(crate) fn start(what: &'static str, total: Option<u64>) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| bar(what, total));
        Self {
            bar,
            what,
            plain: Mutex::new(Plain {
                started: now,
                last_line: now,
                done: 0,
                total,
            }),
        }
    }

    /// So many are done; `note` is said beside it.
    #[expect(clippy::print_stderr, reason = "progress goes to stderr")]
    pub(crate) fn set(&self, done: u64, note: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(note.to_owned());
        }
        let Ok(mut plain) = self.plain.lock() else {
            return;
        };
        plain.done = done;
        let now = Instant::now();
        if self.bar.is_none() && now.duration_since(plain.last_line) >= PLAIN_EVERY {
            plain.last_line = now;
            let line = plain_line(self.what, &plain, now);
            match note {
                "" => eprintln!("{line}"),
                note => eprintln!("{line} ({note})"),
            }
        }
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{prefix} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta} left  {msg}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {prefix} {human_pos}  {per_sec}  {msg}",
        ),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate for people needs no 53 bits"
)]
fn plain_line(what: &str, plain: &Plain, now: Instant) -> String {
    let seconds = now.duration_since(plain.started).as_secs_f64().max(0.001);
    let rate = plain.done as f64 / seconds;
    match plain.total {
        Some(total) if rate > 0.0 => {
            let left = total.saturating_sub(plain.done) as f64 / rate;
            format!(
                "{what}: {} of {total}, {rate:.1}/s, {left:.0} s left",
                plain.done
            )
        }
        _ => format!("{what}: {}, {rate:.1}/s", plain.done),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_tells_rate_and_time_left() {
        let started = Instant::now();
        let plain = Plain {
            started,
            last_line: started,
            done: 50,
            total: Some(150),
        };
        let line = plain_line("making", &plain, started + Duration::from_secs(10));
        assert_eq!(line, "making: 50 of 150, 5.0/s, 20 s left");
    }
}
