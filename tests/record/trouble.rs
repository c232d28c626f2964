//! Disks that are full, directories that go, files that are replaced: the stream and the other recorders go on.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use support::{Server, Small, process, wait_for};

use crate::film::Publisher;
use crate::recorded::{is_all_of, is_closed, is_sealed, media, path, payloads, sent, wait_for_end};
use crate::{make, up};

fn stops(server: &Server) -> usize {
    server.error_log().matches("stops, and is tried every 10 s").count()
}

#[test]
fn a_full_disk_ends_a_file_whole_and_is_tried_again() {
    let server = up("record all; recorder small { record_path small; }");
    let Some(small) = Small::at(server.path("small")) else { return };
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(20_000);
    wait_for("an error", || stops(&server) == 1);
    let file = small.0.join("s.flv");
    wait_for_end(&file);
    let first = media(&file);
    is_all_of(&first, &sent(20_000)[..first.len()]);
    publisher.run(1000);
    assert_eq!(stops(&server), 1, "it is told once");
    // Room again: it goes on in the same file, at a key frame.
    std::fs::write(path(&server, "copy.flv"), std::fs::read(&file).expect("it")).expect("written");
    small.grow();
    let again = || server.error_log().contains("records again");
    wait_for("another try", || {
        publisher.run(1000);
        again()
    });
    let total = publisher.now();
    publisher.end();
    wait_for("more", || is_sealed(&file) && media(&file).len() > first.len());
    let found = media(&file);
    assert_eq!(payloads(&found[..first.len()]), payloads(&first));
    assert!(found.len() > first.len() && found[first.len()].is_key());
    // The other one has everything.
    wait_for_end(&path(&server, "s.flv"));
    is_all_of(&media(&path(&server, "s.flv")), &sent(total));
    drop(server);
}

/// Read-only: told once, and the other recorder goes on.
#[test]
fn a_disk_that_cannot_be_written_stops_nobody_else() {
    let server = up("record all; recorder small { record_path small; }");
    let Some(small) = Small::at(server.path("small")) else { return };
    let mut mount = Command::new("mount");
    assert!(mount.args(["-o", "remount,ro"]).arg(&small.0).status().expect("mount").success());
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3000);
    wait_for("an error", || stops(&server) == 1);
    publisher.run(3000);
    let total = publisher.now();
    publisher.end();
    wait_for_end(&path(&server, "s.flv"));
    is_all_of(&media(&path(&server, "s.flv")), &sent(total));
    assert_eq!(stops(&server), 1);
    drop((server, small));
}

#[test]
fn a_directory_that_goes_comes_back() {
    let server = up("record all; record_unique on; record_interval 1s;
         recorder other { record_path other; record_unique off; record_interval off; }");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(500);
    let entries = || std::fs::read_dir(server.path("rec")).map_or(0, Iterator::count);
    wait_for("a file", || entries() > 1);
    std::fs::rename(server.path("rec"), server.path("moved")).expect("renamed");
    publisher.run(4000);
    wait_for("an error", || stops(&server) == 1);
    make(&server.path("rec"));
    wait_for("another try", || {
        publisher.run(1000);
        server.error_log().contains("records again")
    });
    assert_eq!(stops(&server), 1);
    let total = publisher.now();
    publisher.end();
    wait_for_end(&server.path("other/s.flv"));
    is_all_of(&media(&server.path("other/s.flv")), &sent(total));
}

/// Whether somebody has locked a file so that `F_GETLK` tells of it.
fn is_locked(file: &Path) -> bool {
    let inode = std::fs::metadata(file).expect("the file").ino();
    let locks = std::fs::read_to_string("/proc/locks").expect("the locks");
    let is = |line: &str| line.contains("OFDLCK") && line.contains(&format!(":{inode} "));
    locks.lines().any(is)
}

/// `record_lock`: as long as it is recorded, whoever does.
#[test]
fn a_lock_is_there_as_long_as_it_is_recorded() {
    let server = up("record all; record_lock on; publish_grace 20s;
         recorder free { record_lock off; record_suffix -free.flv; }
         recorder m { record_format mp4; record_suffix .mp4; }");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(2000);
    let [file, movie, free] = ["s.flv", "s.mp4", "s-free.flv"].map(|name| path(&server, name));
    let all = [&file, &movie, &free];
    wait_for("the files", || all.iter().all(|it| it.exists()));
    wait_for("the locks", || is_locked(&file) && is_locked(&movie));
    assert!(!is_locked(&free));
    let worker = server.connected_worker();
    process::kill(&[worker]);
    wait_for("another worker", || server.workers().len() == 2);
    if !publisher.is_alive() {
        publisher.come_back(&server, "s");
    }
    publisher.run(2000);
    wait_for("its locks", || is_locked(&file) && is_locked(&movie));
    publisher.end();
    all.iter().for_each(|file| wait_for("its end", || is_closed(file)));
    wait_for("no locks", || !is_locked(&file) && !is_locked(&movie));
}

/// Something else is in a file's place when its worker dies: who goes on leaves it alone, and the other recorder has everything.
#[test]
fn who_goes_on_writes_to_nothing_else() {
    for form in ["flv", "fmp4", "mp4"] {
        for thing in ["text", "longer", "link", "directory", "pipe", "nothing"] {
            let server = up(&format!(
                "record all; publish_grace 20s;
                 recorder o {{ record_path other; record_format {form}; record_suffix .x; }}"
            ));
            let mut publisher = Publisher::new(&server, "s");
            publisher.run(4500);
            let file = server.path("other/s.x");
            // More than a head, which has room for an index.
            let some = if form == "fmp4" { 60_000 } else { 200_000 };
            wait_for("a part", || std::fs::metadata(&file).is_ok_and(|it| it.len() > some));
            let outside = server.file("outside", "mine");
            std::fs::rename(&file, server.path("other/moved")).expect("renamed");
            let long = vec![b'x'; 1_000_000];
            match thing {
                "text" => std::fs::write(&file, "mine").expect("written"),
                "longer" => std::fs::write(&file, &long).expect("written"),
                "link" => std::os::unix::fs::symlink(&outside, &file).expect("a link"),
                "directory" => std::fs::create_dir(&file).expect("a directory"),
                "pipe" => {
                    assert!(Command::new("mkfifo").arg(&file).status().expect("mkfifo").success())
                }
                _ => std::fs::remove_dir_all(server.path("other")).expect("removed"),
            }
            // Its mode keeps nobody out.
            if thing != "nothing" {
                let anybody = std::fs::Permissions::from_mode(0o777);
                std::fs::set_permissions(&file, anybody).expect("its mode");
            }
            let worker = server.connected_worker();
            process::kill(&[worker]);
            wait_for("another worker", || server.workers().len() == 2);
            if !publisher.is_alive() {
                publisher.come_back(&server, "s");
            }
            publisher.run(3000);
            publisher.end();
            let own = path(&server, "s.flv");
            wait_for("its end", || is_closed(&own) && is_sealed(&own));
            assert!(media(&own).len() > 300, "{form} {thing}: {}", media(&own).len());
            wait_for("an error", || stops(&server) > 0);
            assert_eq!(std::fs::read(&outside).expect("it"), b"mine", "{form} {thing}");
            match thing {
                "text" => assert_eq!(std::fs::read(&file).expect("it"), b"mine", "{form}"),
                "longer" => assert!(std::fs::read(&file).expect("it") == long, "{form}"),
                "link" => assert!(file.is_symlink(), "{form}"),
                "directory" => assert!(file.is_dir(), "{form}"),
                "pipe" => assert!(file.exists() && !file.is_file(), "{form}"),
                _ => assert!(!file.exists(), "{form}"),
            }
        }
    }
}

/// What is moved away in the middle is made whole where it is, whatever its form, and nothing of it is written into what has its place.
#[test]
fn a_movie_that_is_moved_becomes_one_where_it_is() {
    let server = up("record all; record_format mp4;
         recorder f { record_format fmp4; record_suffix -f.mp4; }");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3000);
    for name in ["s", "s-f"] {
        let file = path(&server, &format!("{name}.mp4"));
        wait_for("a file", || std::fs::metadata(&file).is_ok_and(|it| it.len() > 40_000));
        std::fs::rename(&file, path(&server, &format!("{name}-moved.mp4"))).expect("renamed");
        std::os::unix::fs::symlink(server.file("outside", "mine"), &file).expect("a link");
    }
    publisher.run(3000);
    publisher.end();
    let cut = crate::fragments::cut(&server, 6000);
    for name in ["s", "s-f"] {
        let moved = path(&server, &format!("{name}-moved.mp4"));
        let ends = |bytes: &[u8]| bytes.windows(4).any(|name| name == b"mfro");
        wait_for("its end", || ends(&std::fs::read(&moved).expect("the file")));
        assert_eq!(crate::fragments::frames(&moved), crate::fragments::frames(&cut), "{name}");
        crate::recorded::probe(&moved);
    }
    assert_eq!(std::fs::read(server.path("outside")).expect("it"), b"mine");
}

#[test]
fn a_file_that_is_replaced_is_not_written() {
    let server = up("record all;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3000);
    let file = path(&server, "s.flv");
    wait_for("a file", || std::fs::metadata(&file).is_ok_and(|about| about.len() > 150_000));
    std::fs::rename(&file, path(&server, "moved.flv")).expect("renamed");
    std::fs::write(&file, "mine").expect("written");
    publisher.run(3000);
    publisher.end();
    wait_for_end(&path(&server, "moved.flv"));
    is_all_of(&media(&path(&server, "moved.flv")), &sent(6000));
    assert_eq!(std::fs::read(&file).expect("the file"), b"mine");
    wait_for("a warning", || server.error_log().contains("is not the file any more"));
}
