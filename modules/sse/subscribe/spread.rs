//! Clients that were sent away together do not come back together.

/// A number below `within` that differs from client to client.
pub fn spread(seed: u64, within: u64) -> u64 {
    let mixed = (seed ^ rt::now()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    mixed % within.max(1)
}
