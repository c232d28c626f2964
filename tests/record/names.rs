//! Names of files, and what is in their way.

use std::os::unix::fs::symlink;

use support::{process, wait_for};

use crate::client::Client;
use crate::film::Publisher;
use crate::recorded::{
    comes_to_hold, is_all_of, is_closed, is_sealed, media, names, path, sent, told, wait_for_end,
};
use crate::{about_to, conf, up};

#[test]
fn names_that_lead_elsewhere_are_refused_and_the_stream_goes_on() {
    let server = up("record all;");
    server.file("outside.flv", "mine");
    for name in ["..", "../outside", ".hidden", "a/../../outside", "%2e%2e", "a b", "ü"] {
        let mut publisher = Client::publisher(&server, name);
        publisher.video(0, &crate::frames::avc_header(1));
        for number in 0..30 {
            publisher.video(number * 40, &crate::frames::key(number));
        }
        publisher.sync();
        assert!(publisher.is_alive(), "{name:?}");
    }
    let wanted = ["%252e%252e.flv", "%C3%BC.flv", "a%20b.flv", "a%2F..%2F..%2Foutside.flv"];
    wait_for("the files", || names(&server) == wanted);
    assert_eq!(std::fs::read(server.path("outside.flv")).expect("the file"), b"mine");
    let refused = server.error_log().matches("no file can have this name").count();
    assert_eq!(refused, 3, "{}", server.error_log());
}

/// Names of streams are no formats, and suffixes may be anything: what cannot be the name of a file is said, and stops nobody else.
#[test]
fn names_may_be_anything() {
    let long = "x".repeat(300);
    let recorders = [
        ("newline", "-%n.flv"),
        ("none", "-%"),
        ("unknown", "-%!.flv"),
        ("wide", "-%9000d.flv"),
        ("long", &format!("-{long}.flv")),
        ("slashes", "-%D.flv"),
        ("quotes", "-'\\\"\\\\$.flv"),
    ];
    let recorder = |(name, suffix): &(&str, &str)| {
        format!("recorder {name} {{ record all; record_suffix \"{suffix}\"; }} ")
    };
    let recorders: String = recorders.iter().map(recorder).collect();
    let server = up(&format!("record all; record_suffix -%Y.flv; {recorders}"));
    for name in ["s", "%n%9000d", &"ü".repeat(50)] {
        let mut publisher = Publisher::new(&server, name);
        publisher.run(2000);
        publisher.end();
    }
    let ours = |name: &String| ["s-20", "%25n%259000d-20"].iter().any(|it| name.starts_with(it));
    let all = || -> Vec<String> { names(&server).into_iter().filter(ours).collect() };
    wait_for("two files", || {
        all().len() == 2 && all().iter().all(|it| is_closed(&path(&server, it)))
    });
    for name in all() {
        is_all_of(&media(&path(&server, &name)), &sent(2000));
    }
    // What is of `s` is listed and given, whatever its name.
    let wanted = ["s-\n.flv", "s-%", "s-%!.flv", "s-'\"\\$.flv"];
    for name in wanted {
        wait_for(name, || is_sealed(&path(&server, name)));
        is_all_of(&media(&path(&server, name)), &sent(2000));
    }
    let text = || server.get("/dvr/s/").text();
    wait_for("the ends", || text().matches("\"grows\":false").count() == wanted.len() + 1);
    let list: Vec<serde_json::Value> = serde_json::from_str(&text()).expect("a list");
    for recording in &list {
        let url = recording["url"].as_str().expect("an address");
        let answer = server.get(&format!("/dvr/s/{url}"));
        let size = recording["size"].as_f64().expect("a number");
        assert_eq!((answer.status, answer.body.len() as f64), (200, size), "{url}");
    }
    let log = server.error_log();
    for why in ["no file can have a name of this length", "the record_suffix comes to nothing"] {
        assert!(log.contains(why), "{why}: {log}");
    }
    assert_eq!(server.workers().len(), 2);
}

#[test]
fn what_is_in_the_way_is_not_touched() {
    let start =
        about_to(conf("record all; recorder a { record_append on; record_suffix -a.flv; }"));
    let dir = start.dir();
    dir.file("elsewhere", "mine");
    dir.file("rec/text-a.flv", "no film");
    let rec = dir.path("rec");
    symlink("../elsewhere", rec.join("link.flv")).expect("a link");
    symlink("../nothing", rec.join("broken.flv")).expect("a link");
    std::fs::create_dir(rec.join("dir.flv")).expect("a directory");
    let fifo = std::process::Command::new("mkfifo").arg(rec.join("fifo.flv")).status();
    assert!(fifo.expect("mkfifo").success());
    let server = start.start();
    for name in ["link", "broken", "dir", "fifo", "text"] {
        let mut publisher = Publisher::new(&server, name);
        publisher.run(2000);
        publisher.end();
    }
    let log = || server.error_log();
    wait_for("five errors", || log().matches("stops, and is tried every 10 s").count() == 5);
    assert_eq!(std::fs::read(server.path("elsewhere")).expect("the file"), b"mine");
    assert_eq!(std::fs::read(path(&server, "text-a.flv")).expect("the file"), b"no film");
    assert!(path(&server, "dir.flv").is_dir() && !server.path("nothing").exists());
    // The other recorder has each of them.
    for name in ["link-a.flv", "dir-a.flv", "fifo-a.flv", "broken-a.flv", "text.flv"] {
        wait_for_end(&path(&server, name));
        is_all_of(&media(&path(&server, name)), &sent(2000));
    }
    assert!(process::is_alive(server.pid()));
}

#[test]
fn a_file_of_the_same_name_is_replaced_or_goes_on() {
    let server = up("record all; recorder a { record_append on; record_suffix -a.flv; }");
    for round in 1..4 {
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(2000);
        publisher.end();
        wait_for_end(&path(&server, "s.flv"));
        comes_to_hold(&path(&server, "s-a.flv"), &vec![sent(2000); round].concat());
        comes_to_hold(&path(&server, "s.flv"), &sent(2000));
    }
    let wanted = [sent(2000), sent(2000), sent(2000)].concat();
    let found = media(&path(&server, "s-a.flv"));
    is_all_of(&found, &wanted);
    let third = sent(2000).len();
    assert!(found[2 * third].time > found[2 * third - 1].time, "the times go on");
    assert!((5.9..6.3).contains(&told(&path(&server, "s-a.flv"), "duration")));
}

/// Two recorders would write the same file: one does.
#[test]
fn a_file_has_one_writer() {
    let server = up("record all; recorder other { record all; }");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(2000);
    wait_for("an error", || server.error_log().contains("another writes to it"));
    publisher.end();
    wait_for_end(&path(&server, "s.flv"));
    is_all_of(&media(&path(&server, "s.flv")), &sent(2000));
}

#[test]
fn what_cannot_be_is_an_error() {
    let wrong = [
        ("record some;", "invalid value \"some\""),
        ("recorder a {} recorder a {}", "duplicate recorder \"a\""),
        ("recorder a { recorder b {} }", "recorder"),
        ("record_format avi;", "invalid value \"avi\""),
        ("record_index 1000000;", "value must be between"),
        ("record_interval soon;", "record_interval"),
        ("record all; record_suffix /../x.flv;", "leads to another directory"),
        ("recorder a { record all; record_suffix /%Y/../..; }", "leads to another directory"),
    ];
    for (settings, why) in wrong {
        let (code, said) = about_to(conf(settings)).fail();
        assert!(code != 0 && said.contains(why), "{settings}: {said}");
    }
}
