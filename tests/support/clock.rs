//! Servers that see another time than we do, by a Debian package that lets programs do so.

use std::path::Path;

use crate::{Server, Start};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
const FILE: &str = "FAKETIME_TIMESTAMP_FILE";
/// The file is looked at whenever the time is.
const AT_ONCE: &str = "FAKETIME_NO_CACHE";
const TIME_OF_DAY_ALONE: &str = "FAKETIME_DONT_FAKE_MONOTONIC";

/// Which clocks are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    /// The time of day, as somebody sets it. Nothing becomes due for that.
    TimeOfDay,
    /// All of them, as if time had passed.
    All,
}

impl Start {
    /// With clocks that [`Server::set_clocks`] sets.
    #[track_caller]
    pub fn with_clocks(self, conf: &str, clocks: Clocks) -> Start {
        assert!(Path::new(LIBRARY).exists(), "install faketime");
        // Those that the master gives to its workers.
        let keeps = [FILE, AT_ONCE, TIME_OF_DAY_ALONE].map(|name| format!("env {name}; "));
        let start = self.conf(format!("{} {conf}", keeps.concat()));
        let file = start.dir().file("clock", "+0").display().to_string();
        let start = start.env("LD_PRELOAD", LIBRARY).env(FILE, &file).env(AT_ONCE, "1");
        let alone = if clocks == Clocks::TimeOfDay { "1" } else { "0" };
        start.env(TIME_OF_DAY_ALONE, alone)
    }
}

impl Server {
    /// Its clocks are so many seconds beside ours from now on.
    pub fn set_clocks(&self, beside: i64) {
        self.file("clock.new", format!("{beside:+}"));
        std::fs::rename(self.path("clock.new"), self.path("clock")).expect("renamed");
    }
}
