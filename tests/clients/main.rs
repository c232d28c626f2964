//! Client libraries that people use, each in a program of its own: they are cut off, come back by their own
//! means, and miss nothing. `tests/clients/install` fetches the libraries.

mod library;

use std::time::{Duration, Instant};

use library::{Client, HELLO, NODE, PYTHON, WHOLE};
use support::{Server, http, process, start, wait_for};

const EVENTS: usize = 300;
/// Between two events, so that the clients' ways back fall between them.
const PAUSE: Duration = Duration::from_millis(20);

fn up(settings: &str) -> Server {
    let main =
        "worker_processes 2; worker_shutdown_timeout 1s; events { worker_connections 1024; }";
    let body = format!(
        "sse_zone z 16m; {settings}
         server {{ listen 127.0.0.1:{{port}};
             location ~ ^/events/(?<channel>\\w+)$ {{
                 sse_subscribe $channel; sse_publish $channel; sse_history 1000 1h; sse_retry 100ms; }}
             location = /v1/responses/r1 {{
                 sse_subscribe r1; sse_publish r1; sse_history 1000 1h; sse_start oldest; }} }}"
    );
    start!(format!("{main}\n{}", http(&body)))
}

fn publish(server: &Server, text: &str) {
    // A worker that is killed takes its connections along; the key makes one event of two tries.
    let key = format!("Idempotency-Key: {text}");
    wait_for("an event to be taken", || {
        let answer = server.curl(&["-H", &key, "-d", text], "/events/c");
        matches!(answer.status, 200..300)
    });
}

/// Between the events: a worker dies, all leave, a worker dies, all leave.
fn disturb(server: &Server, number: usize) {
    match number * 5 / EVENTS {
        1 | 3 => {
            if let Some(worker) = server.workers().first() {
                process::kill(&[*worker]);
            }
        }
        2 | 4 => server.signal("HUP"),
        _ => {}
    }
}

/// All of them on one channel, all that happens, and what each has made of it.
#[track_caller]
fn all_come_back(settings: &str) {
    let server = up(settings);
    let url = server.url("/events/c");
    let programs = NODE.iter().map(|name| format!("{name}.mjs"));
    let programs = programs.chain(PYTHON.iter().map(|name| format!("{name}.py")));
    let mut clients: Vec<Client> =
        programs.map(|program| Client::start(server.dir(), &program, &url)).collect();
    // Each hears: one that has just come back may be counted twice, and another not at all.
    let mut number = 0;
    server.wait_for("all clients", || {
        number += 1;
        publish(&server, &format!("{HELLO} {number}"));
        clients.iter().all(|client| !client.said().is_empty())
    });

    let wanted: Vec<String> = (0..EVENTS).map(|number| format!("event {number}")).collect();
    let begin = Instant::now();
    for (number, text) in wanted.iter().enumerate() {
        // A rate, not a wait: what comes next happens while this goes on.
        let due = begin + PAUSE * number as u32;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        publish(&server, text);
        if number % (EVENTS / 5) == EVENTS / 10 {
            disturb(&server, number);
        }
    }
    let ended = server.curl(&["-X", "DELETE"], "/events/c");
    assert!(matches!(ended.status, 200..300), "{}", ended.text());
    let faults: Vec<String> =
        clients.iter_mut().filter_map(|client| client.fault(&wanted)).collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), clients.len(), faults.join("\n"));
}

#[test]
fn clients_come_back_and_miss_nothing() {
    all_come_back("");
}

#[test]
fn clients_of_compressed_streams_miss_nothing() {
    all_come_back("gzip on;");
}

/// The SDKs of language models take up a response's stream with a GET and `Accept: application/json`.
#[test]
fn a_stream_is_taken_as_a_whole() {
    let server = up("");
    let path = "/v1/responses/r1";
    let wanted: Vec<String> = (0..EVENTS).map(|number| format!("token {number}")).collect();
    let event = |(number, text): (usize, &String)| {
        format!(
            "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\
             \"sequence_number\":{number},\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,\
             \"logprobs\":[],\"delta\":\"{text}\"}}\n\n"
        )
    };
    let mut body: String = wanted.iter().enumerate().map(event).collect();
    body += "event: response.completed\ndata: {\"type\":\"response.completed\",\
             \"sequence_number\":300,\"response\":{\"id\":\"r1\"}}\n\n";
    let body = server.file("body", body);
    let args = ["-H", "Content-Type: text/event-stream", "--data-binary"];
    let published = server.curl(&[&args[..], &[&format!("@{}", body.display())]].concat(), path);
    assert!(matches!(published.status, 200..300), "{}", published.text());
    let url = server.url(path);
    let mut clients: Vec<Client> =
        WHOLE.iter().map(|program| Client::start(server.dir(), program, &url)).collect();
    let faults: Vec<String> =
        clients.iter_mut().filter_map(|client| client.fault(&wanted)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
