//! The pulses of a loop have their turn.

use crate::pulse::Pulse;
use crate::worker::{Worker, worker};

/// Adds a pulse to this thread's loop, for good.
pub fn add_pulse(pulse: &'static dyn Pulse) {
    worker().pulses.borrow_mut().push(pulse);
}

impl Worker {
    /// Asks every pulse whether the loop may sleep. `false`: it must not, and all are awake.
    pub fn may_sleep(&self) -> bool {
        let pulses = self.pulses.borrow();
        let is_busy = |pulse: &&'static dyn Pulse| self.guarded(|| pulse.may_sleep()) != Some(true);
        let busy = pulses.iter().position(is_busy);
        if let Some(busy) = busy {
            self.awaken(&pulses[..busy]);
        }
        busy.is_none()
    }

    pub fn awake(&self) {
        self.awaken(&self.pulses.borrow());
    }

    fn awaken(&self, pulses: &[&'static dyn Pulse]) {
        for pulse in pulses {
            self.guarded(|| pulse.awake());
        }
    }

    pub fn beat(&self) {
        // One that is added meanwhile beats in the next turn.
        let count = self.pulses.borrow().len();
        for at in 0..count {
            let pulse = self.pulses.borrow()[at];
            if self.guarded(|| pulse.beat()).is_none() {
                self.broken.set(self.broken.get() + 1);
            }
        }
    }
}
