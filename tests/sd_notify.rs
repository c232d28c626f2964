//! What systemd is told, as a service of `Type=notify-reload` wants it.

use std::os::unix::net::UnixDatagram;

use support::{Dir, PATIENCE, Server, Start, process, site};

/// The manager's end.
struct Manager {
    dir: Dir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Manager {
        let dir = Dir::new();
        let socket = UnixDatagram::bind(dir.path("notify")).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        Manager { dir, socket }
    }

    fn start(&self, conf: &str) -> Server {
        let socket = self.dir.path("notify").to_string_lossy().into_owned();
        Start::new(env!("CARGO_BIN_EXE_rserve")).env("NOTIFY_SOCKET", &socket).conf(conf).start()
    }

    /// The next message, by lines.
    #[track_caller]
    fn hear(&self) -> Vec<String> {
        let mut block = [0; 4096];
        let count = self.socket.recv(&mut block).expect("a message");
        String::from_utf8_lossy(&block[..count]).lines().map(str::to_owned).collect()
    }

    /// The next message has these lines.
    #[track_caller]
    fn hears(&self, lines: &[&str]) {
        let heard = self.hear();
        assert!(lines.iter().all(|line| heard.iter().any(|h| h == line)), "{heard:?}");
    }
}

#[test]
fn start_reload_and_end() {
    let manager = Manager::new();
    let mut server = manager.start(&site("return 200 one;"));
    let main_pid = format!("MAINPID={}", server.pid());
    manager.hears(&["READY=1", &main_pid]);

    for refused in [false, true] {
        server.set_conf(if refused { "nonsense;".to_owned() } else { site("return 200 two;") });
        server.signal("HUP");
        let heard = manager.hear();
        assert_eq!(heard[0], "RELOADING=1");
        let time = heard.iter().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
        assert!(time.is_some_and(|time| time.parse::<u64>().is_ok()), "{heard:?}");
        manager.hears(&["READY=1"]);
    }
    assert_eq!(server.stop(), Some(0));
    manager.hears(&["STOPPING=1"]);
}

#[test]
fn quit_is_an_end_too() {
    let manager = Manager::new();
    let mut server = manager.start(&site("return 200;"));
    manager.hears(&["READY=1"]);
    server.signal("QUIT");
    manager.hears(&["STOPPING=1"]);
    assert_eq!(server.wait_for_exit(), Some(0));
}

#[test]
fn an_upgrade_changes_the_main_process() {
    let manager = Manager::new();
    let server = manager.start(&site("return 200;"));
    let old = server.pid();
    manager.hears(&["READY=1", &format!("MAINPID={old}")]);
    server.signal("USR2");
    let heard = manager.hear();
    let new = server.pid();
    assert_ne!(new, old);
    assert!(heard.contains(&"READY=1".to_owned()), "{heard:?}");
    assert!(heard.contains(&format!("MAINPID={new}")), "{heard:?}");
    process::signal(old, "QUIT");
    process::wait_for_end(old);
    // The old one's end is not the service's.
    manager.socket.set_nonblocking(true).expect("nonblocking");
    let mut block = [0; 4096];
    while let Ok(count) = manager.socket.recv(&mut block) {
        let said = String::from_utf8_lossy(&block[..count]).into_owned();
        assert!(!said.contains("STOPPING"), "the service goes on: {said:?}");
    }
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn a_new_binary_that_fails_leaves_the_main_process() {
    let manager = Manager::new();
    let server = manager.start(&site("return 200 one;"));
    let old = server.pid();
    manager.hears(&["READY=1"]);
    // It comes to be the main process, and dies: the old one is it again.
    server.signal("USR2");
    manager.hears(&["READY=1"]);
    process::kill(&[server.pid()]);
    manager.hears(&[&format!("MAINPID={old}")]);
    assert_eq!(server.get("/").text(), "one");
}

#[test]
fn an_abstract_socket_is_understood() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("rserve-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a name");
    let socket = UnixDatagram::bind_addr(&address).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).env("NOTIFY_SOCKET", &format!("@{name}"));
    let _server = start.conf(site("return 200;")).start();
    let mut block = [0; 4096];
    let count = socket.recv(&mut block).expect("a message");
    assert!(block[..count].starts_with(b"READY=1"));
}
