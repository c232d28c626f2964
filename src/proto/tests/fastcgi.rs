//! FastCGI: requests as an application reads them, answers cut anywhere, hostile records.

use proptest::prelude::*;
use proto::cgi::BadVariables;
use proto::fastcgi::{
    BadRecord, End, Event, MOST_STDIN, Params, Reader, STDIN_END, begin, padding, stdin, stdin_head,
};

/// A record with so much padding.
fn record(kind: u8, content: &[u8], padding: u8) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    let mut record = vec![1, kind, 0, 1, high, low, padding, 0];
    record.extend_from_slice(content);
    record.resize(record.len() + usize::from(padding), 0xEE);
    record
}

const END_OK: [u8; 8] = [0; 8];

/// The records of a request: kinds and contents. They are filled up to eight bytes.
fn records(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let Some((&[version, kind, 0, 1, high, low, padding, 0], rest)) =
        bytes.split_first_chunk()
    {
        assert_eq!(version, 1);
        let len = usize::from(u16::from_be_bytes([high, low]));
        let whole = len + usize::from(padding);
        assert!(whole.is_multiple_of(8) && padding < 8, "{len} and {padding}");
        assert!(rest[len..whole].iter().all(|&byte| byte == 0));
        found.push((kind, rest[..len].to_vec()));
        bytes = &rest[whole..];
    }
    assert!(bytes.is_empty(), "{bytes:?}");
    found
}

/// Variables as an application reads them.
fn variables(mut bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    fn length(bytes: &mut &[u8]) -> usize {
        let (len, used) = match bytes[0] {
            short @ 0..0x80 => (usize::from(short), 1),
            _ => (u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize & 0x7FFF_FFFF, 4),
        };
        *bytes = &bytes[used..];
        len
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (name, value) = (length(&mut bytes), length(&mut bytes));
        found.push((bytes[..name].to_vec(), bytes[name..name + value].to_vec()));
        bytes = &bytes[name + value..];
    }
    found
}

#[test]
fn a_request() {
    let mut out = Vec::new();
    begin(true, &mut out);
    let mut params = Params::new(&mut out);
    params.add(b"REQUEST_METHOD", b"POST").expect("room");
    params.add(b"EMPTY", b"").expect("room");
    params.end();
    stdin(b"hello", &mut out);
    out.extend_from_slice(&STDIN_END);
    let head = [
        &[1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0][..],
        &[1, 4, 0, 1, 0, 27, 5, 0, 14, 4],
        b"REQUEST_METHODPOST\x05\x00EMPTY\0\0\0\0\0",
        &[1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1, 0, 5, 3, 0],
        b"hello\0\0\0",
        &[1, 5, 0, 1, 0, 0, 0, 0],
    ];
    assert_eq!(out, head.concat());
    out.clear();
    begin(false, &mut out);
    assert_eq!(out[10], 0);
}

#[test]
fn lengths_of_one_byte_and_of_four() {
    for (name, value) in [(0, 127), (127, 128), (128, 127), (200, 60_000), (1, 0)] {
        let (name, value) = (vec![b'N'; name], vec![b'v'; value]);
        let mut out = Vec::new();
        let mut params = Params::new(&mut out);
        params.add(&name, &value).expect("room");
        params.end();
        let [(4, content), (4, end)] = &records(&out)[..] else { panic!("two records") };
        assert_eq!(variables(content), [(name, value)]);
        assert!(end.is_empty());
    }
}

/// nginx: "fastcgi request record is too big".
#[test]
fn variables_fit_into_a_record() {
    let add = |name: usize, value: usize| {
        let mut out = b"before".to_vec();
        let mut params = Params::new(&mut out);
        params.add(b"A", b"b")?;
        params.add(&vec![b'N'; name], &vec![b'v'; value])?;
        params.end();
        Ok::<_, BadVariables>(records(&out[6..])[0].1.len())
    };
    // Four bytes are the first variable's, five tell the lengths.
    assert_eq!(add(100, 65535 - 100 - 4 - 5), Ok(65535));
    assert_eq!(add(100, 65535 - 100 - 4 - 4), Err(BadVariables::TooLarge));
    assert_eq!(add(65535 - 4 - 5 - 3, 3), Ok(65535));
    assert_eq!(add(1 << 20, 1 << 20), Err(BadVariables::TooLarge));
    let mut out = Vec::new();
    Params::new(&mut out).end();
    assert_eq!(records(&out), [(4, Vec::new())]);
}

#[test]
fn a_body_is_cut() {
    for len in [0, 1, 7, 8, MOST_STDIN, MOST_STDIN + 1, 3 * MOST_STDIN + 5] {
        let body: Vec<u8> = (0..len).map(|at| at as u8).collect();
        let mut out = Vec::new();
        stdin(&body, &mut out);
        let records = records(&out);
        assert!(records.iter().all(|(kind, part)| *kind == 5 && part.len() <= MOST_STDIN));
        let joined: Vec<u8> = records.into_iter().flat_map(|(_, part)| part).collect();
        assert_eq!(joined, body);
        // What is not copied is framed the same.
        let mut framed = Vec::new();
        for part in body.chunks(MOST_STDIN) {
            stdin_head(part.len(), &mut framed);
            framed.extend_from_slice(part);
            framed.extend_from_slice(padding(part.len()));
        }
        assert_eq!(framed, out);
    }
}

/// What an application says, however it is cut.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// What `stdout` was long when it ended.
    stdout_end: Option<usize>,
    end: Option<End>,
    /// Of the input.
    used: usize,
    done: bool,
}

fn read(input: &[u8], piece: usize) -> Result<Said, BadRecord> {
    let (mut reader, mut said) = (Reader::new(), Said::default());
    while said.used < input.len() && !reader.is_done() {
        let part = &input[said.used..input.len().min(said.used.saturating_add(piece))];
        let step = reader.decode(part)?;
        assert!(step.consumed > 0, "no progress");
        match step.event {
            Some(Event::Stdout(range)) => {
                assert!(!range.is_empty() && range.end == step.consumed);
                said.stdout.extend_from_slice(&part[range]);
            }
            Some(Event::Stderr(range)) => {
                assert!(!range.is_empty() && range.end == step.consumed);
                said.stderr.extend_from_slice(&part[range]);
            }
            Some(Event::StdoutEnd) => said.stdout_end = Some(said.stdout.len()),
            Some(Event::End(end)) => assert!(said.end.replace(end).is_none(), "two ends"),
            None => assert!(step.consumed == part.len() || reader.is_done()),
        }
        said.used += step.consumed;
    }
    said.done = reader.is_done();
    if said.done {
        let step = reader.decode(&input[said.used..])?;
        assert_eq!((step.consumed, step.event), (0, None));
    }
    Ok(said)
}

/// As php-fpm answers, with words for the log between.
fn answer() -> Vec<u8> {
    [
        record(7, b"PHP Notice:  x", 2),
        record(6, b"Status: 404 Not Found\r\nContent-Ty", 0),
        record(7, b"", 0),
        record(6, b"pe: text/html\r\n\r\nhello", 255),
        record(7, b"more", 4),
        record(6, b"", 8),
        record(3, &[0, 0, 1, 2, 0, 9, 9, 9], 3),
    ]
    .concat()
}

#[test]
fn an_answer() {
    let mut bytes = answer();
    let len = bytes.len();
    bytes.extend_from_slice(b"next");
    let whole = read(&bytes, usize::MAX).expect("records");
    let text = b"Status: 404 Not Found\r\nContent-Type: text/html\r\n\r\nhello";
    assert_eq!(whole.stdout, text);
    assert_eq!(whole.stderr, b"PHP Notice:  xmore");
    assert_eq!(whole.stdout_end, Some(text.len()));
    assert_eq!(whole.end, Some(End { app_status: 0x102, protocol_status: 0 }));
    assert_eq!((whole.used, whole.done), (len, true));
    for piece in [1, 2, 3, 7, 8, 9, 100] {
        assert_eq!(read(&bytes, piece).as_ref(), Ok(&whole), "in pieces of {piece}");
    }
}

#[test]
fn truncated_at_each_byte() {
    let bytes = answer();
    for len in 0..bytes.len() {
        let said = read(&bytes[..len], usize::MAX).expect("records");
        assert_eq!((said.used, said.done), (len, false));
        // The end is told before its padding is there.
        assert_eq!(said.end.is_some(), len >= bytes.len() - 3, "{len}");
    }
}

#[test]
fn an_end_without_an_end_of_stdout() {
    let bytes = [record(6, b"\r\n", 0), record(3, &END_OK, 0)].concat();
    let said = read(&bytes, usize::MAX).expect("records");
    assert_eq!((&said.stdout[..], said.stdout_end, said.done), (&b"\r\n"[..], None, true));
    assert_eq!(said.end, Some(End { app_status: 0, protocol_status: 0 }));
    // Overloaded.
    let said = read(&record(3, &[0, 0, 0, 0, 2, 0, 0, 0], 0), 1).expect("records");
    assert_eq!(said.end.map(|end| end.protocol_status), Some(2));
    // Longer than it need be.
    let said = read(&record(3, &[1; 20], 1), 3).expect("records");
    assert_eq!(said.end, Some(End { app_status: 0x0101_0101, protocol_status: 1 }));
    assert_eq!((said.used, said.done), (29, true));
}

#[test]
fn pieces_of_a_record() {
    // A line for the log is told from its pieces, whatever stands behind it.
    for padding in [0, 3] {
        let mut reader = Reader::new();
        let bytes = record(7, b"a line", padding);
        for (from, to, within) in [(0, 10, true), (10, 13, true), (13, 14, false)] {
            let step = reader.decode(&bytes[from..to]).expect("a record");
            assert!(matches!(step.event, Some(Event::Stderr(_))), "{step:?}");
            assert_eq!(reader.is_within(), within, "{from}..{to}");
        }
        assert!(!reader.is_done());
    }
}

#[test]
fn longest_records() {
    let data = vec![b'x'; 65535];
    let bytes = [record(6, &data, 255), record(6, &data, 0), record(3, &END_OK, 255)].concat();
    for piece in [1000, usize::MAX] {
        let said = read(&bytes, piece).expect("records");
        assert_eq!((said.stdout.len(), said.done), (2 * 65535, true));
    }
}

#[test]
fn what_is_refused() {
    let cases: [(&[u8], BadRecord); 14] = [
        (b"HTTP/1.1 200 OK\r\n", BadRecord::Version(b'H')),
        (b"\0", BadRecord::Version(0)),
        (&[2, 6, 0, 1, 0, 0, 0, 0], BadRecord::Version(2)),
        (&[1, 0], BadRecord::Type(0)),
        // BEGIN_REQUEST, ABORT_REQUEST, PARAMS, STDIN, GET_VALUES_RESULT, UNKNOWN_TYPE.
        (&[1, 1], BadRecord::Type(1)),
        (&[1, 2], BadRecord::Type(2)),
        (&[1, 4], BadRecord::Type(4)),
        (&[1, 5], BadRecord::Type(5)),
        (&[1, 10], BadRecord::Type(10)),
        (&[1, 11], BadRecord::Type(11)),
        (&[1, 6, 0, 0], BadRecord::RequestId(0)),
        (&[1, 6, 1, 1], BadRecord::RequestId(257)),
        (&[1, 7, 0, 2], BadRecord::RequestId(2)),
        (&[1, 3, 0, 1, 0, 7, 1, 0], BadRecord::ShortEnd(7)),
    ];
    for (bytes, why) in cases {
        for piece in [1, 3, usize::MAX] {
            assert_eq!(read(bytes, piece), Err(why), "{bytes:?}");
            let behind = [&record(6, b"x", 3)[..], bytes].concat();
            assert_eq!(read(&behind, piece), Err(why), "{bytes:?}");
        }
    }
    let twice = [record(6, b"", 0), record(6, b"", 1), record(6, b"x", 0)].concat();
    assert_eq!(read(&twice, 1), Err(BadRecord::AfterEnd));
    assert_eq!(read(&twice[..17], 1).map(|said| said.stdout_end), Ok(Some(0)));
    assert_eq!(
        BadRecord::Version(72).to_string(),
        "upstream sent unsupported FastCGI protocol version: 72"
    );
}

proptest! {
    #[test]
    fn round_trip(
        pairs in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 1..300), prop::collection::vec(any::<u8>(), 0..300)),
            0..20,
        ),
    ) {
        let mut out = Vec::new();
        let mut params = Params::new(&mut out);
        for (name, value) in &pairs {
            params.add(name, value).expect("room");
        }
        params.end();
        let records = records(&out);
        prop_assert_eq!(variables(&records[0].1), pairs.clone());
        prop_assert_eq!(records.len(), 1 + usize::from(!pairs.is_empty()));
    }

    #[test]
    fn pieces_do_not_matter(
        records in prop::collection::vec(
            (
                prop::sample::select(vec![3u8, 6, 6, 6, 7, 7]),
                prop::collection::vec(any::<u8>(), 0..20),
                0u8..10,
            ),
            0..8,
        ),
        tail in prop::collection::vec(any::<u8>(), 0..12),
        piece in 1usize..20,
    ) {
        let records = records.iter().flat_map(|(kind, content, padding)| record(*kind, content, *padding));
        let bytes: Vec<u8> = records.chain(tail).collect();
        prop_assert_eq!(read(&bytes, piece), read(&bytes, usize::MAX));
    }

    #[test]
    fn nothing_panics(input: Vec<u8>) {
        let _ = read(&input, 5);
        let _ = read(&[&[1, 6, 0, 1][..], &input].concat(), 5);
    }
}
