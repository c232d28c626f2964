//! Readers from anywhere: whatever they ask for, they take nothing from the channels that there are.

use std::io::{Read, Write};

use support::{Server, Wire};

use crate::client::{publish, subscribe};
use crate::with_zone;

/// How many of the channels `keep0` … still have all three of their events.
fn kept(server: &Server) -> usize {
    let whole = |n: &usize| {
        let mut all = subscribe(server, &format!("/events/keep{n}"), "Last-Event-ID: 0\r\n");
        all.until("data: third\n\n").contains("data: first\n\n")
    };
    (0..50).filter(whole).count()
}

fn with_history(zone: &str) -> Server {
    let server = support::start!(with_zone(zone, ""));
    for n in 0..50 {
        for data in ["first", "second", "third"] {
            publish(&server, &format!("/events/keep{n}"), data);
        }
    }
    server
}

#[test]
fn names_of_their_own_invention_cost_nobody_his_history() {
    let server = with_history("z 1m");
    for n in 0..3000 {
        drop(subscribe(&server, &format!("/events/rnd{n}"), ""));
    }
    let held: Vec<_> =
        (0..600).map(|n| subscribe(&server, &format!("/events/held{n}"), "")).collect();
    assert_eq!(kept(&server), 50);
    // Who waits hears the first event of a channel, and its publisher hears of him.
    let mut last = held.into_iter().next_back().expect("many");
    let answer = server.curl(&["-d", "at last"], "/events/held599");
    assert_eq!(answer.status, 201, "{}", answer.text());
    last.until("data: at last\n\n");
    publish(&server, "/events/held599", "and again");
    last.until("data: and again\n\n");
}

#[test]
fn many_names_in_one_stream_do_not_either() {
    let conf = r#"
            sse_zone z 1m;
            server {
                listen 127.0.0.1:{port};
                location ~ ^/events/(?<channel>[\w.]+)$ { sse_subscribe $channel; sse_publish $channel; }
                location = /many { sse_subscribe NAMES; }
                location = /status { sse_status; }
            }
    "#;
    let names: Vec<String> = (0..200).map(|n| format!("$arg_c.{n}")).collect();
    let server = support::start!(format!(
        "worker_processes 2; events {{ worker_connections 512; }}\n{}",
        support::http(&conf.replace("NAMES", &names.join(" ")))
    ));
    for n in 0..50 {
        for data in ["first", "second", "third"] {
            publish(&server, &format!("/events/keep{n}"), data);
        }
    }
    let mut streams: Vec<_> =
        (0..100).map(|n| subscribe(&server, &format!("/many?c=x{n}"), "")).collect();
    assert_eq!(kept(&server), 50);
    // One of two hundred comes to be: the stream has it, with what else comes, in one order.
    publish(&server, "/events/x7.30", "one");
    publish(&server, "/events/x7.199", "two");
    publish(&server, "/events/x7.30", "three");
    let text = streams[7].until("data: three\n\n");
    let at = |data: &str| text.find(data).expect(data);
    assert!(at("data: one") < at("data: two"));
    drop(streams);
    server.wait_for("nobody to be subscribed", || {
        server.get("/status").text().contains("\"subscribers\":0,")
    });
}

#[test]
fn channels_that_have_to_go_are_told_of_in_the_log() {
    let server = support::start!(with_zone("z 1m channels=20", ""));
    for n in 0..60 {
        publish(&server, &format!("/events/c{n}"), "x");
    }
    server.wait_for("a line", || {
        server.error_log().contains("room for 20 channels")
            && server.error_log().contains("forgotten")
    });
}

#[test]
fn a_quiet_channel_is_no_gap() {
    let server = support::start!(with_zone("z 1m", ""));
    let id = crate::client::id_of(&server.curl(&["-d", "x"], "/events/some"));
    for n in 0..300 {
        publish(&server, &format!("/events/short{n}"), "x");
    }
    // Channels without an event, left and come back to: nothing of theirs is gone.
    for n in 0..40 {
        let path = format!("/events/quiet{n}");
        let mut back = subscribe(&server, &path, &format!("Last-Event-ID: {id}\r\n"));
        publish(&server, &path, "news");
        let text = back.until("data: news\n\n");
        assert!(!text.contains("event: gap"), "{text}");
    }
}

#[test]
fn what_ages_away_elsewhere_is_no_gap_for_a_pattern() {
    let conf = r#"
            sse_zone z 1m;
            server {
                listen 127.0.0.1:{port};
                location = /a { sse_subscribe a.*; }
                location = /ax { sse_publish a.x; }
                location = /ay { sse_publish a.y; sse_history 1 1s; }
                location = /tmp { sse_publish tmp; sse_history 1 1s; }
                location = /status { sse_status; }
            }
    "#;
    let server = support::start!(support::http(conf));
    let id = crate::client::id_of(&server.curl(&["-d", "x"], "/ax"));
    publish(&server, "/tmp", "x");
    let forgotten = |name: &str| {
        let name = format!("\"channel\":\"{name}\"");
        server.wait_for("it to be forgotten", || !server.get("/status").text().contains(&name));
    };
    forgotten("tmp");
    let mut back = subscribe(&server, "/a", &format!("Last-Event-ID: {id}\r\n"));
    publish(&server, "/ax", "news");
    let text = back.until("data: news\n\n");
    assert!(!text.contains("event: gap"), "{text}");
    // One of its own it is told of.
    publish(&server, "/ay", "x");
    drop(back);
    forgotten("a.y");
    let text =
        subscribe(&server, "/a", &format!("Last-Event-ID: {id}\r\n")).until("data: news\n\n");
    assert!(text.contains("event: gap"), "{text}");
}

#[test]
fn who_is_kept_from_hearing_the_head_hears_the_events() {
    // The answers before it fill the client's window: between the question and the first byte of the stream the channel
    // comes to be. (With `oldest` it does not matter if the question itself is read only then.)
    let conf = r#"
            sse_zone z 1m;
            server {
                listen 127.0.0.1:{port} sndbuf=4k;
                location = /small { return 200 "some bytes that nobody reads at first, of which there are many"; }
                sse_start oldest;
                location ~ ^/events/(?<channel>[\w,]+)$ { sse_subscribe $channel; sse_publish $channel; }
                location = /two { sse_subscribe $arg_c other; }
            }
    "#;
    let server =
        support::start!(format!("worker_processes 1; events {{ }}\n{}", support::http(conf)));
    // Another one that waits, so that the channel's name is known here before the late one comes.
    let _other = subscribe(&server, "/events/unheard", "");
    for n in [40, 60, 90, 130] {
        for path in [format!("/events/new{n}"), format!("/two?c=list{n}")] {
            let (channel, address) = (path.rsplit(['/', '=']).next(), server.port());
            let channel = channel.expect("a name");
            let mut socket = slow_to_read(address);
            let small = "GET /small HTTP/1.1\r\nHost: x\r\n\r\n".repeat(n);
            let stream = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
            socket.write_all((small + &stream).as_bytes()).expect("sent");
            // Whoever asks behind it is answered behind it, by the one worker that there is.
            assert_eq!(server.get("/small").status, 200);
            publish(&server, &format!("/events/{channel}"), "first");
            publish(&server, &format!("/events/{channel}"), "second");
            let mut read = Vec::new();
            let is_there = |read: &[u8]| read.windows(13).any(|bytes| bytes == b"data: second\n");
            while !is_there(&read) {
                let mut room = [0; 4096];
                let count = socket.read(&mut room).unwrap_or_else(|e| {
                    panic!(
                        "{path} {n}: {e} {}",
                        String::from_utf8_lossy(&read[read.len().saturating_sub(700)..])
                    )
                });
                assert!(count > 0, "{path} {n}: the connection ends");
                read.extend_from_slice(&room[..count]);
            }
            let read = String::from_utf8(read).expect("text");
            assert!(read.contains("data: first\n"), "{path}: {read}");
        }
    }
}

/// A connection with a small window.
fn slow_to_read(port: u16) -> std::net::TcpStream {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small one");
    let address: std::net::SocketAddr = ([127, 0, 0, 1], port).into();
    socket.connect(&address.into()).expect("connected");
    socket.set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("patience");
    socket.into()
}

/// The streams of `count` addresses, 127.9.0.1 and on, `each` of them.
fn of_addresses(server: &Server, count: u32, each: u32, path: impl Fn(u32) -> String) -> Vec<Wire> {
    let mut all = Vec::new();
    for n in 0..count {
        for _ in 0..each {
            let mut wire =
                Wire::open_from([127, 9, (n / 200) as u8, (n % 200) as u8 + 1], server.port());
            wire.send(format!(
                "GET {} HTTP/1.1\r\nHost: x\r\nAccept: application/json, text/event-stream\r\n\r\n",
                path(n)
            ));
            wire.until("\n\n");
            all.push(wire);
        }
    }
    all
}

/// The status for one more stream of the first addresses.
fn statuses(server: &Server, count: u32) -> Vec<u16> {
    let one = |n: u32| {
        let mut wire =
            Wire::open_from([127, 9, (n / 200) as u8, (n % 200) as u8 + 1], server.port());
        wire.send("GET /events/one HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nConnection: close\r\n\r\n");
        wire.answer().status
    };
    (0..count).map(one).collect()
}

#[test]
fn patterns_of_their_own_invention_use_nothing_up() {
    // Prefixes that readers bring, of many lengths: none is refused, and none hears of another's.
    let conf = r#"
            sse_zone z 1m;
            server {
                listen 127.0.0.1:{port};
                location ~ ^/events/(?<channel>[\w.]+)$ { sse_subscribe $channel; sse_publish $channel; }
                location = /of { sse_subscribe u.$arg_u.*; sse_max_per_address 0; }
                location = /status { sse_status; }
            }
    "#;
    let server = support::start!(format!(
        "worker_processes 2; events {{ worker_connections 4096; }}\n{}",
        support::http(conf)
    ));
    for n in 0..50 {
        for data in ["first", "second", "third"] {
            publish(&server, &format!("/events/keep{n}"), data);
        }
    }
    let name = |n: usize| format!("{n}{}", "x".repeat(n % 90));
    let mut readers: Vec<_> =
        (0..400).map(|n| subscribe(&server, &format!("/of?u={}", name(n)), "")).collect();
    for n in (0..400).rev().step_by(3) {
        let answer = server.curl(
            &["-H", "Accept: application/json", "-d", "yours"],
            &format!("/events/u.{}.a", name(n)),
        );
        assert!(
            answer.status == 201 && answer.text().contains("\"subscribers\":1}"),
            "{}",
            answer.text()
        );
        let heard = readers[n].until("data: yours\n\n");
        assert!(heard.matches("data:").count() == 1, "{n}: {heard}");
    }
    assert_eq!(kept(&server), 50);
}

#[test]
fn however_many_addresses_there_are_each_has_its_limit() {
    let server = support::start!(with_zone("z 1m", "sse_max_per_address 2;"));
    // Names and patterns as of many strangers are there before.
    let _names: Vec<_> = of_addresses(&server, 300, 1, |n| format!("/some?c={}", many_names(n)));
    let _streams = of_addresses(&server, 150, 1, |n| format!("/events/c{n}"));
    assert_eq!(statuses(&server, 150), [429; 150], "these have two streams each");
    let others = of_addresses(&server, 10, 0, |_| String::new());
    assert!(others.is_empty());
    let mut more = Wire::open_from([127, 9, 1, 80], server.port());
    more.send("GET /events/one HTTP/1.1\r\nHost: x\r\n\r\n");
    more.until("\n\n");
}

#[test]
fn strangers_with_many_names_do_not_open_the_limit_of_streams() {
    let server = support::start!(with_zone("z 1m", "sse_max_streams 100;"));
    let _all = of_addresses(&server, 100, 1, |n| format!("/some?c={}", many_names(n)));
    assert_eq!(statuses(&server, 5), [503; 5]);
}

/// Fifty names that nobody else has.
fn many_names(n: u32) -> String {
    let names: Vec<String> = (0..50).map(|k| format!("n{n}.{k}")).collect();
    names.join(",")
}
