//! Certificates whose files change while the server serves: many of them, odd ones, in other blocks, with processes that stand
//! still or are about to go; and how long they last yet. (What a renewal does is in `tests/tls/watched.rs`.)

mod expiry;
mod files;
mod processes;

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use support::certificates::{Authority, Key, Leaf, Validity};
use support::{Server, Start, process};

/// One server with files `server.pem` and `server.key`.
const SITE: &str = "worker_processes 2; http { access_log off;
    ssl_certificate server.pem; ssl_certificate_key server.key;
    server { listen 127.0.0.1:{port} ssl; return 200 x; } }";

fn leaf(authority: &Authority, name: &str, validity: Validity) -> Leaf {
    authority.leaf(name, &["localhost"], Key::Ecdsa, validity)
}

/// About to start with these files.
fn with(conf: &str, name: &str, leaf: &Leaf) -> Start {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(conf);
    let start = start.file(&format!("{name}.pem"), &leaf.chain);
    let key = start.dir().file(&format!("{name}.key"), &leaf.key);
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    start
}

/// It serves, and its master hears whoever asks.
fn up(start: Start) -> Server {
    let server = start.start();
    assert_eq!(ask(&server, "certificates"), (Some(0), String::new()));
    server
}

/// Both files of a pair are others from now on, each at once.
fn put(server: &Server, name: &str, leaf: &Leaf) {
    for (suffix, text) in [("pem", &leaf.chain), ("key", &leaf.key)] {
        let new = server.file(&format!("{name}.{suffix}.new"), text);
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).expect("chmod");
        std::fs::rename(new, server.path(&format!("{name}.{suffix}"))).expect("renamed");
    }
}

/// What `-s` exits with, and what it says.
fn ask(server: &Server, what: &str) -> (Option<i32>, String) {
    let output = server.command(&["-s", what]);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The name in the certificate that a client of this server name gets.
fn shown(port: u16, name: &str) -> String {
    let mut openssl = Command::new("timeout");
    openssl.args(["20", "openssl", "s_client", "-connect", &format!("127.0.0.1:{port}")]);
    openssl.args(["-servername", name]).stdin(Stdio::null());
    let said = String::from_utf8_lossy(&process::run(&mut openssl).stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("subject=CN = "));
    line.unwrap_or_else(|| panic!("{said}")).to_owned()
}
