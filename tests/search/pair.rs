//! nginx and rserve with one configuration.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::{Dir, Server, Twin, process, set_modified};

/// A server that says nothing for so long says nothing.
const SILENCE: Duration = Duration::from_secs(4);
/// 2021-01-01 00:00:00
const MODIFIED: u64 = 1_609_459_200;
/// Outside of Debian's package nginx has no other place for them.
const TEMPORARY: &str = "client_body_temp_path temp/a; proxy_temp_path temp/b; \
     fastcgi_temp_path temp/c; uwsgi_temp_path temp/d; scgi_temp_path temp/e;";

/// What the two say of a configuration.
#[derive(Clone, Debug)]
pub struct Verdicts {
    /// Whether they take it.
    pub nginx: bool,
    pub rserve: bool,
    /// What they say of it.
    pub said: String,
}

impl Verdicts {
    pub fn differ(&self) -> bool {
        self.nginx != self.rserve
    }
}

/// Asks both for their verdicts.
pub struct Check(Dir);

impl Check {
    pub fn new() -> Check {
        let dir = Dir::new();
        for path in ["temp", "html"] {
            std::fs::create_dir_all(dir.path(path)).expect("a directory");
        }
        dir.file("html/included.conf", "default_type text/x-included;\n");
        Check(dir)
    }

    /// Of a configuration: what stands in its main context, and in its `http` block.
    pub fn verdicts(&self, main: &[u8], http: &[u8]) -> Verdicts {
        let port = support::free_port().to_string();
        let run = |binary: &str, name: &str, temporary: &str| {
            let head = "pid logs/pid; error_log stderr; ";
            let between = format!("\nevents {{}}\nhttp {{ access_log off; {temporary}\n");
            let text = [head.as_bytes(), main, between.as_bytes(), http, b"\n}\n"].concat();
            self.0.file(name, replace(&text, b"{port}", port.as_bytes()));
            self.run(binary, name)
        };
        let (nginx, theirs) = run("/usr/sbin/nginx", "nginx.conf", TEMPORARY);
        let (rserve, ours) = run(env!("CARGO_BIN_EXE_rserve"), "rserve.conf", "");
        Verdicts { nginx, rserve, said: format!("nginx  {theirs}\nrserve {ours}") }
    }

    fn run(&self, binary: &str, name: &str) -> (bool, String) {
        let mut command = Command::new(binary);
        command.arg("-t").arg("-p").arg(self.0.path("")).arg("-c").arg(self.0.path(name));
        let output = process::run(&mut command);
        let dir = format!("{}/", self.0.path("").display());
        let said = String::from_utf8_lossy(&output.stderr).replace(&dir, "");
        (output.status.success(), said.trim_end().to_owned())
    }
}

fn replace(bytes: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(what) {
            out.extend_from_slice(by);
            at += what.len();
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// Both, running, with the same files.
pub struct Pair {
    pub server: Server,
    pub twin: Twin,
}

impl Pair {
    /// Starts them: both must take the configuration.
    pub fn start(http: &str) -> Pair {
        let conf = format!("http {{ access_log off; lingering_timeout 200ms;\n{http}\n}}\n");
        let server = support::start!(&conf);
        files(&server);
        let twin = Twin::start(&conf, &server);
        Pair { server, twin }
    }
}

/// Files, directories, links, and what is neither.
fn files(server: &Server) {
    for (path, size) in [
        ("file.txt", 100),
        ("empty.txt", 0),
        ("big.bin", 70_000),
        ("index.html", 12),
        ("dir/index.html", 10),
        ("dir/other.htm", 11),
        ("dir/file.txt", 14),
        ("dir/deep/file.txt", 15),
        ("sub/page.html", 20),
        ("sub/x.gif", 21),
        ("a b%.txt", 3),
        ("no-type", 5),
        ("Ü.txt", 4),
        ("plus+.txt", 4),
        ("name.TXT", 7),
        (".hidden", 8),
        ("..x", 9),
        ("dot.", 6),
        ("two.tar.gz", 13),
        ("odd/index.html/file.txt", 16),
    ] {
        let bytes: Vec<u8> = (0..size).map(|at| b'a' + (at % 26) as u8).collect();
        set_modified(&server.file(&format!("html/{path}"), bytes), MODIFIED);
    }
    let link = |to: &str, path: &str| {
        std::os::unix::fs::symlink(to, server.path("html").join(path)).expect("a link");
    };
    link("file.txt", "link.txt");
    link("dir", "linked");
    link("nowhere", "broken");
    link("loop", "loop");
    std::fs::create_dir(server.path("html/without")).expect("a directory");
    let fifo = server.path("html/pipe");
    process::run(Command::new("mkfifo").arg(Path::new(&fifo)));
}

/// Sends bytes and no more; gives all that comes, and whether the server then closed.
pub fn ask(port: u16, bytes: &[u8]) -> (Vec<u8>, bool) {
    send(port, bytes, true)
}

/// Sends bytes, and closes that side if `half_close`; gives all that comes, and whether the server
/// then closed.
pub fn send(port: u16, bytes: &[u8], half_close: bool) -> (Vec<u8>, bool) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(SILENCE)).expect("SO_RCVTIMEO");
    stream.set_write_timeout(Some(SILENCE)).expect("SO_SNDTIMEO");
    let _ = stream.write_all(bytes);
    if half_close {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let (mut all, mut block) = (Vec::new(), [0; 16 << 10]);
    loop {
        match stream.read(&mut block) {
            Ok(0) => return (all, true),
            Ok(count) => all.extend_from_slice(&block[..count]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => {
                return (all, !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
            }
        }
    }
}
