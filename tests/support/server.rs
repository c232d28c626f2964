//! The server under test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Answer, Dir, Transport, Wire, conf, curl, ports, process, wait, wait_for};

/// What a configuration gets if it does not say otherwise.
const DEFAULTS: &[&str] = &[
    "daemon off; ",
    "pid logs/rserve.pid; ",
    "error_log logs/error.log debug; ",
    "events { worker_connections 256; } ",
];
/// Where the configuration is, in the server's directory.
const CONF: &str = "rserve.conf";
/// Times that another process may take a port before us.
const TRIES: usize = 5;

/// A server that is about to be started.
#[derive(Clone)]
pub struct Start {
    binary: PathBuf,
    dir: Arc<Dir>,
    conf: String,
    env: Vec<(String, String)>,
    /// The program that starts it, with its arguments.
    under: Vec<String>,
    transport: Transport,
}

/// A running server. It is stopped when the value goes away, and must not have panicked.
pub struct Server {
    start: Start,
    child: Child,
    ports: [u16; 2],
    dir: Arc<Dir>,
}

impl Start {
    /// `binary` will be run in a directory of its own.
    pub fn new(binary: &str) -> Start {
        let conf = String::new();
        Start {
            binary: binary.into(),
            dir: Arc::new(Dir::new()),
            conf,
            env: Vec::new(),
            under: Vec::new(),
            transport: Transport::of_run(),
        }
    }

    /// Over this transport, whatever the run is about.
    pub fn over(mut self, transport: Transport) -> Start {
        self.transport = transport;
        self
    }

    /// Its configuration is as it is written, whatever this run is about.
    pub fn plain(mut self) -> Start {
        self.transport = Transport::Plain;
        self
    }

    /// The configuration, with the placeholders `{dir}`, `{port}` and `{port2}`. What it does not
    /// set of the main context is set for the test: foreground, pid, error log, events.
    pub fn conf(mut self, conf: impl AsRef<str>) -> Start {
        self.conf = conf::complete(conf.as_ref(), DEFAULTS);
        self
    }

    /// Writes a file before the start.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Start {
        self.dir.file(path, bytes);
        self
    }

    /// Its directory: it stays as long as the value.
    pub fn dir(&self) -> Arc<Dir> {
        self.dir.clone()
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Start {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it by another program: `&["setpriv", "--no-new-privs"]`.
    pub fn under(mut self, program: &[&str]) -> Start {
        self.under = program.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Starts it and waits until it listens.
    #[track_caller]
    pub fn start(self) -> Server {
        for _ in 0..TRIES {
            let ports = [ports::free(), ports::free()];
            self.write_conf(&self.conf, ports);
            let (child, dir) = (self.spawn(), self.dir.clone());
            let mut server = Server { start: self.clone(), child, ports, dir };
            match server.wait_until_up() {
                Ok(()) => return server,
                Err(said) if said.contains("in use") => {}
                Err(said) => panic!("the server did not start:\n{said}"),
            }
        }
        panic!("no port stays free until the server binds it");
    }

    /// Starts one that goes to the background, and waits until it listens.
    #[track_caller]
    pub fn start_daemon(self) -> Server {
        let ports = [ports::free(), ports::free()];
        self.write_conf(&self.conf, ports);
        let mut child = self.spawn();
        let status = child.wait().expect("wait");
        let said = self.dir.text("logs/stderr");
        assert!(status.success(), "the server did not start: {said}");
        let dir = self.dir.clone();
        let server = Server { start: self, child, ports, dir };
        let up = || server.pid_in_file().is_some() && ports::is_listening(server.ports[0]);
        wait_for("the server to come up", up);
        server
    }

    /// Starts a server that must not come up: its exit code, and what it says.
    #[track_caller]
    pub fn fail(self) -> (i32, String) {
        let ports = [ports::free(), ports::free()];
        self.write_conf(&self.conf, ports);
        let mut child = self.spawn();
        let mut status = None;
        let ended = wait::comes(|| {
            status = child.try_wait().expect("wait");
            status.is_some()
        });
        let said = self.dir.text("logs/stderr");
        if !ended {
            process::signal(child.id(), "TERM");
            let _ = child.wait();
        }
        match status {
            Some(status) if !status.success() => (status.code().unwrap_or(-1), said),
            _ => panic!("the server has started: {said}"),
        }
    }

    fn write_conf(&self, conf: &str, ports: [u16; 2]) {
        let conf = self.transport.adapt(conf, &self.dir, ports[0]);
        self.dir.file(CONF, conf::fill(&conf, &self.dir.path(""), ports));
    }

    fn command(&self) -> Command {
        let mut command = match &self.under[..] {
            [] => command(&self.binary, &self.dir),
            [program, arguments @ ..] => {
                let server = command(&self.binary, &self.dir);
                let mut command = Command::new(program);
                command.args(arguments).arg(server.get_program()).args(server.get_args());
                command.current_dir("/");
                command
            }
        };
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn spawn(&self) -> Child {
        let stderr = std::fs::File::create(self.dir.path("logs/stderr")).expect("a file");
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        command.spawn().unwrap_or_else(|e| panic!("{}: {e}", self.binary.display()))
    }
}

fn command(binary: &Path, dir: &Dir) -> Command {
    let mut command = Command::new(binary);
    command.arg("-p").arg(dir.path("")).args(["-c", CONF]).current_dir("/");
    command
}

impl Server {
    fn wait_until_up(&mut self) -> Result<(), String> {
        let mut exited = false;
        let wanted = self.start.conf.contains("{port}").then_some(self.ports[0]);
        wait_for("the server to come up", || {
            exited = self.child.try_wait().expect("wait").is_some();
            let up = self.pid_in_file().is_some() && wanted.is_none_or(ports::is_listening);
            exited || up
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
        let text = conf::complete(text.as_ref(), DEFAULTS);
        self.start.write_conf(&text, self.ports);
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

    fn pid_in_file(&self) -> Option<u32> {
        self.dir.text("logs/rserve.pid").trim().parse().ok()
    }

    /// The workers of the master.
    pub fn workers(&self) -> Vec<u32> {
        process::children(self.pid())
    }

    /// Sends the master a signal: `HUP`, `USR1` …
    pub fn signal(&self, name: &str) {
        process::signal(self.pid(), name);
    }

    /// Runs the program with this server's directory and configuration: `&["-s", "reload"]`.
    pub fn command(&self, args: &[&str]) -> Output {
        process::run(command(&self.start.binary, &self.dir).args(args))
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
        self.child = self.start.spawn();
        let mut exited = false;
        let pid = self.child.id();
        wait_for("the server to come up", || {
            exited = self.child.try_wait().expect("wait").is_some();
            exited || (self.pid_in_file() == Some(pid) && ports::is_listening(self.ports[0]))
        });
        if exited { Err(self.dir.text("logs/stderr")) } else { Ok(()) }
    }

    /// Kills the master (`kill -9`), and waits for its end; its workers are orphans then.
    #[track_caller]
    pub fn kill_master(&mut self) {
        process::signal(self.child.id(), "KILL");
        self.wait_for_exit();
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
        let deadline = Instant::now() + Duration::from_secs(5);
        let lives = |pid: &u32| process::is_alive(*pid);
        loop {
            let _ = self.child.try_wait();
            if !all.iter().any(lives) || Instant::now() > deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let left: Vec<u32> = all.into_iter().filter(lives).collect();
        left.iter().for_each(|&pid| process::signal(pid, "KILL"));
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's error log ends with:\n{}", tail(&self.error_log(), 20));
            return;
        }
        assert!(left.is_empty(), "these processes did not stop at TERM: {left:?}");
        let said = self.error_log() + &self.dir.text("logs/stderr");
        assert!(!said.contains("panicked"), "the server panicked:\n{said}");
    }
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
