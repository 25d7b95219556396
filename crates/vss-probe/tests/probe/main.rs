//! What files say that were made for it, real ones and damaged ones.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod corpus;
mod damaged;
mod made;
mod says;
