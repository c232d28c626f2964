//! Disks that are full, directories that go, files that are replaced: the stream and the other recorders go on.

use std::path::PathBuf;
use std::process::Command;

use support::{Server, wait_for};

use crate::film::Publisher;
use crate::recorded::{is_all_of, is_sealed, media, path, payloads, sent, wait_for_end};
use crate::{make, up};

/// A file system of half a megabyte. It goes with the value.
struct Small(PathBuf);

impl Small {
    /// `None`: this user may not mount.
    fn at(path: PathBuf) -> Option<Small> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=500k,mode=777", "small"]).arg(&path);
        let output = mount.output().ok()?;
        output.status.success().then_some(Small(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn stops(server: &Server) -> usize {
    server.error_log().matches("stops, and is tried every 10 s").count()
}

#[test]
fn a_full_disk_ends_a_file_whole_and_is_tried_again() {
    let server = up("record all; recorder small { record_path small; }");
    let Some(small) = Small::at(server.path("small")) else {
        eprintln!("this user may not mount: not tested");
        return;
    };
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
    let mut mount = Command::new("mount");
    mount.args(["-o", "remount,size=64m,mode=777"]).arg(&small.0);
    assert!(mount.status().expect("mount").success());
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
