//! What is measured.

use crate::histogram::Histogram;
use crate::load::{Load, PATIENCE};
use crate::member::Role;
use crate::report::Report;
use crate::tally::{Tally, now, processor};

impl Load {
    /// Runs for a while, or until all that come at once have seen a key frame.
    pub fn round(&mut self) -> Result<Report, String> {
        if self.options.joins > 0 {
            self.between_key_frames()?;
        }
        let (start, used) = (now(), processor());
        self.tally = Tally::new(start);
        for member in self.members.iter_mut().flatten() {
            if let Role::Player(check) = &mut member.role {
                check.messages = 0;
            }
        }
        let stay = self.members.len();
        let joined = match self.options.joins {
            0 => {
                let end = start + self.options.time.as_nanos() as u64;
                while now() < end {
                    self.turn(end)?;
                }
                None
            }
            _ => Some(self.join()?),
        };
        let end = now();
        let seconds = (end - start) as f64 / 1e9;
        let (mut silent, mut members) = (0, 0);
        for member in self.members[..stay].iter().flatten() {
            members += 1;
            if let Role::Player(check) = &member.role {
                check.silence(end, &mut self.tally);
                silent += u64::from(check.messages == 0);
            }
        }
        self.members.truncate(stay);
        let busy = (processor() - used) / seconds;
        let mut report = Report::of(&self.tally, seconds, busy);
        report.add("clients", f64::from(members));
        report.add("silent", silent as f64);
        if let Some(joined) = joined {
            report.add("joins", self.options.joins as f64);
            report.add_times("play", &joined.play);
            report.add_times("connect", &joined.connect);
        }
        Ok(report)
    }

    /// Waits for the middle of a group: who then comes waits as long as the mean player.
    fn between_key_frames(&mut self) -> Result<(), String> {
        let half = self.options.shape.group / 2;
        let mut passed = false;
        loop {
            let Some(Role::Publisher(pace)) = self.members[0].as_ref().map(|m| &m.role) else {
                return Ok(());
            };
            let behind = pace.behind_key(&self.media);
            if passed && behind >= half {
                return Ok(());
            }
            passed |= behind < half;
            let due = pace.due(&self.media);
            self.turn(due)?;
        }
    }

    /// All come at once, and stay until each has seen a key frame.
    fn join(&mut self) -> Result<Joined, String> {
        let (base, start) = (self.members.len(), now());
        for number in 0..self.options.joins {
            self.open(number, Role::Player(Box::default()))?;
        }
        let all = |load: &Load| load.members[base..].iter().flatten().all(|m| m.served());
        while !all(self) && now() - start < PATIENCE {
            self.turn(start + PATIENCE)?;
        }
        let mut joined = Joined { play: Histogram::new(), connect: Histogram::new() };
        for member in self.members[base..].iter().flatten() {
            match &member.role {
                Role::Player(check) if check.first > 0 => {
                    joined.play.add(check.first - member.client.asked);
                    joined.connect.add(check.first - member.client.opened);
                }
                _ => self.tally.errors += 1,
            }
        }
        Ok(joined)
    }
}

/// How long the first key frame took, in nanoseconds.
struct Joined {
    /// From the sending of `play`.
    play: Histogram,
    /// From the beginning of the connection.
    connect: Histogram,
}
