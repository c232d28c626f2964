//! What is not the server's own: it is neither removed nor replaced, and nobody waits for it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

use support::{Dir, Server, Start, curl, http, process, site, start, wait_for};

use crate::logged;

const BINARY: &str = env!("CARGO_BIN_EXE_rserve");

/// A configuration that listens on `path`, too.
fn listens_at(path: &Path) -> String {
    let path = path.display();
    http(&format!("server {{ listen 127.0.0.1:{{port}}; listen unix:{path}; return 200 ok; }}"))
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

/// nginx: `bind() … failed (98: Address already in use)`, exit code 1.
#[track_caller]
fn refused(conf: &str) {
    let (code, said) = Start::new(BINARY).conf(conf).fail();
    assert_eq!(code, 1);
    assert!(said.contains("failed (98: Address already in use)"), "{said}");
}

/// A listening socket whose queue is full and whose program accepts nobody.
struct Busy {
    _listener: socket2::Socket,
    _waiting: Vec<socket2::Socket>,
}

impl Busy {
    fn at(path: &Path) -> Busy {
        let socket = || {
            let kind = socket2::Type::STREAM.nonblocking();
            socket2::Socket::new(socket2::Domain::UNIX, kind, None).expect("a socket")
        };
        let name = socket2::SockAddr::unix(path).expect("an address");
        let listener = socket();
        listener.bind(&name).expect("bind");
        listener.listen(0).expect("listen");
        let waiting = std::iter::repeat_with(socket);
        let waiting = waiting.take_while(|one| one.connect(&name).is_ok()).collect();
        Busy { _listener: listener, _waiting: waiting }
    }
}

#[test]
fn a_file_in_the_way_of_a_unix_socket_stays() {
    let dir = Dir::new();
    let file = dir.file("precious.txt", "precious");
    refused(&listens_at(&file));
    assert_eq!(dir.text("precious.txt"), "precious");

    let link = dir.path("link");
    symlink(&file, &link).expect("a link");
    refused(&listens_at(&link));
    assert!(link.is_symlink());

    let nowhere = dir.path("nowhere");
    symlink(dir.path("missing"), &nowhere).expect("a link");
    refused(&listens_at(&nowhere));
    assert!(nowhere.is_symlink());

    let fifo = dir.path("fifo");
    process::run(Command::new("mkfifo").arg(&fifo));
    refused(&listens_at(&fifo));
    assert!(fs::metadata(&fifo).expect("still there").file_type().is_fifo());
}

#[test]
fn a_socket_of_another_program_stays() {
    let dir = Dir::new();
    let (early, live, busy, packets) =
        (dir.path("early"), dir.path("live"), dir.path("busy"), dir.path("packets"));
    // Bound and not yet listening: the program is in the middle of its start.
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    socket.bind(&socket2::SockAddr::unix(&early).expect("an address")).expect("bind");
    let _live = UnixListener::bind(&live).expect("bind");
    let _busy = Busy::at(&busy);
    let _packets = std::os::unix::net::UnixDatagram::bind(&packets).expect("bind");
    std::thread::scope(|scope| {
        for path in [&early, &live, &busy, &packets] {
            scope.spawn(move || {
                refused(&listens_at(path));
                assert!(is_socket(path), "{}", path.display());
            });
        }
    });
}

#[test]
fn a_socket_whose_server_was_killed_is_taken_over() {
    let dir = Dir::new();
    let path = dir.path("web.sock");
    drop(UnixListener::bind(&path).expect("bind"));
    let mut server = start!(listens_at(&path));
    let url = path.to_string_lossy().into_owned();
    assert_eq!(curl(&["--unix-socket", &url, "http://a/"]).text(), "ok");
    // What took the place of our socket meanwhile is not ours.
    fs::rename(&path, dir.path("aside")).expect("renamed");
    fs::write(&path, "theirs").expect("a file");
    assert_eq!(server.stop(), Some(0));
    assert_eq!(dir.text("web.sock"), "theirs");
}

/// A start that fails later leaves no socket behind.
#[test]
fn a_start_that_fails_leaves_nothing() {
    let dir = Dir::new();
    let path = dir.path("web.sock");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let unix = path.display();
    refused(&http(&format!("server {{ listen unix:{unix}; listen 127.0.0.1:{port}; }}")));
    assert!(!path.exists());
    let conf = format!("working_directory {unix}/missing; {}", listens_at(&path));
    let (code, said) = Start::new(BINARY).conf(conf).fail();
    assert!(code == 1 && said.contains("before it was ready"), "{said}");
    assert!(!path.exists());
}

/// connect(2) to a full queue waits for good: the master must not.
#[test]
fn the_master_waits_for_no_strangers_queue() {
    let dir = Dir::new();
    let app = dir.path("app.sock");
    let _busy = Busy::at(&app);
    let server = start!(site("return 200 one;"));
    let before = server.workers();
    server.set_conf(listens_at(&app));
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("failed (98: Address already in use)"), "{said}");
    assert!(is_socket(&app));
    process::kill(&[before[0]]);
    server.wait_for("a new worker", || {
        server.workers().first().is_some_and(|worker| *worker != before[0])
    });
    assert_eq!(server.get("/").text(), "one");
}

#[test]
fn a_reload_removes_the_socket_that_it_gives_up() {
    let dir = Dir::new();
    let path = dir.path("web.sock");
    let server = start!(listens_at(&path));
    assert!(is_socket(&path));
    server.set_conf(site("return 200 two;"));
    assert!(server.command(&["-s", "reload"]).status.success());
    wait_for("the file to go", || !path.exists());
    // And one that a refused reload would have been the first to have.
    server.set_conf(format!("working_directory {{dir}}/missing; {}", listens_at(&path)));
    assert!(!server.command(&["-s", "reload"]).status.success());
    assert!(!path.exists());
    assert_eq!(server.get("/").text(), "two");
}

/// The pid file's name with `.sock` may be somebody else's socket.
#[test]
fn a_strangers_socket_beside_the_pid_file_stays() {
    let dir = Dir::new();
    let theirs = dir.path("web.sock");
    let listener = UnixListener::bind(&theirs).expect("bind");
    let pid = dir.path("web");
    let conf = |word: &str| {
        let web = site(&format!("return 200 {word};"));
        format!("pid {}; error_log logs/error.log notice; {web}", pid.display())
    };
    let mut server = start_with_pid(&conf("one"), &pid);
    logged(&server, "no control socket at");
    UnixStream::connect(&theirs).expect("the other program still has its address");
    listener.accept().expect("its client");
    // Without a verdict a reload is a signal, as with nginx; a broken file is refused before.
    server.set_conf(conf("two"));
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("has no control socket"), "{said}");
    server.wait_for("the reload", || server.get("/").text() == "two");
    server.set_conf(format!("pid {}; nonsense;", pid.display()));
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("unknown directive"), "{said}");
    let master = fs::read_to_string(&pid).expect("a pid").trim().parse().expect("a number");
    process::signal(master, "TERM");
    assert_eq!(server.wait_for_exit(), Some(0));
    assert!(is_socket(&theirs) && !pid.exists());

    fs::remove_file(&theirs).expect("removed");
    fs::write(&theirs, "a file").expect("written");
    let mut server = start_with_pid(&conf("one"), &pid);
    assert_eq!(server.stop(), Some(0));
    assert_eq!(dir.text("web.sock"), "a file");
}

/// Starts a server whose pid file is elsewhere: the harness looks for the usual one.
#[track_caller]
fn start_with_pid(conf: &str, pid: &Path) -> Server {
    let start = Start::new(BINARY).conf(conf);
    let usual = start.dir().path("logs/rserve.pid");
    symlink(pid, &usual).expect("a link");
    start.start()
}

#[test]
fn only_a_pid_file_is_written_over() {
    let dir = Dir::new();
    let file = dir.file("fstab", "/dev/sda1 / ext4 defaults 0 1\n");
    let conf = format!("pid {}; {}", file.display(), site("return 200;"));
    let (code, said) = Start::new(BINARY).conf(&conf).fail();
    assert_eq!(code, 1);
    assert!(said.contains("fstab\" failed (it is there and is no pid file"), "{said}");
    assert_eq!(dir.text("fstab"), "/dev/sda1 / ext4 defaults 0 1\n");
    assert!(!dir.path("fstab.sock").exists());

    // A reload to such a file keeps the one that is there.
    let server = start!(site("return 200 one;"));
    server.set_conf(&conf);
    server.signal("HUP");
    logged(&server, "is no pid file");
    assert_eq!(dir.text("fstab"), "/dev/sda1 / ext4 defaults 0 1\n");
    assert!(server.path("logs/rserve.pid").exists());
}

/// `/dev/null` is a way to have no pid file. nginx deletes it at the end.
#[test]
fn a_device_as_pid_file_stays() {
    let start = Start::new(BINARY).conf(format!("pid /dev/null; {}", site("return 200 ok;")));
    // The harness waits for a pid file: one of a process that cannot be.
    start.dir().file("logs/rserve.pid", "4194304");
    let mut server = start.start();
    server.wait_for("an answer", || server.get("/").text() == "ok");
    let stands_there = |name: &str| Path::new("/dev").join(name).exists();
    let beside = ["null.sock", "null.oldbin", "null.oldbin.sock"];
    assert!(!beside.iter().any(|name| stands_there(name)));
    // Nor by an upgrade, which needs no such file.
    let old = server.started();
    process::signal(old, "USR2");
    logged(&server, "is ready");
    let new = process::children(old).into_iter().find(|pid| !process::children(*pid).is_empty());
    assert!(!beside.iter().any(|name| stands_there(name)));
    let new = new.expect("the new master");
    process::signal(new, "TERM");
    process::wait_for_end(new);
    assert_eq!(server.get("/").text(), "ok");
    assert!(!beside.iter().any(|name| stands_there(name)));
    assert_eq!(server.stop(), Some(0));
    assert!(fs::metadata("/dev/null").expect("still there").file_type().is_char_device());
}

/// The same file by another way: `/var/run` is a link to `/run`.
#[test]
fn a_pid_file_that_is_only_respelled_stays() {
    let server = start!(site("return 200 one;"));
    symlink(server.path("logs"), server.path("run")).expect("a link");
    for spelling in ["run/rserve.pid", "logs/../logs/rserve.pid", "logs//rserve.pid"] {
        server.set_conf(format!("pid {spelling}; {}", site("return 200 one;")));
        for _ in 0..2 {
            let output = server.command(&["-s", "reload"]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "{spelling}: {said}");
        }
        assert!(server.path("logs/rserve.pid").exists(), "{spelling}");
    }
}

/// Clients of the control socket that say nothing, or nonsense, hold up nobody.
#[test]
fn the_master_waits_for_no_client_of_its_control_socket() {
    use std::io::Write;
    let server = start!(site("return 200 one;"));
    let path = server.path("logs/rserve.pid.sock");
    let connect = || UnixStream::connect(&path).expect("a control socket");
    let silent: Vec<UnixStream> = (0..4).map(|_| connect()).collect();
    connect().write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    connect().write_all(&[b'x'; 64]).expect("sent");
    let mut half = connect();
    half.write_all(b"relo").expect("sent");
    server.set_conf(site("return 200 two;"));
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.get("/").text(), "two");
    drop(silent);
    half.write_all(b"ad\n").expect("sent");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut half, &mut answer).expect("an answer");
    assert_eq!(answer, "ok\n");
}

/// A log whose file a link led to, or that has a second name, may be somebody else's: whoever may write
/// to the directory could have put it there.
#[test]
fn no_strangers_file_is_given_to_the_workers_user() {
    let dir = Dir::new();
    let (secret, twin) = (dir.file("secret", ""), dir.file("twin", ""));
    let owner = fs::metadata(&secret).expect("a file").uid();
    let start = Start::new(BINARY).conf(format!("user www-data; {}", site("return 200 ok;")));
    symlink(&secret, start.dir().path("logs/error.log")).expect("a link");
    fs::hard_link(&twin, start.dir().path("logs/access.log")).expect("a second name");
    let server = start.start();
    assert_eq!(server.get("/").text(), "ok");
    server.signal("USR1");
    logged(&server, "reopening logs");
    for file in [&secret, &twin] {
        assert_eq!(fs::metadata(file).expect("a file").uid(), owner, "{}", file.display());
    }
}

/// The pid file of another server that runs: `pid /run/nginx.pid;` beside a running nginx.
#[test]
fn the_pid_file_of_a_running_process_stays() {
    let dir = Dir::new();
    let mut other = Command::new("sleep").arg("600").spawn().expect("a process");
    let file = dir.file("nginx.pid", format!("{}\n", other.id()));
    let conf = format!("pid {}; {}", file.display(), site("return 200;"));
    let (code, said) = Start::new(BINARY).conf(&conf).fail();
    assert!(code == 1 && said.contains(&format!("names the process {}", other.id())), "{said}");
    assert_eq!(dir.text("nginx.pid"), format!("{}\n", other.id()));
    other.kill().expect("kill");
    other.wait().expect("wait");

    // One of our own whose control socket a cleaner has removed.
    let server = start!(site("return 200 ok;"));
    fs::remove_file(server.path("logs/rserve.pid.sock")).expect("removed");
    server.set_conf(http("server { listen 127.0.0.1:{port2}; return 200; }"));
    let output = server.command(&[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("a server runs already: process {}", server.pid())), "{said}");
    assert_eq!(server.get("/").text(), "ok");
}

/// A dead server's socket in a directory where this one may remove nothing: an error, not a loop.
#[test]
fn a_socket_that_cannot_be_removed_is_an_error() {
    let root = fs::metadata("/proc/self").expect("/proc").uid() == 0;
    if !root {
        return;
    }
    let dir = Dir::new();
    let path = dir.path("web.sock");
    drop(UnixListener::bind(&path).expect("bind"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("chmod");
    fs::set_permissions(dir.path(""), fs::Permissions::from_mode(0o1777)).expect("chmod");
    let start = Start::new(BINARY).conf(listens_at(&path));
    let own = start.dir();
    for part in ["", "logs"] {
        fs::set_permissions(own.path(part), fs::Permissions::from_mode(0o777)).expect("chmod");
    }
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let (code, said) = start.under(&nobody).fail();
    assert!(code == 1 && said.contains("unlink() failed (1: Operation not permitted)"), "{said}");
    assert!(is_socket(&path));
}

/// A log of a third user's is written to, and stays that user's.
#[test]
fn another_users_log_stays_its_own() {
    let start = Start::new(BINARY).conf(format!("user www-data; {}", site("return 200 ok;")));
    let log = start.dir().file("logs/error.log", "");
    if std::os::unix::fs::chown(&log, Some(1), Some(1)).is_err() {
        return;
    }
    let server = start.start();
    assert_eq!(server.get("/").text(), "ok");
    assert_eq!(fs::metadata(&log).expect("a file").uid(), 1);
    let said = server.dir().text("logs/stderr");
    assert!(said.contains("it is another user's, and stays so"), "{said}");
}

/// As many clients as there is room for: those that say nothing are sent away, and orders go on.
#[test]
fn a_full_house_of_silent_clients_is_cleared() {
    let server = start!(site("return 200 one;"));
    let path = server.path("logs/rserve.pid.sock");
    let connect = |_| UnixStream::connect(&path).expect("a control socket");
    let silent: Vec<UnixStream> = (0..20).map(connect).collect();
    server.set_conf(site("return 200 two;"));
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.get("/").text(), "two");
    drop(silent);
}
