//! Generator in memory.
