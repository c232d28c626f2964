//! The ways to choose among peers.

use crate::points::Points;

/// How a group's peers are chosen.
#[derive(Debug)]
pub enum Method {
    /// In turn, by weight.
    RoundRobin,
    /// The one with the fewest requests for its weight.
    LeastConn,
    /// By the client's address.
    IpHash,
    /// By a key.
    Hash,
    /// By a key, so that few keys change their peer when peers change.
    Consistent(Points),
    /// By chance; `true`: the one of two that has fewer requests.
    Random(bool),
}
