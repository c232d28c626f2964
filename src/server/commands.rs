//! Commands that come through the control socket.

use crate::control::{Command, Control, answer};
use crate::master::Master;

impl Master {
    /// Does what clients of the control socket ask for.
    pub(crate) fn answer_control(&mut self) {
        while let Some((client, command)) = self.control.as_mut().and_then(Control::next) {
            // Held where the workers that are forked meanwhile find their copy of it, to close it.
            self.asking = Some(client);
            let verdict = match command {
                Command::Reload => self.reload(),
                Command::Certificates => self.cycle.refresh(),
                Command::Upgrade => match self.upgrade() {
                    Ok(()) => {
                        self.upgrading = self.asking.take();
                        continue;
                    }
                    failed => failed,
                },
            };
            if let Some(client) = self.asking.take() {
                answer(client, &verdict);
            }
        }
    }
}
