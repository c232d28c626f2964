//! Work that belongs to every turn of the loop: news that come through shared memory, not by a
//! descriptor.

use crate::worker::{Worker, worker};

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

/// Adds a pulse to this thread's loop, for good.
pub fn add_pulse(pulse: &'static dyn Pulse) {
    worker().pulses.borrow_mut().push(pulse);
}

impl Worker {
    /// Asks every pulse whether the loop may sleep. `false`: it must not, and all are awake.
    pub fn may_sleep(&self) -> bool {
        let pulses = self.pulses.borrow();
        let busy = pulses.iter().position(|pulse| !pulse.may_sleep());
        if let Some(busy) = busy {
            pulses[..busy].iter().for_each(|pulse| pulse.awake());
        }
        busy.is_none()
    }

    pub fn awake(&self) {
        self.pulses.borrow().iter().for_each(|pulse| pulse.awake());
    }

    pub fn beat(&self) {
        // One that is added meanwhile beats in the next turn.
        let count = self.pulses.borrow().len();
        for at in 0..count {
            let pulse = self.pulses.borrow()[at];
            pulse.beat();
        }
    }
}
