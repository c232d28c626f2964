//! memcached, with a socket in a directory of its own.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use support::{Dir, process, wait_for};

/// It ends with the value.
pub struct Memcached {
    child: Child,
    dir: Dir,
}

impl Memcached {
    /// Starts it.
    pub fn start() -> Memcached {
        let dir = Dir::new();
        let mut command = Command::new("memcached");
        command.arg("-s").arg(dir.path("socket")).args(["-a", "0777", "-u", "root", "-I", "8m"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn();
        let child =
            child.unwrap_or_else(|e| panic!("memcached: {e} (Debian: apt install memcached)"));
        let mut memcached = Memcached { child, dir };
        wait_for("memcached to come up", || {
            assert!(memcached.child.try_wait().expect("wait").is_none(), "memcached did not start");
            UnixStream::connect(memcached.dir.path("socket")).is_ok()
        });
        memcached
    }

    /// Where it is, for a configuration.
    pub fn address(&self) -> String {
        format!("unix:{}", self.dir.path("socket").display())
    }

    /// Keeps a value.
    pub fn set(&self, key: &str, flags: u32, value: &[u8]) {
        let mut stream = UnixStream::connect(self.dir.path("socket")).expect("a connection");
        let head = format!("set {key} {flags} 0 {}\r\n", value.len());
        stream.write_all(&[head.as_bytes(), value, b"\r\n"].concat()).expect("it takes it");
        let mut said = [0; 8];
        stream.read_exact(&mut said).expect("an answer");
        assert_eq!(&said, b"STORED\r\n");
    }

    /// How many connections it has, the one that asks included.
    pub fn connections(&self) -> String {
        let mut stream = UnixStream::connect(self.dir.path("socket")).expect("a connection");
        stream.write_all(b"stats\r\nquit\r\n").expect("it takes it");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("an answer");
        let line = said.lines().find_map(|line| line.strip_prefix("STAT total_connections "));
        line.unwrap_or_default().to_owned()
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        process::signal(self.child.id(), "TERM");
        let _ = self.child.wait();
    }
}
