//! A client that is strict: it reads a stream as the HTML standard says.

use support::{Answer, Server, Wire, curl};

/// An event as a browser would raise it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The id that counts.
    pub id: String,
    /// Its type.
    pub event: String,
    /// Its data.
    pub data: String,
}

/// The events of a stream that has ended, and the id that counts at its end.
pub fn events(stream: &str) -> (Vec<Event>, String) {
    let (mut all, mut event, mut has_data) = (Vec::new(), Event::default(), false);
    let mut id = String::new();
    for line in stream.replace("\r\n", "\n").replace('\r', "\n").split('\n') {
        if line.is_empty() {
            if has_data {
                event.id.clone_from(&id);
                event.data.pop();
                if event.event.is_empty() {
                    event.event = "message".into();
                }
                all.push(std::mem::take(&mut event));
            }
            event = Event::default();
            has_data = false;
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                event.data.push_str(value);
                event.data.push('\n');
                has_data = true;
            }
            "event" => event.event = value.into(),
            "id" => id = value.into(),
            "retry" | "" => {}
            other => panic!("a field that nobody should send: {other:?} in {stream:?}"),
        }
    }
    (all, id)
}

/// Publishes, and gives the id.
#[track_caller]
pub fn publish(server: &Server, path: &str, data: &str) -> String {
    let answer = server.curl(&["--data-binary", data], path);
    assert!(matches!(answer.status, 201 | 202), "{} {}", answer.status, answer.text());
    id_of(&answer)
}

/// The id in an answer.
#[track_caller]
pub fn id_of(answer: &Answer) -> String {
    let text = answer.text();
    let id = text.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
    id.unwrap_or_else(|| panic!("no id: {text}")).to_owned()
}

/// A number in an answer's JSON.
#[track_caller]
pub fn number(answer: &Answer, name: &str) -> u64 {
    let text = answer.text();
    let rest = text.split(&format!("\"{name}\":")).nth(1);
    let digits = rest.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or(""));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no {name}: {text}"))
}

/// Opens a stream, with further lines of its head, and reads up to the first id.
#[track_caller]
pub fn subscribe(server: &Server, path: &str, fields: &str) -> Wire {
    let mut wire = server.wire();
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
    let head = wire.until("\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    wire.until("id: ");
    wire
}

/// All events from `cursor` on (empty: from the start) of a channel that has ended.
#[track_caller]
pub fn replay(server: &Server, path: &str, cursor: &str) -> Vec<Event> {
    let field = format!("Last-Event-ID: {cursor}");
    let url = server.url(path);
    let args = ["-N", "-H", &field, &url];
    let answer = curl(if cursor.is_empty() { &args[3..] } else { &args });
    assert!(answer.complete && answer.status == 200, "{} {}", answer.status, answer.text());
    events(&answer.text()).0
}

/// Ends a channel.
#[track_caller]
pub fn end(server: &Server, path: &str) -> String {
    let answer = server.curl(&["-X", "DELETE"], path);
    assert_eq!(answer.status, 200, "{}", answer.text());
    id_of(&answer)
}

/// The data of the events, without the one that tells of the end.
pub fn data(events: &[Event]) -> Vec<&str> {
    events.iter().filter(|e| e.event != "end").map(|e| e.data.as_str()).collect()
}
