//! Work that belongs to every turn of the loop: what comes through shared memory, not by a
//! descriptor.

/// Something that looks for work once a turn.
pub trait Pulse: 'static {
    /// The turn's tasks have run; nothing has been waited for yet.
    fn beat(&'static self);

    /// The loop is about to sleep. `false`: it must not, there is something to do. After `true` it
    /// sleeps, or learns from another that it must not; [`awake`](Self::awake) follows in any case.
    fn may_sleep(&'static self) -> bool;

    /// The loop does not sleep any more.
    fn awake(&'static self);
}
