//! The failures of picture engines by class, so that each is spelt once.

use std::fmt::Display;
use std::io;

use vss_core::FailureClass;
use vss_ports::GenerateFailure;

/// What every step answers.
pub type Outcome<T> = Result<T, GenerateFailure>;

/// The picture is damaged, or is not what its media type says.
pub fn corrupt(detail: impl Display) -> GenerateFailure {
    GenerateFailure::new(FailureClass::CorruptSource, detail.to_string())
}

/// A sort of picture, or of output, that is not built in.
pub fn unsupported(detail: impl Display) -> GenerateFailure {
    GenerateFailure::new(FailureClass::Unsupported, detail.to_string())
}

/// More than the limits of the job allow.
pub fn too_large(detail: impl Display) -> GenerateFailure {
    GenerateFailure::new(FailureClass::TooLarge, detail.to_string())
}

/// The caller asked to stop.
pub fn cancelled() -> GenerateFailure {
    GenerateFailure::new(FailureClass::Timeout, "stopped before it was done")
}

/// Memory that the limits allow is not to be had.
pub fn out_of_memory(detail: impl Display) -> GenerateFailure {
    GenerateFailure::new(FailureClass::OutOfMemory, detail.to_string())
}

/// The original could not be read.
pub fn unreadable(error: &io::Error) -> GenerateFailure {
    GenerateFailure::new(
        FailureClass::TransientIo,
        format!("the original could not be read: {error}"),
    )
}

/// The output could not be written.
pub fn unwritable(error: &io::Error) -> GenerateFailure {
    let class = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureClass::DiskFull,
        _ => FailureClass::TransientIo,
    };
    GenerateFailure::new(class, format!("the output could not be written: {error}"))
}
