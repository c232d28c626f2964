//! What must be true: the states of a server's processes, and how each step changes them.
//!
//! The right values are those of nginx's page "Controlling nginx"
//! (<https://nginx.org/en/docs/control.html>), with one difference: a reload or an upgrade that cannot
//! serve changes nothing.

use crate::steps::{Signal, Who};

/// The configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conf {
    /// It answers with `word`, and listens on a Unix socket, too, or not.
    Good { word: u32, unix: bool },
    /// It has an unknown directive.
    Broken,
    /// There is no file.
    Missing,
    /// It is right, and its workers cannot start.
    CannotServe,
}

/// A master process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Master {
    /// Its number.
    pub pid: u32,
    /// What its workers answer.
    pub word: u32,
    /// Whether it listens on the Unix socket.
    pub unix: bool,
    /// Whether it has workers.
    pub workers: bool,
}

/// The state of everything.
#[derive(Debug)]
pub struct Model {
    /// The only master, or the older one.
    pub first: Option<Master>,
    /// The newer one.
    pub second: Option<Master>,
    /// The file on disk.
    pub conf: Conf,
    /// Whether nothing can be written beside the pid file.
    pub disk_full: bool,
    /// A master was killed and had nobody beside it: its pid file and sockets are still there.
    pub files_left: bool,
    /// A killed master had a Unix socket that nobody else knows of.
    pub socket_left: bool,
}

impl Default for Model {
    fn default() -> Model {
        Model {
            first: None,
            second: None,
            conf: Conf::Good { word: 0, unix: true },
            disk_full: false,
            files_left: false,
            socket_left: false,
        }
    }
}

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    Done,
    /// It is refused, and the log says so.
    Refused,
    /// It goes to a master that has a newer one beside it: its configuration is not read.
    NotRead,
}

impl Model {
    /// One of the masters.
    pub fn of(&self, who: Who) -> Option<Master> {
        match who {
            Who::First => self.first,
            Who::Second => self.second,
        }
    }

    fn slot(&mut self, who: Who) -> &mut Option<Master> {
        match who {
            Who::First => &mut self.first,
            Who::Second => &mut self.second,
        }
    }

    /// Whom the pid file names: whoever came last.
    pub fn named(&self) -> Option<Who> {
        let second = self.second.map(|_| Who::Second);
        second.or(self.first.map(|_| Who::First))
    }

    /// The words that may be the answer now; none: nobody serves.
    pub fn words(&self) -> Vec<u32> {
        let masters = [self.first, self.second];
        masters.into_iter().flatten().filter(|m| m.workers).map(|m| m.word).collect()
    }

    /// HUP.
    pub fn reload(&mut self, who: Who) -> Fate {
        if who == Who::First && self.second.is_some() {
            if let Some(master) = self.slot(who) {
                master.workers = true;
            }
            return Fate::NotRead;
        }
        let Conf::Good { word, unix } = self.conf else { return Fate::Refused };
        // The older binary has the socket, and the newer one did not want it when it could have it.
        let taken = who == Who::Second
            && unix
            && self.first.is_some_and(|first| first.unix)
            && self.second.is_some_and(|second| !second.unix);
        if taken {
            return Fate::Refused;
        }
        if let Some(master) = self.slot(who) {
            *master = Master { word, unix, workers: true, ..*master };
        }
        Fate::Done
    }

    /// USR2: whether a new master comes to serve. Its number is seen later.
    pub fn upgrade(&mut self, who: Who) -> Fate {
        if self.second.is_some() {
            return Fate::NotRead;
        }
        match self.conf {
            // The new one has to write a pid file.
            Conf::Good { word, unix } if !self.disk_full => {
                self.second = Some(Master { pid: 0, word, unix, workers: true });
                Fate::Done
            }
            _ => {
                // Workers that were sent away come back when a new binary goes.
                if let Some(master) = self.slot(who) {
                    master.workers = true;
                }
                Fate::Refused
            }
        }
    }

    /// A master ends: told to, or killed.
    pub fn ends(&mut self, who: Who, signal: Signal) {
        let killed = signal == Signal::Kill;
        let Some(gone) = self.slot(who).take() else { return };
        match who {
            Who::First => {
                self.first = self.second.take();
                if let Some(first) = &mut self.first {
                    first.workers = true;
                }
            }
            Who::Second => {
                if let Some(first) = &mut self.first {
                    first.workers = true;
                }
            }
        }
        self.files_left |= killed && self.first.is_none();
        let known = self.first.is_some_and(|first| first.unix);
        self.socket_left =
            (self.socket_left || killed) && gone.unix && !known || self.socket_left && !gone.unix;
    }

    /// The older master was killed in the middle of an upgrade: the newer one has come to serve, or it has
    /// not.
    pub fn lost_the_older(&mut self, newer: Option<u32>) {
        let Some(gone) = self.first.take() else { return };
        if let (Some(pid), Conf::Good { word, unix }) = (newer, self.conf) {
            self.first = Some(Master { pid, word, unix, workers: true });
        }
        self.files_left = self.first.is_none();
        self.socket_left |= gone.unix;
        self.socket_left &= !self.first.is_some_and(|first| first.unix);
    }

    /// A start of the program: whether it comes to serve.
    pub fn start(&mut self) -> Fate {
        match self.conf {
            // A pid file that is there has its place on the disk.
            Conf::Good { word, unix } if !self.disk_full || self.files_left => {
                self.first = Some(Master { pid: 0, word, unix, workers: true });
                self.files_left = false;
                self.socket_left &= !unix;
                Fate::Done
            }
            // What a dead server left was taken over, and then taken away.
            Conf::Good { unix, .. } => {
                self.socket_left &= !unix;
                Fate::Refused
            }
            Conf::CannotServe => {
                self.files_left = false;
                self.socket_left = false;
                Fate::Refused
            }
            Conf::Broken | Conf::Missing => Fate::Refused,
        }
    }
}
