//! Random bytes: AWS-LC seeds its generator when a process first asks for some, and that takes tens of milliseconds. It is
//! done before anybody waits: in the master before it listens, in a worker before it accepts.

use aws_lc_rs::rand;
use module::Process;

/// Does so in each worker.
pub struct Entropy;

impl Process for Entropy {
    fn started(&'static self) -> Result<(), String> {
        seed().map_err(|()| "no random bytes for TLS".to_owned())
    }
}

/// Asks for the first ones.
pub fn seed() -> Result<(), ()> {
    rand::fill(&mut [0; 8]).map_err(|_| ())
}
