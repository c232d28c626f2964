//! What happens to streams, for whoever listens.

pub mod channel;
pub mod tell;
