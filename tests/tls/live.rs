//! What is live, encrypted: event streams, and RTMP by others' programs.

use std::process::{Command, Stdio};
use std::sync::Arc;

use support::certificates::Authority;
use support::{Wire, process, wait_for};

use crate::client::{config, prepared, start};

#[test]
fn events_reach_encrypted_subscribers_from_any_worker() {
    let (server, _) = start(
        "worker_processes 2; events { worker_connections 256; }
        http { {tls} access_log off; sse_zone events 8m;
        server { listen 127.0.0.1:{port} ssl;
            location ~ ^/e/(?<channel>.+)$ { sse_subscribe $channel; sse_publish $channel; } } }",
    );
    let client = Arc::new(config(None));
    let mut readers: Vec<Wire> = (0..40)
        .map(|_| {
            let mut wire = Wire::open(server.port()).with_tls(client.clone(), "a.example");
            wire.send("GET /e/x HTTP/1.1\r\nHost: a.example\r\n\r\n");
            wire.until("\n\n");
            wire
        })
        .collect();
    for count in 0..50 {
        let mut wire = Wire::open(server.port()).with_tls(client.clone(), "a.example");
        let body = format!("event {count}");
        wire.send(format!(
            "POST /e/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ));
        assert_eq!(wire.answer().status, 201);
    }
    for reader in &mut readers {
        for count in 0..50 {
            reader.until(&format!("data: event {count}\n"));
        }
    }
}

/// A server is told to end as soon as one of its workers has answered: another one may still be starting.
#[test]
fn what_was_taken_while_the_server_starts_is_kept() {
    let authority = Authority::new("tests");
    let conf = "worker_processes 3; events { worker_connections 256; }
        http { {tls} access_log off; sse_zone events 2m path=events.log; sse_start oldest;
        server { listen 127.0.0.1:{port} ssl;
            location ~ ^/e/(?<channel>.+)$ { sse_subscribe $channel; sse_publish $channel; } } }";
    let mut server = prepared(conf, &authority).start();
    let (port, directory) = (server.port(), server.dir().path(""));
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rserve"));
        command.arg("-p").arg(&directory).args(["-c", "rserve.conf"]);
        command.stderr(Stdio::null()).spawn().expect("it starts")
    };
    let publish =
        |text: &str| support::curl(&["-d", text, &format!("https://127.0.0.1:{port}/e/x")]).status;
    let (mut sent, mut running) = (Vec::new(), None::<std::process::Child>);
    for round in 0..8 {
        let text = format!("round {round}");
        wait_for("the server", || {
            support::is_listening(port) && matches!(publish(&text), 201 | 202)
        });
        sent.push(text);
        match running.take() {
            Some(mut child) => {
                process::signal(child.id(), "TERM");
                assert!(child.wait().expect("it ends").success());
            }
            None => assert_eq!(server.stop(), Some(0)),
        }
        running = Some(program());
    }
    wait_for("the server", || support::is_listening(port));
    let mut wire = Wire::open(port).with_tls(Arc::new(config(None)), "a.example");
    wire.send("GET /e/x HTTP/1.1\r\nHost: a.example\r\n\r\n");
    sent.iter().for_each(|text| drop(wire.until(&format!("data: {text}\n"))));
    let mut child = running.expect("one runs");
    process::signal(child.id(), "TERM");
    child.wait().expect("it ends");
}

/// ffmpeg publishes by rtmps, and others watch by rtmps and by https.
#[test]
fn video_goes_over_tls() {
    let (server, _) = start(
        "worker_processes 2; rtmp { {tls} server { listen 127.0.0.1:{port2} ssl; application live { live on; } } }
        http { {tls} access_log off; server { listen 127.0.0.1:{port} ssl;
            location ~ ^/live/(?<stream>.*)\\.flv$ { flv_live live/$stream; } } }",
    );
    let rtmps = format!("rtmps://127.0.0.1:{}/live/x", server.port2());
    let mut publisher = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=160x120:rate=25",
            "-f",
            "lavfi",
        ])
        .args(["-i", "sine", "-t", "60", "-c:v", "libx264", "-preset", "ultrafast", "-g", "12"])
        .args(["-c:a", "aac", "-f", "flv", &rtmps])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ffmpeg");
    let streams = |url: &str| {
        let mut command = Command::new("timeout");
        command.args(["10", "ffprobe", "-v", "error", "-tls_verify", "0"]);
        command.args(["-show_entries", "stream=codec_name", "-of", "csv=p=0", url]);
        String::from_utf8_lossy(&process::run(&mut command).stdout).into_owned()
    };
    wait_for("the stream by rtmps", || streams(&rtmps).contains("h264\naac"));
    let https = format!("https://127.0.0.1:{}/live/x.flv", server.port());
    wait_for("the stream by https", || streams(&https).contains("h264\naac"));
    process::kill(&[publisher.id()]);
    let _ = publisher.wait();
}
