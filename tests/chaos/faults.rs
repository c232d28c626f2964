//! What goes wrong, and what operators do: from the seed, at moments that nobody has chosen.
//! `RSERVE_CHAOS_FAULTS=kill,upgrade` leaves the others out, `none` leaves all out.

use std::time::{Duration, Instant};

use support::{comes, process};

use crate::load::Load;
use crate::target::Target;
use crate::{pause, processes};
use support::Random;

/// The longest time between two faults.
const PAUSE: Duration = Duration::from_millis(500);

/// What may be done, each as often as it stands here.
const KINDS: [&str; 14] = [
    "kill", "kill", "kill", "kill", "kill", "reload", "reload", "reload", "upgrade", "upgrade",
    "stop", "stop", "stop", "freeze",
];

/// The longest time that a process stands still: shorter than what the master takes for the end of a
/// holder of the lock.
const STILL: Duration = Duration::from_millis(900);

/// The same of one that the master ends, should it have the lock.
const FROZEN: Duration = Duration::from_secs(4);

/// The kinds that are asked for.
pub fn kinds(load: &Load) -> Vec<&'static str> {
    // The checker can start again what it has started: an upgrade puts another in its place.
    let kinds = KINDS.iter().enumerate().map(|(n, kind)| match *kind {
        "kill" if load.has_disk() => ["cut", "fill"][n % 2],
        "upgrade" if load.is_durable() => "crash",
        kind => kind,
    });
    let Ok(text) = std::env::var("RSERVE_CHAOS_FAULTS") else { return kinds.collect() };
    kinds.filter(|kind| text.split(',').any(|word| word == *kind)).collect()
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Workers, killed.
    pub kills: u32,
    /// SIGHUP.
    pub reloads: u32,
    /// SIGUSR2, then SIGQUIT to the old master.
    pub upgrades: u32,
    /// SIGSTOP, and SIGCONT a moment later, to a worker or to a master.
    pub stops: u32,
    /// Masters, killed, or the power cut, and the server started again.
    pub crashes: u32,
    /// Disks, filled for a moment.
    pub fills: u32,
    /// Upgrades and starts that did not come about.
    pub refused: u32,
    /// The master that was told to end: there can be no third one before it has.
    leaving: Option<u32>,
}

impl Faults {
    /// Injects faults of these kinds for the given time.
    pub fn inject(
        target: &dyn Target,
        kinds: &[&str],
        random: &mut Random,
        time: Duration,
    ) -> Faults {
        let mut faults = Faults::default();
        let end = Instant::now() + time;
        loop {
            pause::up_to(PAUSE, random);
            if Instant::now() > end {
                return faults;
            }
            match kinds.get(random.below(kinds.len().max(1))) {
                Some(&"kill") => faults.kill(target, random),
                Some(&"reload") => faults.reload(target),
                Some(&"stop") => faults.stop(target, random, STILL),
                Some(&"freeze") => faults.stop(target, random, FROZEN),
                Some(&"crash") => faults.crash(target.crash()),
                Some(&"cut") => faults.crash(target.cut()),
                Some(&"fill") => faults.fill(target, random),
                Some(_) => faults.upgrade(target),
                None => {}
            }
        }
    }

    fn kill(&mut self, target: &dyn Target, random: &mut Random) {
        let workers = processes::workers(target);
        if !workers.is_empty() {
            process::kill(&[workers[random.below(workers.len())]]);
            self.kills += 1;
        }
    }

    fn stop(&mut self, target: &dyn Target, random: &mut Random, most: Duration) {
        let all = processes::all(&target.dir());
        if !all.is_empty() {
            let one = all[random.below(all.len())];
            process::signal(one, "STOP");
            pause::up_to(most, random);
            process::signal(one, "CONT");
            self.stops += 1;
        }
    }

    fn fill(&mut self, target: &dyn Target, random: &mut Random) {
        if let Some(disk) = target.disk() {
            let _filler = disk.fill();
            pause::up_to(STILL, random);
            self.fills += 1;
        }
    }

    fn crash(&mut self, crashed: Result<(), String>) {
        match crashed {
            Ok(()) => self.crashes += 1,
            Err(said) => {
                println!("{said}");
                self.refused += 1;
            }
        }
    }

    fn reload(&mut self, target: &dyn Target) {
        if let Some(master) = target.master() {
            process::signal(master, "HUP");
            self.reloads += 1;
        }
    }

    fn upgrade(&mut self, target: &dyn Target) {
        let Some(old) = target.master() else { return };
        if self.leaving.is_some_and(process::is_alive) {
            // It would be refused. The other faults go on while the old workers leave.
            return;
        }
        process::signal(old, "USR2");
        match comes(|| target.master().is_some_and(|new| new != old)) {
            true => {
                process::signal(old, "QUIT");
                self.leaving = Some(old);
                self.upgrades += 1;
            }
            false => self.refused += 1,
        }
    }
}
