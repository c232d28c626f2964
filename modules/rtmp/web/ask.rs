//! Questions to all workers.
use crate::instance::Running;
/// x
pub fn start(_: &'static Running) -> Result<(), String> { Ok(()) }
