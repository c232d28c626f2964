//! A strict reader of `text/event-stream`: what a browser would ignore is an error here.
//!
//! It keeps the rule that matters to who comes back: an event counts, and its id is kept, when its
//! blank line has come. What a broken connection has cut is no event.

/// An event, or a change of the id alone (`data` is `None`: a browser raises no event).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    pub id: Option<String>,
    pub kind: String,
    pub data: Option<String>,
}

/// Reads one stream from its beginning.
#[derive(Default)]
pub struct Parser {
    line: Vec<u8>,
    event: Event,
    fields: usize,
}

impl Parser {
    /// Takes bytes as they come, cut anywhere, and gives the events that are complete.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Event)) -> Result<(), String> {
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let text = String::from_utf8(line).map_err(|e| format!("no UTF-8: {e}"))?;
            match text.strip_suffix('\r').unwrap_or(&text) {
                "" if self.fields == 0 => {}
                "" => {
                    self.fields = 0;
                    take(std::mem::take(&mut self.event));
                }
                line => self.field(line)?,
            }
        }
        Ok(())
    }

    fn field(&mut self, line: &str) -> Result<(), String> {
        if line.starts_with(':') {
            return Ok(());
        }
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no field: {line:?}"))?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        if value.contains(['\r', '\0']) {
            return Err(format!("a control character: {line:?}"));
        }
        self.fields += 1;
        match name {
            "id" if self.event.id.is_none() => self.event.id = Some(value.to_owned()),
            "event" if self.event.kind.is_empty() => self.event.kind = value.to_owned(),
            "data" => match &mut self.event.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {}
            _ => return Err(format!("not a field of its own: {line:?}")),
        }
        Ok(())
    }
}

#[cfg(test)]
fn read(bytes: &[u8]) -> Result<Vec<Event>, String> {
    let mut events = Vec::new();
    Parser::default().feed(bytes, |event| events.push(event)).map(|()| events)
}

#[test]
fn streams_are_read_however_they_are_cut() {
    let text = b": hi\n\nretry: 2000\nid: a-1\n\nid: a-2\nevent: x\ndata: 1\ndata:2\n\n: k\n\r\nid: a-3\r\ndata: 3\r\n\r\nid: a-4\ndata: 4\n";
    let events = read(text).expect("events");
    let event = |id: &str, kind: &str, data: Option<&str>| Event {
        id: Some(id.to_owned()),
        kind: kind.to_owned(),
        data: data.map(str::to_owned),
    };
    let wanted =
        [event("a-1", "", None), event("a-2", "x", Some("1\n2")), event("a-3", "", Some("3"))];
    assert_eq!(events, wanted);
    for cut in 0..text.len() {
        let (mut parser, mut found) = (Parser::default(), Vec::new());
        for part in [&text[..cut], &text[cut..]] {
            parser.feed(part, |event| found.push(event)).expect("events");
        }
        assert_eq!(found, wanted, "{cut}");
    }
}

#[test]
fn torn_streams_are_not() {
    for wrong in [
        &b"id: 1\ndata: 1\nid: 2\n\n"[..],
        b"da\n",
        b"ata: 1\n",
        b"retry: soon\n",
        b"data: a\rb\n",
        b"data: \xff\n",
    ] {
        assert!(read(wrong).is_err(), "{}", wrong.escape_ascii());
    }
}
