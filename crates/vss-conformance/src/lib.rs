//! Each port's contract as checks that every adapter runs.
