//! Generator for still pictures: all thumbnail sizes from one decode.
