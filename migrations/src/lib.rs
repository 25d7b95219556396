//! Schema migrations of the two databases of a library.
