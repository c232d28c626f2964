//! A location with event streams.

pub mod handler;
pub mod manage;
pub mod parts;
