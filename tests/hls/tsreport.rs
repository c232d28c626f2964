//! tsreport (the Debian package tstools) reads transport streams, and finds what no player would complain of.

use std::process::Command;

use support::{process, wait_for};

use crate::checker::Checker;
use crate::film::Publisher;
use crate::up;

/// What it says of a file.
fn report(bytes: &[u8], server: &support::Server) -> String {
    let file = server.file("all.ts", bytes);
    let output = process::run(Command::new("tsreport").arg("-buffering").arg(file));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The smallest difference of what a line is about, in 90,000ths of a second.
fn smallest(report: &str) -> Vec<i64> {
    let lines =
        report.lines().filter_map(|line| line.trim().strip_prefix("Minimum difference was "));
    let number = |line: &str| line.split('t').next().and_then(|number| number.parse().ok());
    lines.map(|line| number(line).expect("a number")).collect()
}

/// Two workers cut the stream, the second from where the first was killed: no packet is missing or twice, clocks come often
/// enough and before what they are for.
#[test]
fn it_finds_nothing_wrong() {
    assert!(Command::new("tsreport").output().is_ok(), "install tstools");
    let server = up("hls_fragment 2s; hls_playlist_length 30s; publish_grace 2s;");
    let mut publisher = Publisher::new(&server, "s");
    let worker = server.connected_worker();
    publisher.run(9300);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 3));
    process::kill(&[worker]);
    publisher.break_off();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    let all: Vec<u8> = checker.all().flat_map(|(_, _, bytes)| bytes.to_vec()).collect();
    let said = report(&all, &server);
    assert!(said.contains("Bad (>.1s) gaps: 0"), "{said}");
    assert!(!said.contains("###"), "{said}");
    let smallest = smallest(&said);
    assert!(smallest.len() == 3 && smallest.iter().all(|least| *least > 0), "{said}");
    // It does find what is wrong.
    let packet = 188 * (all.len() / 188 / 2);
    let torn = [&all[..packet], &all[packet + 188..]].concat();
    assert!(report(&torn, &server).contains("###"), "a missing packet is found");
}
