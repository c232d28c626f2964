//! The cache of files is never stale, and leaves clients their descriptors.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};

use support::{Server, Start, bytes, set_modified, site, start};

fn serving(body: &str) -> Server {
    start!(site(&format!("root html; {body}")))
}

/// Asks twice, so that the second answer comes from the cache.
fn cached(server: &Server, path: &str) -> String {
    server.get(path);
    server.get(path).text()
}

#[test]
fn edited_in_place() {
    let server = serving("");
    for round in 0..50 {
        // Of the same length, and mostly within one second.
        let text = format!("text {:03}", round);
        server.file("html/a", &text);
        assert_eq!(server.get("/a").text(), text);
        assert_eq!(server.get("/a").text(), text);
    }
}

#[test]
fn edited_without_a_trace_in_its_date() {
    let server = serving("");
    let path = server.file("html/a", "first ");
    set_modified(&path, 1_609_459_200);
    assert_eq!(cached(&server, "/a"), "first ");
    fs::File::options()
        .write(true)
        .open(&path)
        .expect("open")
        .write_all_at(b"second", 0)
        .expect("write");
    set_modified(&path, 1_609_459_200);
    assert_eq!(server.get("/a").text(), "second");
}

#[test]
fn replaced_truncated_deleted_and_back() {
    let server = serving("");
    server.file("html/a", "one");
    assert_eq!(cached(&server, "/a"), "one");
    server.file("html/new", "two");
    fs::rename(server.path("html/new"), server.path("html/a")).expect("renamed");
    assert_eq!(cached(&server, "/a"), "two");
    fs::File::options()
        .write(true)
        .open(server.path("html/a"))
        .expect("open")
        .set_len(1)
        .expect("truncated");
    assert_eq!(cached(&server, "/a"), "t");
    fs::remove_file(server.path("html/a")).expect("removed");
    assert_eq!(server.get("/a").status, 404);
    server.file("html/a", "three");
    assert_eq!(cached(&server, "/a"), "three");
    fs::remove_file(server.path("html/a")).expect("removed");
    fs::create_dir(server.path("html/a")).expect("a directory");
    assert_eq!(server.get("/a").status, 301);
}

#[test]
fn permissions_count() {
    use std::os::unix::fs::PermissionsExt;
    let server = serving("");
    let path = server.file("html/a", "open");
    assert_eq!(cached(&server, "/a"), "open");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("chmod");
    assert_eq!(server.get("/a").status, 403);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("chmod");
    assert_eq!(cached(&server, "/a"), "open");
}

/// Files that are kept in memory at once, and files that are read again while they are young.
const AGES: [&str; 2] = ["file_cache 16m settle=0;", "file_cache 16m settle=1h;"];

#[test]
fn links_and_directories_that_are_swapped() {
    for age in AGES {
        let server = serving(age);
        for version in ["1", "2"] {
            server.file(&format!("releases/{version}/a"), format!("release {version}"));
        }
        let link = |to: &str, name: &str| {
            let new = server.path("html/new");
            symlink(server.path(to), &new).expect("a link");
            fs::rename(&new, server.path(name)).expect("renamed");
        };
        for round in 0..20 {
            let version = format!("{}", 1 + round % 2);
            link(&format!("releases/{version}/a"), "html/file");
            assert_eq!(cached(&server, "/file"), format!("release {version}"));
            link(&format!("releases/{version}"), "html/current");
            assert_eq!(cached(&server, "/current/a"), format!("release {version}"));
            server.file("html/dir/a", "old");
            server.file("html/dir2/a", "new");
            assert_eq!(cached(&server, "/dir/a"), "old");
            fs::rename(server.path("html/dir"), server.path("html/gone")).expect("renamed");
            fs::rename(server.path("html/dir2"), server.path("html/dir")).expect("renamed");
            assert_eq!(cached(&server, "/dir/a"), "new");
            fs::remove_dir_all(server.path("html/dir")).expect("removed");
            assert_eq!(server.get("/dir/a").status, 404);
            fs::remove_dir_all(server.path("html/gone")).expect("removed");
        }
    }
}

#[test]
fn more_files_than_are_kept() {
    let server = serving("file_cache 4k max_file=1k files=2;");
    for round in 0..3 {
        for at in 0..50 {
            let size = if at % 5 == 0 { 100_000 } else { 700 };
            let text = format!("{round}:{at}:").repeat(size / 7);
            server.file(&format!("html/{at}"), &text);
            assert!(server.get(&format!("/{at}")).text() == text);
        }
        for at in (0..50).rev() {
            assert!(server.get(&format!("/{at}")).text().starts_with(&format!("{round}:{at}:")));
        }
    }
    let worker = server.workers()[0];
    let open = fs::read_dir(format!("/proc/{worker}/fd")).expect("descriptors").count();
    assert!(open < 40, "{open} descriptors are open");
}

#[test]
fn all_workers_hear_of_a_change() {
    let server = start!(format!("worker_processes 4;\n{}", site("root html;")));
    for round in 0..10 {
        let text = format!("round {round}");
        server.file("html/a", &text);
        for _ in 0..16 {
            assert_eq!(server.get("/a").text(), text);
        }
    }
}

fn opened(path: &std::path::Path) -> fs::File {
    fs::File::options().write(true).open(path).expect("open")
}

/// inotify says nothing of what happens under the file's other name, in another directory.
#[test]
fn edited_through_another_hard_link() {
    for age in AGES {
        let server = serving(age);
        let other = server.file("other/a", "000");
        fs::create_dir(server.path("html/dir")).expect("a directory");
        fs::hard_link(&other, server.path("html/dir/a")).expect("a link");
        assert_eq!(cached(&server, "/dir/a"), "000");
        for text in ["111", "222"] {
            // The kernel's dates have a grain of a few milliseconds.
            let before = fs::metadata(&other).expect("there").modified().expect("a date");
            server.wait_for("another date", || {
                opened(&other).write_all_at(text.as_bytes(), 0).expect("written");
                fs::metadata(&other).expect("there").modified().expect("a date") != before
            });
            assert_eq!(server.get("/dir/a").text(), text);
        }
        set_modified(&other, 1_609_459_200);
        assert_eq!(server.get("/dir/a").header("ETag"), Some("\"5fee6600-3\""));
    }
}

#[test]
fn a_directory_above_may_not_be_entered() {
    use std::os::unix::fs::PermissionsExt;
    for age in AGES {
        let server = start!(format!("user nobody;\n{}", site(&format!("root html; {age}"))));
        server.file("html/up/dir/a", "open");
        server.file("html/up/dir/index.html", "open");
        let mode = |mode| {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(server.path("html/up"), permissions).expect("chmod");
        };
        for _ in 0..3 {
            assert_eq!(cached(&server, "/up/dir/a"), "open");
            assert_eq!(cached(&server, "/up/dir/"), "open");
            mode(0o000);
            assert_eq!(server.get("/up/dir/a").status, 403);
            assert_eq!(server.get("/up/dir/").status, 403);
            mode(0o755);
        }
    }
}

/// Writes to a file through one mapping, whose page stays dirty: the second write changes no date, and
/// inotify hears of neither.
#[test]
fn written_by_mmap() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};
    const SCRIPT: &str = "import mmap, sys\n\
        with open(sys.argv[1], 'r+b') as f:\n\
        \x20   m = mmap.mmap(f.fileno(), 0)\n\
        \x20   for line in sys.stdin:\n\
        \x20       m[0:3] = line.strip().encode()\n\
        \x20       print('done', flush=True)\n";
    for directives in ["", "sendfile on;", "file_cache 16m max_file=1;", "aio threads;"] {
        let server = serving(directives);
        let path = server.file("html/a", "000");
        let mut writer = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut lines = BufReader::new(writer.stdout.take().expect("a pipe")).lines();
        let mut input = writer.stdin.take().expect("a pipe");
        for round in 111..130 {
            let text = round.to_string();
            writeln!(input, "{text}").expect("written");
            assert!(lines.next().is_some_and(|line| line.is_ok()), "the writer lives");
            assert_eq!(cached(&server, "/a"), text, "{directives}");
        }
        drop(input);
        writer.wait().expect("ended");
    }
}

/// Mounting needs root in a namespace of its own: where that is not allowed there is nothing to see.
#[test]
fn a_directory_that_is_mounted_over() {
    use std::process::Command;
    let server = serving(AGES[0]);
    server.file("html/dir/a", "below");
    server.file("other/a", "above");
    server.file("html/one", "below");
    assert_eq!(
        (cached(&server, "/dir/a"), cached(&server, "/one")),
        ("below".into(), "below".into())
    );
    let worker = server.workers()[0].to_string();
    let inside = |args: &[&str]| {
        let mut command = Command::new("nsenter");
        command.args(["--target", &worker, "--mount"]).args(args);
        command.output().is_ok_and(|output| output.status.success())
    };
    let path = |name: &str| server.path(name).to_string_lossy().into_owned();
    if !inside(&["mount", "--bind", &path("other"), &path("html/dir")]) {
        return;
    }
    let over = cached(&server, "/dir/a");
    let bound = inside(&["mount", "--bind", &path("other/a"), &path("html/one")]);
    let one = cached(&server, "/one");
    assert!(inside(&["umount", &path("html/dir")]), "nothing keeps it busy");
    let below = server.get("/dir/a").text();
    opened(&server.path("other/a")).write_all_at(b"edit ", 0).expect("written");
    let edited = server.get("/one").text();
    assert!(!bound || inside(&["umount", &path("html/one")]), "nothing keeps it busy");
    assert_eq!((over.as_str(), below.as_str()), ("above", "below"));
    if bound {
        assert_eq!((one.as_str(), edited.as_str()), ("above", "edit "));
        assert_eq!(server.get("/one").text(), "below");
    }
}

#[test]
fn the_cache_does_not_take_the_descriptors_that_clients_need() {
    // nginx keeps none: 400 of 400.
    for (limit, connections) in [(100, 256), (256, 256), (1024, 1024)] {
        let server = start!(format!(
            "worker_rlimit_nofile {limit}; events {{ worker_connections {connections}; }}\n{}",
            site("root html; file_cache 16m files=10000 max_file=1k;")
        ));
        for at in 0..400 {
            server.file(&format!("html/{at}"), bytes(70_000 + at));
        }
        for at in 0..400 {
            let answer = server.get(&format!("/{at}"));
            assert_eq!((answer.status, answer.body.len()), (200, 70_000 + at), "{limit}: {at}");
        }
        let worker = server.workers()[0];
        let open = || fs::read_dir(format!("/proc/{worker}/fd")).expect("descriptors").count();
        // Of the last clients some are about to be closed.
        let are_few = support::comes(|| open() <= limit / 4 + 24);
        assert!(are_few, "{limit}: {} descriptors are open", open());
        assert!(!server.error_log().contains("Too many open files"));
    }
}

/// What is only kept is closed when a call finds no descriptor.
#[test]
fn descriptors_are_given_back_when_there_are_none() {
    let server = start!(format!(
        "worker_rlimit_nofile 100; events {{ worker_connections 256; }}\n{}",
        site("root html; file_cache 16m max_file=1k;")
    ));
    for at in 0..25 {
        server.file(&format!("html/{at}"), bytes(70_000));
        assert_eq!(server.get(&format!("/{at}")).status, 200);
    }
    let worker = server.workers()[0];
    let open = || fs::read_dir(format!("/proc/{worker}/fd")).expect("descriptors").count();
    let before = open();
    let mut clients: Vec<_> = Vec::new();
    while clients.len() + before < 100 + 15 {
        let mut wire = server.wire();
        wire.send("GET /0 HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(wire.answer().status, 200, "client {}", clients.len());
        clients.push(wire);
    }
    assert!(!server.error_log().contains("accept4() failed"));
}

/// Without inotify nothing is stale, and the log says once what that costs.
#[test]
fn without_inotify() {
    for (call, error) in [("inotify_init1", "EMFILE"), ("inotify_add_watch", "ENOSPC")] {
        let inject = format!("inject={call}:error={error}");
        let trace = format!("trace={call}");
        let server = Start::new(env!("CARGO_BIN_EXE_rserve"))
            .under(&["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject])
            .conf(site("root html; file_cache 16m max_file=1k settle=0;"))
            .start();
        for round in 0..20 {
            for (name, size) in [("small", 100), ("big", 5000)] {
                let text = format!("{round:05}").repeat(size / 5);
                server.file("html/new", &text);
                let path = server.path(&format!("html/{name}"));
                fs::rename(server.path("html/new"), path).expect("renamed");
                assert_eq!(cached(&server, &format!("/{name}")), text);
            }
        }
        let log = server.error_log();
        let count = log.lines().filter(|l| l.contains("[warn]") && l.contains(call)).count();
        assert_eq!(count, 1, "{log}");
    }
}

/// The dates of a tmpfs do not tell of what is written by mmap: nothing of it is kept, and the log says so
/// once in each worker.
#[test]
fn file_systems_whose_files_are_not_kept() {
    let server = serving(AGES[0]);
    let shm = std::path::PathBuf::from(format!("/dev/shm/rserve-cache-{}", std::process::id()));
    fs::create_dir(&shm).expect("a directory");
    fs::write(shm.join("a"), "one").expect("written");
    symlink(&shm, server.path("html/shm")).expect("a link");
    let answers = [cached(&server, "/shm/a"), cached(&server, "/shm/a")];
    fs::remove_dir_all(&shm).expect("removed");
    assert_eq!(answers, ["one", "one"]);
    let log = server.error_log();
    assert_eq!(log.matches("file_cache does not keep \"").count(), 1, "{log}");
    assert!(log.contains("html/shm/a\", nor others of its file system"), "{log}");
}

#[test]
fn a_short_time_to_settle_is_warned_of() {
    for (value, warned) in [
        ("16m settle=59s", true),
        ("16m settle=0", true),
        ("off settle=0", false),
        ("16m settle=60s", false),
        ("16m", false),
    ] {
        let said = serving(&format!("file_cache {value};")).command(&["-t"]).stderr;
        let said = String::from_utf8_lossy(&said);
        assert_eq!(said.contains("\"settle\" of less than 60s"), warned, "{value}: {said}");
    }
}
