//! Still pictures of every sort through the generator port.

mod claims;
mod colours;
mod corpus;
mod damage;
mod formats;
mod job;
mod media;
mod orientations;
mod tiffs;
