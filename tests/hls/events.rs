//! `hls_events`: listeners are told of segments, where that is asked for.

use support::{Server, Start, Wire, process, start, wait_for};

use crate::checker::Checker;
use crate::conf;
use crate::film::Publisher;

fn listening(settings: &str) -> Server {
    let conf = conf(&format!("hls_fragment 1s; rtmp_events z:live; {settings}"));
    let conf = conf.replace(
        "location /stat",
        "location /events { sse_subscribe live; sse_start oldest; } location /stat",
    );
    start!(conf.replace("http {", "http { sse_zone z 16m;"))
}

fn listen(server: &Server) -> Wire {
    let mut events = server.wire();
    events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    events.until("\r\n\r\n");
    events
}

/// The value of a member of an event's data.
fn member<'a>(data: &'a str, name: &str) -> &'a str {
    let (_, rest) = data.split_once(&format!("\"{name}\":")).expect("the member");
    rest.split([',', '}']).next().unwrap_or_default().trim_matches('"')
}

#[test]
fn each_segment_is_told_of_once() {
    for (format, extension) in [("ts", "ts"), ("fmp4", "m4s")] {
        let server = listening(&format!("hls_events on; hls_format {format};"));
        let mut events = listen(&server);
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(3500);
        publisher.end();
        let mut next = || {
            events.until("event: segment\n");
            events.until("\n\n")
        };
        let told = [next(), next(), next(), next()];
        let first: u64 = member(&told[0], "number").parse().expect("a number");
        let list = server.get("/hls/s/video.m3u8").text();
        for (at, data) in told.iter().enumerate() {
            let number = first + at as u64;
            assert!(data.contains("\"app\":\"live\",\"name\":\"s\""), "{data}");
            assert_eq!(member(data, "number"), number.to_string());
            let duration: f64 = member(data, "duration").parse().expect("a duration");
            assert!(if at < 3 { duration == 1.0 } else { duration > 0.4 }, "{data}");
            let name = member(data, "segment");
            assert_eq!(name, format!("video-{number}.{extension}"));
            assert!(list.contains(&format!("\n{name}\n")), "{name} in {list}");
            assert_eq!(server.get(&format!("/hls/s/{name}")).status, 200);
        }
    }
}

/// A part that is cut anew after a death is told of by whoever made it whole: never twice, and with no number that players do
/// not see.
#[test]
fn killed_workers_tell_of_nothing_twice() {
    let server = listening("hls_events on; hls_playlist_length 60s; publish_grace 20s;");
    wait_for("the workers", || server.workers().len() == 2);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4500);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    for pid in server.workers() {
        process::kill(&[pid]);
        wait_for("another worker", || server.workers().len() == 2);
        if !publisher.is_alive() {
            publisher.come_back(&server, "s");
        }
        publisher.run(3500);
    }
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    let now = checker.look(&server).expect("a playlist");
    let numbers: Vec<u64> = (now.sequence..).take(now.segments.len()).collect();
    let last = numbers.last().expect("a segment");
    let told = listen(&server).until(&format!("\"number\":{last},"));
    let told = told.split("event: segment\n").skip(1).filter(|data| data.contains("number"));
    let told: Vec<u64> = told.map(|data| member(data, "number").parse().expect("one")).collect();
    assert!(told.is_sorted_by(|before, next| before < next), "{told:?}");
    assert!(told.iter().all(|number| numbers.contains(number)), "{told:?} of {numbers:?}");
    assert!(
        told.len() + 2 >= numbers.len(),
        "one with each death at most: {told:?} of {numbers:?}"
    );
}

#[test]
fn nobody_is_told_who_has_not_asked() {
    let server = listening("");
    let mut events = listen(&server);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    publisher.end();
    // A second stream ends behind the segments of the first.
    Publisher::new(&server, "t").end();
    let told = events.until("\"name\":\"t\"");
    assert!(told.contains("event: unpublish\n") && !told.contains("event: segment"), "{told}");
}

#[test]
fn a_channel_is_needed() {
    let (code, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf("hls_events on;")).fail();
    assert!(code == 1 && said.contains("\"hls_events\" needs \"rtmp_events\""), "{said}");
    assert!(said.contains("rserve.conf:"), "{said}");
}
