//! Which family of engines a worker runs: it decides which system calls it needs.

/// Which family of engines a worker runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// Stills, also of camera files: one thread.
    Image,
    /// Text recognition: one thread.
    Ocr,
    /// Video and audio: starts threads of its own.
    Av,
}
