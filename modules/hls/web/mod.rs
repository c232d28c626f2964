//! HLS from memory, through HTTP.

mod addresses;
mod cache;
pub mod directives;
mod handler;
mod resource;
mod serving;
mod viewers;

pub use addresses::Place;
pub use resource::Resource;
pub use serving::{Serving, arguments_of};
