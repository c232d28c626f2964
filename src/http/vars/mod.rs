//! Variables, and words that have them in them.

pub mod settable;
pub mod template;
pub mod variables;
