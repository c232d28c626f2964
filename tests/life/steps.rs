//! What may happen to a server.

use support::Random;

use crate::model::{Conf, Model};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The configuration on disk becomes another one.
    Write(Conf),
    /// The disk of the pid file is full, or has room again.
    Fill(bool),
    /// The program is started.
    Start,
    /// A signal to one of the masters.
    Signal(Who, Signal),
    /// A worker of one of the masters is killed.
    KillWorker(Who),
    /// An upgrade is begun, and after so many microseconds one of its two sides is killed, wherever it is
    /// then.
    CrashIn(Who, u64),
    /// `rserve -s WORD`.
    Command(&'static str),
}

/// One of at most two masters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The one that was there first.
    First,
    /// The newer binary.
    Second,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Hup,
    Usr1,
    Usr2,
    Winch,
    Quit,
    Term,
    Kill,
}

impl Signal {
    /// As `kill -s` wants it.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Hup => "HUP",
            Signal::Usr1 => "USR1",
            Signal::Usr2 => "USR2",
            Signal::Winch => "WINCH",
            Signal::Quit => "QUIT",
            Signal::Term => "TERM",
            Signal::Kill => "KILL",
        }
    }
}

/// The signals with their weights: what administrators do most comes most.
const SIGNALS: &[(Signal, usize)] = &[
    (Signal::Hup, 6),
    (Signal::Usr1, 1),
    (Signal::Usr2, 8),
    (Signal::Winch, 4),
    (Signal::Quit, 2),
    (Signal::Term, 2),
    (Signal::Kill, 3),
];

impl Step {
    /// What comes next.
    pub fn choose(random: &mut Random, model: &Model) -> Step {
        if model.first.is_none() {
            return match random.below(6) {
                0 => Step::Write(conf(random)),
                1 => Step::Command(["reload", "quit", "upgrade"][random.below(3)]),
                2 => Step::Fill(!model.disk_full && random.one_in(2)),
                _ => Step::Start,
            };
        }
        let second = model.second.is_some() && random.one_in(2);
        let who = if second { Who::Second } else { Who::First };
        match random.below(20) {
            0..=3 => Step::Write(conf(random)),
            4 => Step::Fill(!model.disk_full && random.one_in(2)),
            5 if model.second.is_none() => {
                let side = if random.one_in(2) { Who::First } else { Who::Second };
                Step::CrashIn(side, random.below(60_000) as u64)
            }
            6 if model.of(who).is_some_and(|master| master.workers) => Step::KillWorker(who),
            7..=8 => {
                let words = ["reload", "reload", "upgrade", "reopen", "quit", "stop"];
                Step::Command(words[random.below(words.len())])
            }
            _ => Step::Signal(who, signal(random)),
        }
    }
}

fn signal(random: &mut Random) -> Signal {
    let mut left = random.below(SIGNALS.iter().map(|(_, weight)| weight).sum());
    for (signal, weight) in SIGNALS {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return *signal,
        }
    }
    Signal::Hup
}

fn conf(random: &mut Random) -> Conf {
    match random.below(8) {
        0 => Conf::Broken,
        1 => Conf::Missing,
        2 => Conf::CannotServe,
        _ => Conf::Good { word: random.below(1000) as u32, unix: random.one_in(2) },
    }
}
