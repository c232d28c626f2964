//! Files that are not ours, that cannot be, or that are in the way.

use std::fs;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, symlink};

use support::{Start, process};

use crate::client::publish;
use crate::{come_back, conf, publish_some, up};

const BINARY: &str = env!("CARGO_BIN_EXE_rserve");

#[test]
fn what_is_no_file_of_ours_is_refused_and_stays() {
    for (name, hint) in [
        ("precious", "of another program"),
        ("folder", "is no regular file"),
        ("fifo", "is no regular file"),
        ("link", "is no regular file"),
    ] {
        let start = Start::new(BINARY).conf(conf(&format!("sse_zone z 1m path={name};")));
        let dir = start.dir();
        let precious = "precious data".repeat(1000);
        dir.file("precious", &precious);
        fs::create_dir(dir.path("folder")).expect("a folder");
        process::run(std::process::Command::new("mkfifo").arg(dir.path("fifo")));
        symlink(dir.path("precious"), dir.path("link")).expect("a link");
        let (_, said) = start.fail();
        assert!(said.contains(hint), "{name}: {said}");
        if hint == "is no regular file" {
            // A test of the configuration says it, too.
            let mut tested = std::process::Command::new(BINARY);
            tested.args(["-t", "-c", "rserve.conf", "-p"]).arg(dir.path(""));
            let tested = tested.output().expect("it runs");
            let said = String::from_utf8_lossy(&tested.stderr);
            assert!(!tested.status.success() && said.contains(hint), "{name}: {said}");
        }
        assert_eq!(dir.text("precious"), precious);
        assert!(fs::symlink_metadata(dir.path("link")).expect("there").is_symlink());
        assert!(fs::metadata(dir.path("fifo")).expect("there").file_type().is_fifo());
        assert!(!dir.path(&format!("{name}.new")).exists());
    }
}

#[test]
fn something_in_the_way_of_the_new_file_is_refused_and_stays() {
    let start = Start::new(BINARY).conf(conf("sse_zone z 1m path=ev;")).file("ev.new", "precious");
    let dir = start.dir();
    let (_, said) = start.fail();
    assert!(said.contains("ev.new") && said.contains("another program"), "{said}");
    assert_eq!(dir.text("ev.new"), "precious");
    assert!(!dir.path("ev").exists());
}

#[test]
fn an_empty_file_and_one_of_zeros_are_taken() {
    for len in [0, 1 << 20, 5000] {
        let start = Start::new(BINARY).conf(conf("sse_zone z 1m path=ev;"));
        let server = start.file("ev", vec![0; len]).start();
        publish(&server, "/events/a", "x y");
        assert_eq!(come_back(&server, "0").words(), ["x y", "the last"]);
    }
}

#[test]
fn a_start_that_is_refused_leaves_the_file_as_it_was() {
    let mut server = up("sse_zone z 1m path=ev;");
    publish_some(&server, "event", 5);
    assert_eq!(server.stop(), Some(0));
    let before = fs::read(server.path("ev")).expect("the file");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    for size in ["1m", "2m", "512k"] {
        let zone = format!("server {{ listen 127.0.0.1:{port}; }} sse_zone z {size} path=ev;");
        server.set_conf(conf(&zone));
        server.start_again().expect_err("the port is taken");
        assert!(fs::read(server.path("ev")).expect("the file") == before, "{size}");
        assert!(!server.path("ev.new").exists());
    }
}

#[test]
fn a_full_disk_is_an_error_at_the_start_and_not_later() {
    // A disk of its own needs root.
    let start = Start::new(BINARY).conf(conf("sse_zone z 4m path=small/ev;"));
    let dir = start.dir();
    fs::create_dir(dir.path("small")).expect("a folder");
    let Some(disk) = Disk::mount(&dir.path("small"), "6m") else { return };
    let mut server = start.start();
    let ids = publish_some(&server, "event", 5);
    // What else is on the disk: the zone's file has its bytes already.
    let filler = fs::write(dir.path("small/filler"), vec![1; 8 << 20]);
    assert!(filler.is_err(), "the disk is full");
    for n in 0..200 {
        publish(&server, "/events/b", &format!("{n} {}", "x".repeat(50_000)));
    }
    assert_eq!(server.stop(), Some(0));
    let before = fs::read(dir.path("small/ev")).expect("the file");
    server.set_conf(conf("sse_zone z 16m path=small/ev;"));
    let said = server.start_again().expect_err("there is no room");
    assert!(said.contains("ev.new") && said.contains("No space left"), "{said}");
    assert!(fs::read(dir.path("small/ev")).expect("the file") == before, "it is as it was");
    server.set_conf(conf("sse_zone z 4m path=small/ev;"));
    server.start_again().expect("started");
    let reader = come_back(&server, &ids[1]);
    assert_eq!(reader.words()[..3], ["event 3", "event 4", "event 5"]);
    assert_eq!(server.stop(), Some(0));
    drop(disk);
}

#[test]
fn a_copy_with_holes_is_given_its_room_at_the_start() {
    let start = Start::new(BINARY).conf(conf("sse_zone z 4m path=small/ev;"));
    let dir = start.dir();
    fs::create_dir(dir.path("small")).expect("a folder");
    // A disk of its own needs root.
    let Some(disk) = Disk::mount(&dir.path("small"), "6m") else { return };
    let mut server = start.start();
    let ids = publish_some(&server, "event", 5);
    assert_eq!(server.stop(), Some(0));
    let path = dir.path("small/ev");
    let whole = fs::read(&path).expect("the file");
    fs::remove_file(&path).expect("the file goes");
    // As `cp --sparse=always` does.
    let copy = fs::File::create(&path).expect("a copy");
    copy.set_len(whole.len() as u64).expect("its length");
    for (n, page) in whole.chunks(4096).enumerate().filter(|(_, page)| page.iter().any(|&b| b != 0))
    {
        copy.write_all_at(page, n as u64 * 4096).expect("a page");
    }
    let allocated = || fs::metadata(&path).expect("the file").blocks() * 512;
    assert!(allocated() < whole.len() as u64, "it has holes");
    fs::write(dir.path("small/filler"), vec![1; 8 << 20]).expect_err("the disk is full");
    let said = server.start_again().expect_err("there is no room");
    assert!(said.contains("small/ev") && said.contains("No space left"), "{said}");
    assert!(fs::read(&path).expect("the file") == whole, "it is as it was");
    fs::remove_file(dir.path("small/filler")).expect("there is room");
    server.start_again().expect("started");
    assert_eq!(allocated(), whole.len() as u64);
    let reader = come_back(&server, &ids[1]);
    assert_eq!(reader.words()[..3], ["event 3", "event 4", "event 5"]);
    assert_eq!(server.stop(), Some(0));
    drop(disk);
}

/// A small disk, unmounted with the value.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(at: &std::path::Path, size: &str) -> Option<Disk> {
        let option = format!("size={size}");
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &option, "tmpfs"]).arg(at);
        command.status().ok()?.success().then(|| Disk(at.into()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn the_first_second_is_kept_as_any_other() {
    let mut server = up("sse_zone z 1m path=ev;");
    let id = publish(&server, "/events/a", "x 1");
    publish(&server, "/events/a", "x 2");
    assert_eq!(server.stop(), Some(0));
    server.start_again().expect("started");
    let reader = come_back(&server, &id);
    assert_eq!((reader.words(), reader.gaps.len()), (vec!["x 2".into(), "the last".into()], 0));
}

#[test]
fn it_is_the_masters_alone_and_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let server = up("sse_zone z 1m path=ev;");
    publish(&server, "/events/a", "x");
    let mode = fs::metadata(server.path("ev")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
