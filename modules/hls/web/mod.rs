//! HLS from memory, through HTTP.

mod addresses;
mod answers;
mod cache;
mod coming;
pub mod directives;
mod growing;
mod handler;
mod resource;
mod serving;
mod viewers;

pub use addresses::{Addresses, Place};
pub use resource::Resource;
pub use serving::{Serving, arguments_of};
