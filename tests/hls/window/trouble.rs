//! The window where a disk is full or in the way, where others have put something, and after a crash.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use support::{Small, Start, process, start, wait_for};

use super::{WINDOW, files, indexed};
use crate::checker::{Checker, Playlist};
use crate::film::Publisher;
use crate::{conf, up};

/// What is in the way stays, and the stream goes on from memory; what is somebody else's is not shown.
#[test]
fn what_others_put_there_is_theirs() {
    let server = up(WINDOW);
    let root = server.path("files/window");
    wait_for("the directory", || root.exists());
    fs::write(root.join("s"), "mine").expect("a file");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(8500);
    server
        .wait_for("a line", || server.error_log().contains("the window of the stream \"live/s\""));
    wait_for("memory", || server.get("/hls/s/video.m3u8").status == 200);
    assert_eq!(fs::read_to_string(root.join("s")).expect("a file"), "mine");
    publisher.end();

    // Another stream's index, and a link in the place of a file.
    let mut publisher = Publisher::new(&server, "a");
    let mut checker = Checker::new("/hls/a/video.m3u8");
    for round in 1..=3 {
        publisher.run(10_000);
        wait_for("segments", || {
            checker.look(&server).is_some_and(|now| now.segments.len() >= 10 * round - 1)
        });
    }
    wait_for("files", || indexed(&root.join("a")) >= 29);
    let now = checker.look(&server).expect("a playlist");
    let oldest = format!("/hls/a/{}", now.segments[0].uri);
    let file = files(&root.join("a"), "ts").remove(0);
    fs::create_dir(root.join("b")).expect("a directory");
    for extension in ["ts", "index"] {
        let from = file.with_extension(extension);
        fs::copy(&from, root.join("b").join(from.file_name().expect("a name"))).expect("a copy");
    }
    let mut other = Publisher::new(&server, "b");
    other.run(3500);
    wait_for("b", || server.get("/hls/b/video.m3u8").status == 200);
    assert!(server.get("/hls/b/video.m3u8").text().matches("#EXTINF").count() < 5);
    // What is no file is no index, and no number: who comes late is shown all the same.
    fs::create_dir(root.join("a/5.index")).expect("a directory");
    server.set_conf(conf(&format!("{WINDOW} merge_write 1ms;")));
    assert!(server.command(&["-s", "reload"]).status.success());
    let late = || server.get("/hls/a/video.m3u8").text().matches("#EXTINF").count();
    wait_for("who comes late", || late() >= 29);
    let kept = file.with_extension("kept");
    fs::rename(&file, &kept).expect("a file");
    symlink(server.path("conf/rserve.conf"), &file).expect("a link");
    assert!(matches!(server.get(&oldest).status, 403 | 404 | 500));
    fs::remove_file(&file).expect("a link");
    assert_eq!(server.get(&oldest).status, 404);
    // One that is shorter than the index says.
    fs::write(&file, &fs::read(&kept).expect("a file")[..1000]).expect("a file");
    assert_eq!(server.get(&oldest).status, 404);
    fs::rename(&kept, &file).expect("a file");
    assert_eq!(server.get(&oldest).status, 200);
}

#[test]
fn names_that_lead_elsewhere_have_no_window() {
    let server = start!(conf(WINDOW).replace("live on;", "live on; idle_streams on;"));
    for name in ["..", ".hidden", "a/b", "../../escape"] {
        let mut publisher = Publisher::new(&server, name);
        publisher.run(4500);
        publisher.end();
    }
    server.wait_for("lines", || server.error_log().matches("none can have its name").count() >= 4);
    assert_eq!(fs::read_dir(server.path("files/window")).expect("a directory").count(), 0);
    assert!(!server.path("escape").exists() && !server.path("files/next").exists());
}

/// A stream that nobody has published for longer than its window is removed when the server starts; what is younger stays,
/// and so does what is not ours.
#[test]
fn what_is_too_old_is_removed_at_the_start() {
    let mut server = up(WINDOW);
    let root = server.path("files/window");
    for name in ["old", "young"] {
        let mut publisher = Publisher::new(&server, name);
        publisher.run(4500);
        publisher.end();
        wait_for("files", || indexed(&root.join(name)) >= 4);
    }
    server.kill_everything();
    // As if it had been written a day ago.
    let index = files(&root.join("old"), "index").remove(0);
    let mut bytes = fs::read(&index).expect("an index");
    let len =
        |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes")) as usize;
    let rows = 40 + len(32) + len(36);
    for row in (rows..bytes.len()).step_by(80) {
        let wall = u64::from_le_bytes(bytes[row + 24..row + 32].try_into().expect("8 bytes"));
        bytes[row + 24..row + 32].copy_from_slice(&(wall - 86_400_000).to_le_bytes());
    }
    fs::write(&index, bytes).expect("an index");
    fs::create_dir(root.join("mine")).expect("a directory");
    fs::write(root.join("mine/17.ts"), "mine").expect("a file");
    fs::write(root.join("mine/17.index"), "mine").expect("a file");
    server.start_again().expect("it starts");
    wait_for("the old one to go", || !root.join("old").exists());
    assert!(indexed(&root.join("young")) >= 4);
    assert!(root.join("mine/17.ts").exists() && root.join("mine/17.index").exists());
}

/// The disk is full for a while: what is in memory is served, what is older is missing, and the window goes on when there is room.
#[test]
fn a_full_disk_is_a_hole_in_the_window() {
    let settings =
        "hls_window 10m; hls_window_path small; hls_fragment 1s; hls_playlist_length 3s;";
    let server = up(settings);
    let Some(small) = Small::at(server.path("small")) else { return };
    let mut publisher = Publisher::new(&server, "s");
    let look = || server.get("/hls/s/video.m3u8").text();
    for _ in 0..30 {
        publisher.run(1000);
    }
    server.wait_for("a line", || server.error_log().contains("the window of the stream"));
    // What is in memory is there.
    let text = look();
    let newest = text.lines().rfind(|line| line.ends_with(".ts")).expect("a segment");
    assert_eq!(server.get(&format!("/hls/s/{newest}")).status, 200);
    small.grow();
    let before = indexed(&small.0.join("s"));
    // As fast as segments are made of it.
    let mut text = String::new();
    wait_for("more of it", || {
        let now = look();
        if now != text {
            text = now;
            publisher.run(2000);
        }
        indexed(&small.0.join("s")) > before + 3
    });
    // Whoever looks now is told of nothing that is not there.
    server.signal("HUP");
    wait_for("a playlist", || {
        let text = server.get("/hls/s/video.m3u8").text();
        let names = text.lines().filter(|line| line.ends_with(".ts"));
        let gaps = text.matches("#EXT-X-GAP").count();
        let there = |name: &&str| server.get(&format!("/hls/s/{name}")).status == 200;
        let found = names.clone().filter(there).count();
        found >= 3 && found + gaps == names.count()
    });
    // A gap is as long as what is missing.
    let text = look();
    let mut lengths = text.split("#EXT-X-GAP\n#EXTINF:").skip(1).map(|rest| {
        let length = rest.split(',').next().and_then(|length| length.parse::<f64>().ok());
        length.expect("a length")
    });
    assert!(lengths.all(|length| (0.5..1.5).contains(&length)), "{text}");
}

#[test]
fn what_cannot_be_is_refused() {
    let with = |settings: &str| {
        let (code, said) =
            support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf(settings)).fail();
        assert_eq!(code, 1);
        said
    };
    assert!(with("hls_window 1h;").contains("hls_window_path"));
    for name in ["../index", ".index", "a/b", "\"\""] {
        let said = with(&format!("hls_path h; hls_nested on; hls_nested_index_filename {name};"));
        assert!(said.contains("hls_nested_index_filename"), "{name}: {said}");
    }
    assert!(with("hls_path h; hls_dir_access world:r;").contains("invalid value \"world:r\""));
    assert!(with("hls_window 1h; hls_window_path w; hls_keys on;").contains("hls_keys"));
}

/// The disk is full when the stream begins: it is counted without files, and files that come later change no number.
#[test]
fn files_that_come_later_change_no_number() {
    let settings =
        "hls_window 10m; hls_window_path small; hls_fragment 1s; hls_playlist_length 3s;";
    let server = up(settings);
    let Some(small) = Small::at(server.path("small")) else { return };
    let mut rest = fs::File::create(server.path("small/rest")).expect("a file");
    while std::io::Write::write_all(&mut rest, &[1; 512]).is_ok() {}
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(5500);
    server.wait_for("a line", || server.error_log().contains("the window of the stream"));
    let mut known = BTreeMap::new();
    let (mut end, mut text) = (0, String::new());
    let mut look = |publisher: &mut Publisher| {
        let now = server.get("/hls/s/video.m3u8").text();
        if now == text || now.matches("#EXTINF").count() < 2 {
            return;
        }
        let playlist = Playlist::read(&now);
        assert!(playlist.end() >= end, "{text}\nis followed by\n{now}");
        let newest = playlist.segments.last().expect("a segment");
        let answer = server.get(&format!("/hls/s/{}", newest.uri));
        assert_eq!(answer.status, 200, "{now}");
        let before = known.entry(newest.uri.clone()).or_insert_with(|| answer.body.clone());
        assert!(*before == answer.body, "{} has other bytes", newest.uri);
        (end, text) = (playlist.end(), now);
        publisher.run(2000);
    };
    wait_for("segments", || {
        look(&mut publisher);
        server.get("/hls/s/video.m3u8").text().matches("#EXTINF").count() > 5
    });
    small.grow();
    wait_for("files", || {
        look(&mut publisher);
        indexed(&small.0.join("s")) > 3
    });
    publisher.run(3000);
    look(&mut publisher);
    assert!(end > 0);
}

/// What stands where our files are to be may be anything: a pipe that nobody writes to is waited for by nobody.
#[test]
fn pipes_in_the_way_hold_up_nobody() {
    let server = up(WINDOW);
    let directory = server.path("files/window/s");
    fs::create_dir_all(&directory).expect("a directory");
    // Whoever the workers are.
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).expect("a directory");
    for name in ["next", "next.new", "7.index"] {
        let mut mkfifo = Command::new("mkfifo");
        assert!(mkfifo.arg(directory.join(name)).status().expect("mkfifo").success());
    }
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(8500);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 8));
    wait_for("files", || indexed(&directory) >= 8);
}

/// A disk that hangs holds up neither a stream that begins nor who watches it.
#[test]
fn a_disk_that_hangs_is_not_waited_for() {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf(WINDOW));
    let hang = "inject=fdatasync:delay_enter=12000000";
    let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", hang];
    let mut server = start.under(&words).start();
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(8500);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("segments", || {
        server.get("/hls/s/video.m3u8").status == 200
            && checker.look(&server).is_some_and(|now| now.segments.len() >= 5)
    });
    // It hangs all the while.
    assert!(!server.path("files/window/s/next").exists());
    // Nor would it let the workers end in time.
    let workers = server.workers();
    workers.into_iter().chain([server.pid()]).for_each(|pid| process::signal(pid, "KILL"));
    server.wait_for_exit();
}
