//! What must be seen of the processes and their files, by the model.

use std::collections::BTreeSet;
use std::fs;

use support::{curl, is_listening, process};

use crate::model::Model;
use crate::steps::Who;
use crate::world::{OLD, Outcome, PID, SOCKET, STRANGERS, World, comes_to};

impl World {
    /// Everything that can be seen is as the model says.
    pub fn check(&mut self, model: &Model) -> Outcome {
        let pid = |who| model.of(who).map(|master| master.pid);
        let named = model.named().and_then(pid);
        let old = model.second.and(pid(Who::First));
        if named.is_some() {
            comes_to("the pid file to name the newest master", || self.pid_in(PID) == named)?;
            comes_to("the old pid file to be right", || self.pid_in(OLD) == old)?;
        }
        let socket = |path: &str| self.dir.path(path).exists();
        let killed_alone = named.is_none() && model.files_left;
        comes_to("the control sockets to be right", || {
            if killed_alone {
                return true;
            }

            socket("run/rserve.pid.sock") == named.is_some()
                && socket("run/rserve.pid.oldbin.sock") == old.is_some()
        })?;
        for master in [model.first, model.second].into_iter().flatten() {
            let wanted = if master.workers { 2 } else { 0 };
            let what = format!("{wanted} workers of {}", master.pid);
            comes_to(&what, || self.workers(master.pid, model).len() == wanted)?;
        }
        self.check_answers(model)?;
        self.check_strangers()?;
        if model.first.is_none() {
            self.check_nothing_is_left(model)?;
        }
        self.check_dead(model)
    }

    fn check_answers(&self, model: &Model) -> Outcome {
        let words: Vec<String> = model.words().iter().map(u32::to_string).collect();
        if words.is_empty() {
            let listens = model.first.is_some();
            return comes_to("the port to be as it must", || is_listening(self.port) == listens);
        }
        // Who was just told to leave may answer once more.
        comes_to(&format!("an answer out of {words:?}"), || {
            let url = format!("http://127.0.0.1:{}/", self.port);
            let answer = curl(&["--max-time", "5", &url]);
            words.contains(&answer.text())
        })?;
        let unix = [model.first, model.second].into_iter().flatten().any(|m| m.unix && m.workers);
        if unix {
            let path = self.dir.path(SOCKET);
            let path = path.to_string_lossy();
            comes_to("an answer at the Unix socket", || {
                curl(&["--max-time", "5", "--unix-socket", &path, "http://a/"]).status == 200
            })?;
        }
        Ok(())
    }

    fn check_strangers(&self) -> Outcome {
        for (path, content) in STRANGERS {
            if self.dir.text(path) != *content {
                return Err(format!("{path} was touched: {:?}", self.dir.text(path)));
            }
        }
        let other = self.dir.path("run/other.sock");
        std::os::unix::net::UnixStream::connect(other)
            .map(drop)
            .map_err(|e| format!("the other program's socket: {e}"))
    }

    fn check_nothing_is_left(&self, model: &Model) -> Outcome {
        if model.files_left {
            return Ok(());
        }
        let mut known: BTreeSet<String> =
            STRANGERS.iter().map(|(path, _)| (*path).into()).collect();
        known.extend(["run/other.sock".to_owned(), "run/ballast".to_owned()]);
        if model.socket_left {
            known.insert(SOCKET.to_owned());
        }
        let mut left = Vec::new();
        comes_to("nothing to be left in run/", || {
            let names = fs::read_dir(self.dir.path("run")).into_iter().flatten().flatten();
            let names = names.map(|e| format!("run/{}", e.file_name().to_string_lossy()));
            left = names.filter(|name| !known.contains(name)).collect();
            left.is_empty()
        })
        .map_err(|e| format!("{e}: {left:?}"))
    }

    /// Of all processes that were ever seen, only those live that the model knows, and their workers.
    fn check_dead(&mut self, model: &Model) -> Outcome {
        self.remember(model);
        let mut living: BTreeSet<u32> = BTreeSet::new();
        let mut stray = Vec::new();
        comes_to("all others to be gone", || {
            living.clear();
            for master in [model.first, model.second].into_iter().flatten() {
                living.insert(master.pid);
                living.extend(process::children(master.pid));
            }
            let alive = |pid: &&u32| !living.contains(pid) && process::is_alive(**pid);
            stray = self.seen.iter().filter(alive).copied().collect();
            stray.is_empty()
        })
        .map_err(|e| format!("{e}: {stray:?}"))
    }
}
