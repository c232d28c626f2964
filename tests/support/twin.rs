//! nginx, with the same configuration and the same files.

use std::process::{Child, Command, Stdio};

use crate::{Dir, Server, Transport, conf, ports, process, wait_for};

const DEFAULTS: &[&str] = &[
    "daemon off; ",
    "master_process off; ",
    "pid logs/nginx.pid; ",
    "error_log logs/error.log info; ",
    "events { worker_connections 256; } ",
];
/// nginx would otherwise want to write where only its package may.
const TEMPORARY: &str = "http { client_body_temp_path temp/a; proxy_temp_path temp/b; \
     fastcgi_temp_path temp/c; uwsgi_temp_path temp/d; scgi_temp_path temp/e; ";

/// What has to come before everything else: modules are loaded on the first line.
fn modules(text: &str) -> (&str, &str) {
    let load = text.trim_start().starts_with("load_module");
    text.split_at(if load { text.find(';').map_or(0, |at| at + 1) } else { 0 })
}

/// nginx, running.
pub struct Twin {
    child: Child,
    ports: [u16; 2],
    dir: Dir,
}

impl Twin {
    /// Starts nginx with this configuration (that of [`Server`], `buffer=0` taken away), and with the
    /// files of `server`.
    #[track_caller]
    pub fn start(text: impl AsRef<str>, server: &Server) -> Twin {
        Twin::over(Transport::Plain, text, server)
    }

    /// The same, as [`Start::over`](crate::Start::over).
    #[track_caller]
    pub fn over(transport: Transport, text: impl AsRef<str>, server: &Server) -> Twin {
        let dir = Dir::new();
        std::fs::remove_dir(dir.path("html")).expect("an empty directory");
        std::os::unix::fs::symlink(server.path("html"), dir.path("html")).expect("a link");
        std::fs::create_dir(dir.path("temp")).expect("a directory");
        let ports = [ports::free(), ports::free()];
        let (first, text) = modules(text.as_ref());
        let text = format!("{first}{}", conf::complete(text, DEFAULTS));
        let text = transport.adapt(&text, &dir, ports[0]);
        let text = text.replacen("http {", TEMPORARY, 1).replace(" buffer=0", "");
        dir.file("nginx.conf", conf::fill(&text, &dir.path(""), ports));
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-p").arg(dir.path("")).arg("-c").arg(dir.path("nginx.conf"));
        command.arg("-e").arg(dir.path("logs/error.log"));
        let stderr = std::fs::File::create(dir.path("logs/stderr")).expect("a file");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let child = command.spawn();
        let child = child.unwrap_or_else(|e| panic!("nginx: {e} (Debian: apt install nginx)"));
        let mut twin = Twin { child, ports, dir };
        wait_for("nginx to come up", || {
            let ended = twin.child.try_wait().expect("wait").is_some();
            assert!(!ended, "nginx did not start: {}", twin.dir.text("logs/stderr"));
            ports::is_listening(twin.ports[0])
        });
        twin
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
        let scheme = match ports::is_encrypted(self.port()) {
            true => "https",
            false => "http",
        };
        format!("{scheme}://127.0.0.1:{}{path}", self.port())
    }

    /// Its directory.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// What is in its error log.
    pub fn error_log(&self) -> String {
        self.dir.text("logs/error.log")
    }

    /// What is in its access log.
    pub fn access_log(&self) -> String {
        self.dir.text("logs/access.log")
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        process::signal(self.child.id(), "TERM");
        let _ = self.child.wait();
    }
}
