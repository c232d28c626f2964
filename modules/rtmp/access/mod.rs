//! Who may publish and play.

pub mod key;
pub mod login;
pub mod rules;
