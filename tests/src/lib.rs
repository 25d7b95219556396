//! End-to-end tests with real files, databases and processes.
