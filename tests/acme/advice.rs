//! ARI (RFC 9773): an issuer that wants a certificate to be renewed now. pebble has none of that; its directory is shown by a
//! small server, which adds it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};

use support::wait_for;

use crate::pebble::Pebble;

/// Answers with the directory, and with a window of time; gives its URL, and what it was asked for.
fn advisor(pebble: &Pebble, window: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut curl = Command::new("curl");
    curl.arg("-sk").arg(pebble.directory());
    let directory = String::from_utf8(curl.output().expect("curl").stdout).expect("text");
    let rest = directory.trim_start().strip_prefix('{').expect("an object");
    let directory = format!("{{\"renewalInfo\": \"{url}/ari\",{rest}");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = Vec::new();
            let mut part = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(count) if count > 0 => request.extend_from_slice(&part[..count]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            let is_advice = path.starts_with("/ari/");
            let body = if is_advice { window } else { &directory };
            if is_advice {
                heard.lock().expect("no panic").push(path);
            }
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nRetry-After: 3600\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (url, asked)
}

/// RFC 9773, 4.2: a window that is over means now.
#[test]
fn a_window_that_is_over_renews_at_once() {
    let window = "{\"suggestedWindow\": {\"start\": \"2020-01-01T00:00:00Z\", \"end\": \"2020-01-02T00:00:00Z\"},
        \"explanationURL\": \"https://a.example/why\"}";
    let pebble = Pebble::start(90 * 86_400);
    let (url, asked) = advisor(&pebble, window);
    let server = pebble.server(&pebble.issuer_at(&format!("{url}/dir"), "")).start();
    let first = pebble.comes(&server, "");
    pebble.comes(&server, &first);
    let asked = asked.lock().expect("no panic").clone();
    // 4.1: key identifier and serial number, in base 64 as in URLs.
    let (key, serial) = asked[0].trim_start_matches("/ari/").split_once('.').expect("two parts");
    assert!(!key.is_empty() && !serial.is_empty() && !asked[0].contains(['=', '+']));
    assert!(server.error_log().contains("as its issuer advises https://a.example/why"));
}

/// One in the future is waited for, and asked for once until Retry-After is over.
#[test]
fn a_window_to_come_is_waited_for() {
    let window = "{\"suggestedWindow\": {\"start\": \"2090-01-01T00:00:00Z\", \"end\": \"2090-01-02T00:00:00Z\"}}";
    let pebble = Pebble::start(90 * 86_400);
    let (url, asked) = advisor(&pebble, window);
    let server = pebble.server(&pebble.issuer_at(&format!("{url}/dir"), "")).start();
    let first = pebble.comes(&server, "");
    wait_for("a question", || !asked.lock().expect("no panic").is_empty());
    wait_for("the answer", || server.error_log().contains("as its issuer advises"));
    assert_eq!(pebble.shown(), first);
    assert_eq!(asked.lock().expect("no panic").len(), 1);
}
