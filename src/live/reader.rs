//! A reader: a cursor in the log, and what the protocol keeps for it.

use crate::membership::Membership;
use crate::outlet::NONE;

/// One reader of the log.
pub struct Reader<R> {
    /// It has got everything up to here, or it was not for it.
    pub cursor: u64,
    /// It knows that records up to here may be gone.
    pub told: u64,
    /// What it listens to.
    pub membership: Membership,
    /// What the protocol keeps for it.
    pub own: R,
    /// Its connection.
    pub(crate) outlet: u32,
    /// The next one of the same connection.
    pub(crate) next: u32,
    /// It is among those that are served one by one.
    pub(crate) waiting: bool,
    /// An alarm is set, with which it is served.
    pub(crate) due: bool,
}

impl<R> Reader<R> {
    /// That has got everything up to `cursor`.
    pub fn new(membership: Membership, cursor: u64, told: u64, own: R) -> Reader<R> {
        Reader {
            cursor,
            told,
            membership,
            own,
            outlet: NONE,
            next: NONE,
            waiting: false,
            due: false,
        }
    }
}
