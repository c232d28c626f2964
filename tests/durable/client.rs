//! A reader that notes what it gets.

use support::{Answer, Server, Wire};

/// Publishes, and gives the id.
#[track_caller]
pub fn publish(server: &Server, path: &str, data: &str) -> String {
    let answer = server.curl(&["--data-binary", data], path);
    assert!(matches!(answer.status, 201 | 202), "{} {}", answer.status, answer.text());
    id_of(&answer)
}

#[track_caller]
fn id_of(answer: &Answer) -> String {
    let text = answer.text();
    let id = text.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
    id.unwrap_or_else(|| panic!("no id: {text}")).to_owned()
}

/// A stream, and what has come.
pub struct Reader {
    wire: Wire,
    port: u16,
    path: String,
    /// That of the last event, or that with which it came.
    id: String,
    /// Ids and data of events, in their order.
    pub events: Vec<(String, String)>,
    /// The reasons of gaps.
    pub gaps: Vec<String>,
}

#[track_caller]
fn connect(port: u16, path: &str, id: &str) -> Wire {
    let mut wire = Wire::open(port);
    let cursor = if id.is_empty() { String::new() } else { format!("Last-Event-ID: {id}\r\n") };
    // HTTP/1.0: the events come as they are.
    wire.send(format!("GET {path} HTTP/1.0\r\nHost: x\r\n{cursor}\r\n"));
    let head = wire.until("\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    wire
}

impl Reader {
    /// Comes with an id; empty: with none.
    #[track_caller]
    pub fn open(server: &Server, path: &str, id: &str) -> Reader {
        let (port, path, id) = (server.port(), path.to_owned(), id.to_owned());
        let wire = connect(port, &path, &id);
        Reader { wire, port, path, id, events: Vec::new(), gaps: Vec::new() }
    }

    /// Reads up to an event whose data begins so. A stream that ends, since its worker leaves, is asked for again, as a
    /// browser does.
    #[track_caller]
    pub fn read_to(&mut self, data: &str) {
        while !self.events.last().is_some_and(|(_, last)| last.starts_with(data)) {
            if !self.wire.comes("\n\n") {
                self.wire = connect(self.port, &self.path, &self.id);
            }
            let block = self.wire.until("\n\n");
            self.take(&block);
        }
    }

    /// Reads to the end of the stream; gives its last bytes as they came.
    #[track_caller]
    pub fn read_to_the_end(&mut self) -> String {
        let rest = String::from_utf8(self.wire.rest()).expect("UTF-8");
        rest.split_inclusive("\n\n").for_each(|block| self.take(block));
        rest
    }

    fn take(&mut self, block: &str) {
        let field = |name: &str| {
            let lines = block.lines().filter_map(|line| line.strip_prefix(name));
            lines.collect::<Vec<_>>().join("\n")
        };
        let (id, event, data) = (field("id: "), field("event: "), field("data: "));
        match (&*event, data.is_empty()) {
            ("gap", _) => {
                let reason = data.split("\"reason\":\"").nth(1).unwrap_or_default();
                self.gaps.push(reason.split('"').next().unwrap_or_default().to_owned());
            }
            (_, false) => {
                self.id.clone_from(&id);
                self.events.push((id, data));
            }
            (_, true) => {}
        }
    }

    /// The first two words of each event's data.
    pub fn words(&self) -> Vec<String> {
        let short = |data: &String| data.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
        self.events.iter().map(|(_, data)| short(data)).collect()
    }
}
