//! Event streams.

use proto::sse::{self, Event, EventId, Parser, TooLarge};

/// The size that is allowed: small, so that inputs get there.
const MAX: usize = 512;

/// A stream that comes in pieces gives the events that it gives as a whole, none larger than allowed.
/// Written again, they are read as they were; and no data makes a field of its own.
pub fn sse(data: &[u8]) {
    let whole = read(data, data.len().max(1));
    for piece in [1, 2, 13] {
        assert_eq!(read(data, piece), whole, "in pieces of {piece}");
    }
    again(&whole.events);
    hostile(data);
    if let Some(id) = EventId::parse(data) {
        let mut plain = Vec::new();
        id.write(&mut plain, None);
        assert!(data.starts_with(&plain), "{id:?}");
        assert_eq!(EventId::parse(&plain), Some(id));
    }
}

/// Type, id, last id, data.
type Owned = (Vec<u8>, Option<Vec<u8>>, Vec<u8>, Vec<u8>);

#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Owned>,
    last_id: Vec<u8>,
    retry: Option<u64>,
    result: Result<(), TooLarge>,
}

fn owned(event: Event<'_>) -> Owned {
    let Event { event, id, last_id, data } = event;
    (event.to_vec(), id.map(<[u8]>::to_vec), last_id.to_vec(), data.to_vec())
}

fn read(data: &[u8], piece: usize) -> Outcome {
    let (mut parser, mut events) = (Parser::new(MAX), Vec::new());
    let mut feed = |part| parser.feed(part, |event| events.push(owned(event)));
    let result = data.chunks(piece).try_for_each(&mut feed);
    for (event, id, last_id, data) in &events {
        assert!(data.len() <= MAX, "{} bytes of data", data.len());
        assert!(event.len() <= MAX + 64 && last_id.len() <= MAX + 64);
        assert!(id.as_ref().is_none_or(|id| id == last_id && !id.contains(&0)));
        assert!(![&event[..], last_id].concat().iter().any(|byte| b"\r\n".contains(byte)));
    }
    Outcome { events, last_id: parser.last_id().to_vec(), retry: parser.retry(), result }
}

/// Events that were read, written and read again.
fn again(events: &[Owned]) {
    let (mut out, mut expected) = (b":\n\n".to_vec(), Vec::new());
    let mut last = Vec::new();
    for (event, id, _, data) in events {
        let id = id.as_deref().unwrap_or_default();
        sse::event(&mut out, id, Some(event), data);
        if !id.is_empty() {
            last = id.to_vec();
        }
        let event = if event == b"message" { Vec::new() } else { event.clone() };
        expected.push((event, (!id.is_empty()).then(|| id.to_vec()), last.clone(), data.clone()));
    }
    let mut found = Vec::new();
    let fed = Parser::new(MAX).feed(&out, |event| found.push(owned(event)));
    assert_eq!((fed, found), (Ok(()), expected));
}

/// Any bytes as the data of an event.
fn hostile(data: &[u8]) {
    let (mut block, mut plain, mut found) = (Vec::new(), Vec::new(), Vec::new());
    sse::event(&mut block, b"a-1", Some(b"t"), data);
    sse::data_of(&block, &mut plain);
    let fed = Parser::new(data.len()).feed(&block, |event| found.push(owned(event)));
    let id = b"a-1".to_vec();
    assert_eq!((fed, found), (Ok(()), vec![(b"t".to_vec(), Some(id.clone()), id, plain)]));
    assert_eq!(sse::type_of(&block), Some(&b"t"[..]));
}
