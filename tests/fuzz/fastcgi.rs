//! FastCGI: what applications say, and what is said to them.

use proto::fastcgi::{BadRecord, Event, Params, Reader, stdin};

/// What an application says is the same whole and in pieces, and every step gets on; any variables and any body are read as
/// they were.
pub fn fastcgi(data: &[u8]) {
    let whole = read(data, data.len());
    for piece in [1, 2, 13] {
        assert_eq!(read(data, piece), whole, "in pieces of {piece}");
    }
    write(data);
}

/// Output, words for the log, other events with the length of the output before them, and how much was used, or why not.
type Outcome = (Vec<u8>, Vec<u8>, Vec<(usize, Event)>, Result<usize, BadRecord>);

fn read(data: &[u8], piece: usize) -> Outcome {
    let (mut reader, mut at) = (Reader::new(), 0usize);
    let (mut stdout, mut stderr, mut others) = (Vec::new(), Vec::new(), Vec::new());
    while at < data.len() && !reader.is_done() {
        let part = &data[at..data.len().min(at.saturating_add(piece))];
        let step = match reader.decode(part) {
            Ok(step) => step,
            Err(error) => return (stdout, stderr, others, Err(error)),
        };
        assert!(0 < step.consumed && step.consumed <= part.len(), "{step:?}");
        match step.event {
            Some(Event::Stdout(range)) => {
                assert!(!range.is_empty() && range.end == step.consumed);
                stdout.extend_from_slice(&part[range]);
            }
            Some(Event::Stderr(range)) => {
                assert!(!range.is_empty() && range.end == step.consumed);
                stderr.extend_from_slice(&part[range]);
            }
            Some(event) => others.push((stdout.len(), event)),
            None => assert!(step.consumed == part.len() || reader.is_done()),
        }
        at += step.consumed;
    }
    let ended = others.iter().any(|(_, event)| matches!(event, Event::End(_)));
    assert!(ended || !reader.is_done());
    (stdout, stderr, others, Ok(at))
}

/// Lines are variables, and all of it is the body.
fn write(data: &[u8]) {
    let mut out = Vec::new();
    let mut params = Params::new(&mut out);
    let pairs: Vec<_> =
        data.split(|&byte| byte == b'\n').map(|line| line.split_at(line.len() / 2)).collect();
    if pairs.iter().all(|(name, value)| params.add(name, value).is_ok()) {
        params.end();
        let len = usize::from(u16::from_be_bytes([out[4], out[5]]));
        assert_eq!((out[1], (len + usize::from(out[6])) % 8), (4, 0));
        assert_eq!(variables(&out[8..8 + len]), pairs);
        assert_eq!(out[out.len() - 8..], [1, 4, 0, 1, 0, 0, 0, 0]);
    }
    out.clear();
    stdin(data, &mut out);
    let mut rest = &out[..];
    let mut body = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let len = usize::from(u16::from_be_bytes([head[4], head[5]]));
        body.extend_from_slice(&after[..len]);
        rest = &after[len + usize::from(head[6])..];
    }
    assert_eq!(body, data);
}

fn variables(mut bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let mut length = || {
            let len;
            (len, bytes) = match bytes[0] {
                short @ ..0x80 => (usize::from(short), &bytes[1..]),
                _ => {
                    let (long, rest) = bytes.split_first_chunk().expect("four bytes");
                    ((u32::from_be_bytes(*long) & 0x7FFF_FFFF) as usize, rest)
                }
            };
            len
        };
        let (name, value) = (length(), length());
        let (pair, rest) = bytes.split_at(name + value);
        found.push(pair.split_at(name));
        bytes = rest;
    }
    found
}
