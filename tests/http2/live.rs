//! What takes a connection over goes over a stream as well.

use std::process::{Command, Stdio};

use support::proc;
use support::transport::Transport;

use crate::{Scenario, python, up, up_over};

/// So many on one connection.
const STREAMS: &str = "http2_max_concurrent_streams 400;";

/// What is live goes over both.
const TRANSPORTS: [Transport; 2] = [Transport::Plain, Transport::H2];

#[test]
fn event_streams() {
    for transport in TRANSPORTS {
        let server = up_over(transport, "", STREAMS);
        python(&server, "streams", "events", &["200"]);
        server.wait_for("the lines of the log", || {
            server.access_log().matches("\"GET /events/c").count() >= 201
        });
    }
}

/// A subscriber costs a small part of what a connection does.
#[test]
fn event_streams_are_cheap() {
    let server = up("", "http2_max_concurrent_streams 4000; access_log off;");
    let worker = server.workers()[0];
    let mut few = Scenario::start(&server, "streams", "hold", &["100", "/events/a"]);
    assert_eq!(few.word(), "held");
    let before = proc::memory_kb(worker);
    let mut many = Scenario::start(&server, "streams", "hold", &["2000", "/events/a"]);
    assert_eq!(many.word(), "held");
    let each = proc::memory_kb(worker).saturating_sub(before) * 1024 / 2000;
    [few, many].into_iter().for_each(|mut scenario| {
        scenario.go_on();
        scenario.ends();
    });
    assert!(each < 3500, "{each} bytes");
}

#[test]
fn an_event_goes_out_to_many_streams_together() {
    python(&up("", STREAMS), "streams", "together", &[]);
}

/// However many of a connection's streams wait for it.
#[test]
fn a_client_that_takes_nothing_of_its_events_costs_little() {
    let server = up("worker_processes 1;", STREAMS);
    let worker = server.workers()[0];
    let mut scenario = Scenario::start(&server, "streams", "deaf", &[]);
    assert_eq!(scenario.word(), "deaf");
    let before = proc::memory_kb(worker);
    scenario.go_on();
    assert_eq!(scenario.word(), "told");
    let grown = proc::memory_kb(worker).saturating_sub(before);
    scenario.go_on();
    scenario.ends();
    assert!(grown < 20_000, "{grown} KB");
}

/// RFC 8441
#[test]
fn a_websocket() {
    for transport in TRANSPORTS {
        let server = up_over(transport, "", STREAMS);
        python(&server, "streams", "websocket", &[]);
        let log = server.access_log();
        assert!(log.contains("\"CONNECT /events/ws HTTP/2.0\" 200 "), "{log}");
    }
}

/// The same through a proxy, whose peers speak HTTP/1: they are asked as RFC 6455 has it.
#[test]
fn a_websocket_through_a_proxy() {
    let proxied = format!(
        "{STREAMS} location /proxied/ {{ proxy_pass http://127.0.0.1:{{port}}/events/ws; \
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection; }}"
    );
    let server = up("", &proxied);
    python(&server, "streams", "websocket", &["/proxied/"]);
    let log = server.access_log();
    assert!(log.contains("\"CONNECT /proxied/ HTTP/2.0\" 200 "), "{log}");
    assert!(log.contains("\"GET /events/ws HTTP/1.1\" 101 "), "{log}");
}

#[test]
fn live_video() {
    TRANSPORTS.into_iter().for_each(live_video_over);
}

fn live_video_over(transport: Transport) {
    let server = up_over(
        transport,
        "rtmp { server { listen 127.0.0.1:{port2}; application live { live on; } } }",
        "location /flv { flv_live on; }",
    );
    let target = format!("rtmp://127.0.0.1:{}/live/s", server.port2());
    let source = ["-re", "-f", "lavfi", "-i", "testsrc=size=640x480:rate=25"];
    let mut encoder = Command::new("ffmpeg")
        .args(source)
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-f", "flv", &target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ffmpeg");
    server.wait_for("the stream", || {
        let answer = crate::curl(&server, &["--max-time", "1"], "/flv?app=live&stream=s");
        answer.status == 200
    });
    python(&server, "streams", "flv", &[]);
    let _ = encoder.kill();
    let _ = encoder.wait();
}

#[test]
fn trailers() {
    python(&up("", ""), "streams", "trailers", &[]);
}
