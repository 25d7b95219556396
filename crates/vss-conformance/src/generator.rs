//! The contract of Generator as checks.
