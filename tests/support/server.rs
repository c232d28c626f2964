//! The server under test.

use std::path::PathBuf;
use std::process::{Child, Output};
use std::sync::Arc;
use std::time::Duration;

use crate::ready::Ready;
use crate::start::{Start, command, complete};
use crate::{Answer, Dir, Wire, curl, ports, process, wait, wait_for};

/// A running server. It is stopped when the value goes away, and must not have panicked.
pub struct Server {
    start: Start,
    child: Child,
    /// Hears its word that it serves; none: a test does.
    ready: Option<Ready>,
    ports: [u16; 2],
    dir: Arc<Dir>,
}

impl Server {
    pub(crate) fn new(start: Start, child: Child, ready: Option<Ready>, ports: [u16; 2]) -> Server {
        let dir = start.dir();
        Server { start, child, ready, ports, dir }
    }

    pub(crate) fn wait_until_up(&mut self) -> Result<(), String> {
        let mut exited = false;
        let wanted = self.start.conf.contains("{port}").then_some(self.ports[0]);
        wait_for("the server to come up", || {
            exited = self.child.try_wait().expect("wait").is_some();
            let up = self.pid_in_file().is_some() && wanted.is_none_or(ports::is_listening);
            exited || up && self.ready.as_mut().is_none_or(Ready::is_told)
        });
        match exited {
            true => Err(self.dir.text("logs/stderr")),
            false => Ok(()),
        }
    }

    /// A path in the server's directory: `html/…`, `logs/…`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path(path)
    }

    /// The server's directory.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Writes a file into the server's directory.
    pub fn file(&self, path: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        self.dir.file(path, bytes)
    }

    /// Writes another configuration, for a reload.
    pub fn set_conf(&self, text: impl AsRef<str>) {
        self.start.write_conf(&complete(text.as_ref()), self.ports);
    }

    /// The port that `{port}` stands for.
    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    /// The port that `{port2}` stands for.
    pub fn port2(&self) -> u16 {
        self.ports[1]
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.start.transport.scheme(), self.port())
    }

    /// GET by curl.
    pub fn get(&self, path: &str) -> Answer {
        curl(&[&self.url(path)])
    }

    /// A request by curl with further arguments.
    pub fn curl(&self, args: &[&str], path: &str) -> Answer {
        let url = self.url(path);
        let all: Vec<&str> = args.iter().copied().chain([url.as_str()]).collect();
        curl(&all)
    }

    /// A connection of bytes.
    #[track_caller]
    pub fn wire(&self) -> Wire {
        Wire::open(self.port())
    }

    /// Sends bytes and no more, and reads until the server closes.
    #[track_caller]
    pub fn raw(&self, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        crate::raw(self.port(), bytes)
    }

    /// The process that was started.
    pub fn started(&self) -> u32 {
        self.child.id()
    }

    /// The master, by its file: after an upgrade the new one.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.pid_in_file().expect("a pid file")
    }

    pub(crate) fn pid_in_file(&self) -> Option<u32> {
        self.dir.text("logs/rserve.pid").trim().parse().ok()
    }

    /// The workers of the master.
    pub fn workers(&self) -> Vec<u32> {
        process::children(self.pid())
    }

    /// Runs `work` while all other workers stand still: what it connects to is this one.
    #[track_caller]
    pub fn only<T>(&self, worker: u32, work: impl FnOnce() -> T) -> T {
        let mut others = self.workers();
        others.retain(|&pid| pid != worker);
        process::while_stopped(&others, work)
    }

    /// The worker that has a connection, where one does.
    #[track_caller]
    pub fn connected_worker(&self) -> u32 {
        let mut found = None;
        wait_for("a worker with a connection", || {
            found = self.workers().into_iter().find(|&pid| crate::proc::connections(pid) > 0);
            found.is_some()
        });
        found.expect("a worker")
    }

    /// Sends the master a signal: `HUP`, `USR1` …
    pub fn signal(&self, name: &str) {
        process::signal(self.pid(), name);
    }

    /// Runs the program with this server's directory and configuration: `&["-s", "reload"]`; all that are told of it have heard
    /// then, but for those that are never without something to do.
    pub fn command(&self, args: &[&str]) -> Output {
        let output = process::run(command(&self.start.binary, &self.dir).args(args));
        process::come_to_rest("rserve", Duration::ZERO);
        output
    }

    /// What is in the error log.
    pub fn error_log(&self) -> String {
        self.dir.text("logs/error.log")
    }

    /// What is in the access log.
    pub fn access_log(&self) -> String {
        self.dir.text("logs/access.log")
    }

    /// Waits until `ready` holds; panics with `what` if it never does.
    #[track_caller]
    pub fn wait_for(&self, what: &str, ready: impl FnMut() -> bool) {
        assert!(wait::comes(ready), "waited in vain for: {what}");
    }

    /// Starts the program once more in the same directory, after it has ended; gives what it says if it does not
    /// come up.
    #[track_caller]
    pub fn start_again(&mut self) -> Result<(), String> {
        (self.ready, self.child) = (self.start.ready(), self.start.spawn());
        let mut exited = false;
        let pid = self.child.id();
        wait_for("the server to come up", || {
            exited = self.child.try_wait().expect("wait").is_some();
            let up = self.pid_in_file() == Some(pid) && ports::is_listening(self.ports[0]);
            exited || up && self.ready.as_mut().is_none_or(Ready::is_told)
        });
        if exited { Err(self.dir.text("logs/stderr")) } else { Ok(()) }
    }

    /// Kills the master (`kill -9`), and waits for its end; its workers are orphans then.
    #[track_caller]
    pub fn kill_master(&mut self) {
        process::signal(self.child.id(), "KILL");
        self.wait_for_exit();
    }

    /// Kills all processes at once, as a loss of power does, and waits for their ends.
    #[track_caller]
    pub fn kill_everything(&mut self) {
        let workers = self.workers();
        self.kill_master();
        process::kill(&workers);
    }

    /// Sends TERM, waits, and gives the master's exit code.
    pub fn stop(&mut self) -> Option<i32> {
        process::signal(self.child.id(), "TERM");
        self.wait_for_exit()
    }

    /// Waits until the process that was started has ended, and gives its exit code.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> Option<i32> {
        let mut status = None;
        wait_for("the server to end", || {
            status = self.child.try_wait().expect("wait");
            status.is_some()
        });
        status.and_then(|status| status.code())
    }

    /// All processes of this server: the one started, the one in the pid file, their children.
    fn processes(&self) -> Vec<u32> {
        let masters: Vec<u32> =
            [Some(self.child.id()), self.pid_in_file()].into_iter().flatten().collect();
        let mut all = masters.clone();
        all.extend(masters.into_iter().flat_map(process::children));
        all.sort_unstable();
        all.dedup();
        all.retain(|&pid| process::is_alive(pid));
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let all = self.processes();
        for &pid in &all {
            process::signal(pid, "TERM");
        }
        let lives = |pid: &u32| process::is_alive(*pid);
        wait::comes(|| {
            let _ = self.child.try_wait();
            !all.iter().any(lives)
        });
        let left: Vec<u32> = all.into_iter().filter(lives).collect();
        left.iter().for_each(|&pid| process::signal(pid, "KILL"));
        let _ = self.child.wait();
        let said = self.error_log() + &self.dir.text("logs/stderr");
        let panicked = said.contains("panicked").then(|| format!("the server panicked:\n{said}"));
        if std::thread::panicking() {
            eprintln!("--- the server's error log ends with:\n{}", tail(&self.error_log(), 20));
            // The test may have failed of it: there is no second try then.
            panicked.iter().for_each(|said| eprintln!("{said}"));
            return;
        }
        assert!(left.is_empty(), "these processes did not stop at TERM: {left:?}");
        if let Some(said) = panicked {
            panic!("{said}");
        }
    }
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
