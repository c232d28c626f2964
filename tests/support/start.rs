//! How a server under test is started.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::ready::Ready;
use crate::{Dir, Server, Transport, conf, ports, process, wait, wait_for};

/// What a configuration gets if it does not say otherwise.
const DEFAULTS: &[&str] = &[
    "daemon off; ",
    "pid logs/rserve.pid; ",
    "error_log logs/error.log debug; ",
    "events { worker_connections 256; } ",
];
/// Where the configuration is, in the server's directory.
const CONF: &str = "rserve.conf";
/// Who is told that it serves.
const NOTIFY: &str = "NOTIFY_SOCKET";
/// Times that another process may take a port before us.
const TRIES: usize = 5;

/// A server that is about to be started.
#[derive(Clone)]
pub struct Start {
    pub(crate) binary: PathBuf,
    dir: Arc<Dir>,
    pub(crate) conf: String,
    env: Vec<(String, String)>,
    /// The program that starts it, with its arguments.
    under: Vec<String>,
    pub(crate) transport: Transport,
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
        self.conf = complete(conf.as_ref());
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

    /// Starts it and waits until it serves.
    #[track_caller]
    pub fn start(self) -> Server {
        for _ in 0..TRIES {
            let ports = [ports::free(), ports::free()];
            self.write_conf(&self.conf, ports);
            let (ready, child) = (self.ready(), self.spawn());
            let mut server = Server::new(self.clone(), child, ready, ports);
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
        let (ready, mut child) = (self.ready(), self.spawn());
        let status = child.wait().expect("wait");
        let said = self.dir.text("logs/stderr");
        assert!(status.success(), "the server did not start: {said}");
        let server = Server::new(self, child, ready, ports);
        let up = || server.pid_in_file().is_some() && ports::is_listening(server.port());
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

    pub(crate) fn write_conf(&self, conf: &str, ports: [u16; 2]) {
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
        command.env(NOTIFY, Ready::address(&self.dir));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn ready(&self) -> Option<Ready> {
        let is_asked = self.env.iter().any(|(name, _)| name == NOTIFY);
        (!is_asked).then(|| Ready::listen(&self.dir))
    }

    pub(crate) fn spawn(&self) -> Child {
        let stderr = std::fs::File::create(self.dir.path("logs/stderr")).expect("a file");
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        command.spawn().unwrap_or_else(|e| panic!("{}: {e}", self.binary.display()))
    }
}

/// The program with its directory and configuration.
pub(crate) fn command(binary: &Path, dir: &Dir) -> Command {
    let mut command = Command::new(binary);
    command.arg("-p").arg(dir.path("")).args(["-c", CONF]).current_dir("/");
    command
}

/// A configuration with what it does not say of the main context.
pub(crate) fn complete(conf: &str) -> String {
    conf::complete(conf, DEFAULTS)
}
