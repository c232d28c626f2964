//! What a worker cannot have enough of: descriptors, a disk that answers.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use support::{Server, Wire, start, wait_for};

use crate::checker::Checker;
use crate::conf;
use crate::eviction::big_stream;
use crate::film::Publisher;

/// Descriptors of a process that are segments in memory.
fn memory_files(pid: u32) -> usize {
    let all = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process").flatten();
    let links = all.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter(|link| link.to_string_lossy().contains("rserve segment")).count()
}

/// Few descriptors, and segments that are large enough to have one each, more of them than there are: viewers have the same bytes
/// as ever, files are written all the same, and whoever comes besides is let in.
#[test]
fn viewers_are_served_where_there_are_few_descriptors() {
    let settings = "hls_fragment 1s; hls_playlist_length 60s; hls_path files/hls;";
    let conf = conf(settings).replace("location /stat", "sendfile on; location /stat");
    let conf = format!("worker_rlimit_nofile 64; {conf}");
    let server = start!(conf.replace("hls_zone 64m", "hls_zone 128m"));
    wait_for("the workers", || server.workers().len() == 2);
    let mut publisher = big_stream(&server, "s");
    for _ in 0..6 {
        publisher.run(10_000);
    }
    let (mut memory, mut files) =
        (Checker::new("/hls/s/video.m3u8"), Checker::new("/files/hls/s.m3u8"));
    wait_for("segments", || memory.look(&server).is_some_and(|now| now.segments.len() >= 58));
    // Many that wait for something take what is left.
    let idle: Vec<Wire> = (0..40).map(|_| server.wire()).collect();
    memory.look(&server);
    drop(idle);
    // Each worker has been asked for each: it keeps what it has room for.
    for _ in 0..6 {
        let now = memory.look(&server).expect("a playlist");
        assert!(now.segments.len() >= 58, "{}", now.text);
        // The rest is for others.
        let kept: Vec<usize> = server.workers().into_iter().map(memory_files).collect();
        assert!(kept.iter().all(|kept| (1..=16).contains(kept)), "{kept:?}");
    }
    publisher.run(8000);
    let end = memory.look(&server).expect("a playlist").end();
    wait_for("files", || files.look(&server).is_some_and(|now| now.end() >= end - 1));
    memory.has_no_gap();
    files.has_no_gap();
    let log = server.error_log();
    assert!(!log.contains("files of the stream"), "{log}");
}

/// Holds the lock of a file that the server has to write, as a disk holds up who writes to it.
struct Hung(Child);

impl Hung {
    #[track_caller]
    fn at(path: &Path) -> Hung {
        let mut flock = Command::new("flock");
        flock.arg("--exclusive").arg(path).args(["sh", "-c", "echo; exec cat"]);
        let child = flock.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("install util-linux");
        let mut line = [0];
        let out = child.stdout.as_mut().expect("its output");
        std::io::Read::read_exact(out, &mut line).expect("it has the lock");
        Hung(child)
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn run(publishers: &mut [Publisher], ms: u32) {
    for publisher in publishers {
        publisher.run(ms);
    }
}

fn watched(server: &Server, name: &str) -> bool {
    let text = server.get(&format!("/hls/{name}/video.m3u8")).text();
    text.matches("#EXTINF").count() >= 3
}

/// A disk that does not answer holds up the files that are on it, of however many streams, and nothing else: neither what is in
/// memory nor the files of another application, nor those of streams that are published meanwhile. When it answers, files come.
#[test]
fn a_disk_that_hangs_holds_up_nobody_else() {
    const STREAMS: usize = 24;
    let conf = conf("hls_path files/hung; hls_fragment 1s; publish_grace 20s;");
    let other = "application other { live on; hls on; hls_path files/other; hls_fragment 1s; }";
    let server = start!(conf.replace("application live ", &format!("{other} application live ")));
    wait_for("the workers", || server.workers().len() == 2);
    let name = |number: usize| format!("s{number}");
    let list = |number: usize| server.path(&format!("files/hung/s{number}.m3u8"));
    wait_for("the directory", || server.path("files/hung").exists());
    let new = |number: usize| server.path(&format!("files/hung/.s{number}.m3u8.rserve"));
    let hung: Vec<Hung> = (0..STREAMS).map(|number| Hung::at(&new(number))).collect();
    let mut publishers: Vec<Publisher> =
        (0..STREAMS).map(|number| Publisher::new(&server, &name(number))).collect();
    run(&mut publishers, 4500);
    wait_for("memory", || (0..STREAMS).all(|number| watched(&server, &name(number))));
    let mut others: Vec<Publisher> =
        (0..4).map(|number| Publisher::in_application(&server, "other", &name(number))).collect();
    let mut checkers: Vec<Checker> =
        (0..4).map(|number| Checker::new(&format!("/files/other/s{number}.m3u8"))).collect();
    for round in 0..4 {
        run(&mut others, 2000);
        for checker in &mut checkers {
            wait_for("files of the others", || {
                let now = checker.look(&server);
                now.is_some_and(|now| now.end() > now.sequence + 2 * round)
            });
        }
    }
    run(&mut publishers, 2000);
    let segments = |number| {
        let text = server.get(&format!("/hls/s{number}/video.m3u8")).text();
        text.matches("#EXTINF").count()
    };
    wait_for("memory goes on", || (0..STREAMS).all(|number| segments(number) >= 5));
    assert!((0..STREAMS).all(|number| !list(number).exists()));
    drop(hung);
    wait_for("files of all", || (0..STREAMS).all(|number| list(number).exists()));
}
