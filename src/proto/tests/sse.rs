//! Event streams: the standard's examples, the byte strings of the web platform tests, round trips.

use proptest::prelude::*;
use proto::sse::{
    Event, EventId, Parser, TooLarge, check_data, check_event_type, check_id, comment, cursor,
    data_of, event, retry, type_of,
};

/// Type, last id and data.
type Seen = (String, String, String);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn seen(event: Event<'_>) -> Seen {
    (text(event.event), text(event.last_id), text(event.data))
}

/// What a stream gives that comes in pieces of this size, and the parser after it.
fn read(input: &[u8], piece: usize) -> (Vec<Seen>, Parser) {
    let (mut parser, mut events) = (Parser::new(1 << 20), Vec::new());
    for part in input.chunks(piece) {
        parser.feed(part, |event| events.push(seen(event))).expect("small enough");
    }
    (events, parser)
}

/// A stream's events, whole and byte by byte.
fn events(input: &str) -> Vec<Seen> {
    let whole = read(input.as_bytes(), usize::MAX).0;
    assert_eq!(read(input.as_bytes(), 1).0, whole, "byte by byte: {input:?}");
    whole
}

fn datas(input: &str) -> Vec<String> {
    events(input).into_iter().map(|(_, _, data)| data).collect()
}

/// What a page is given: without a type it is a `message`.
fn expect(input: &str, expected: &[(&str, &str, &str)]) {
    let owned = |(event, id, data): &(&str, &str, &str)| {
        ((*event).to_owned(), (*id).to_owned(), (*data).to_owned())
    };
    assert_eq!(events(input), expected.iter().map(owned).collect::<Vec<_>>(), "{input:?}");
}

#[test]
fn the_standards_examples() {
    assert_eq!(
        datas(
            "data: This is the first message.\n\n\
             data: This is the second message, it\ndata: has two lines.\n\n\
             data: This is the third message.\n\n"
        ),
        [
            "This is the first message.",
            "This is the second message, it\nhas two lines.",
            "This is the third message."
        ]
    );
    expect(
        "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
        &[("add", "", "73857293"), ("remove", "", "2153"), ("add", "", "113411")],
    );
    assert_eq!(datas("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
    // A comment; an id; an id that is taken back; a space of its own; no blank line at the end.
    expect(
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
        &[("", "1", "first event"), ("", "", "second event")],
    );
    assert_eq!(datas("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
    assert_eq!(datas("data:test\n\ndata: test\n\n"), ["test", "test"]);
}

#[test]
fn web_platform_format() {
    let long = "x".repeat(2048);
    let comments =
        format!("data:1\r:\0\n:\r\ndata:2\n:{long}\rdata:3\n:data:fail\r:{long}\ndata:4\n\n");
    let vectors: &[(&str, &[&str])] = &[
        // event-data
        (
            "data:msg\ndata:msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\n\
             data:end\n\n",
            &["msg\nmsg", "", "end"],
        ),
        // format-bom: one is none of the stream's; another is part of a name.
        ("\u{FEFF}data:1\n\n\u{FEFF}data:2\n\ndata:3\n\n", &["1", "3"]),
        // format-bom-2
        ("\u{FEFF}\u{FEFF}data:1\n\ndata:2\n\ndata:3\n\n", &["2", "3"]),
        // format-comments
        (&comments, &["1\n2\n3\n4"]),
        // format-field-data
        ("data:\n\ndata\ndata\n\ndata:test\n\n", &["", "\n", "test"]),
        // format-field-parsing
        (
            "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\r\
             data:\r\n data:32\ndata:4\n\n",
            &["\0\n 2\n1\n3\n\n4"],
        ),
        // format-field-unknown
        (
            "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
            &["test\n\ntest"],
        ),
        // format-leading-space
        ("data:\ttest\rdata: \ndata:test\n\n", &["\ttest\n\ntest"]),
        // format-newlines
        ("data:test\r\ndata\ndata:test\r\n\r\n", &["test\n\ntest"]),
        ("data:a\r\rdata:b\n\r\ndata:c\r\n\rdata:d\n\n", &["a", "b", "c", "d"]),
        // format-null-character
        ("data:\0\n\n\n\n", &["\0"]),
        // format-utf-8
        ("data:ok…\n\n", &["ok…"]),
    ];
    for (input, expected) in vectors {
        assert_eq!(datas(input), *expected, "{input:?}");
    }
}

#[test]
fn web_platform_fields() {
    // format-data-before-final-empty-line: neither the data nor the id of a torn event counts.
    let (events, parser) = read(b"retry:1000\ndata:test1\n\nid:test\ndata:test2", usize::MAX);
    assert_eq!(events, [(String::new(), String::new(), "test1".to_owned())]);
    assert_eq!((parser.last_id(), parser.retry()), (&b""[..], Some(1000)));

    // format-field-event, -event-empty
    expect("event:test\ndata:x\n\ndata:x\n\n", &[("test", "", "x"), ("", "", "x")]);
    expect("event: \ndata:data\n\n", &[("", "", "data")]);
    expect("event:a\nevent\ndata:x\n\n", &[("", "", "x")]);
    expect("event:lost\n\ndata:x\n\n", &[("", "", "x")]);

    // format-field-id, -id-2, -id-3: it stays until another comes, and an empty one takes it back.
    expect(
        "id:…\ndata:1\n\ndata:2\n\nid: 2\n\ndata:3\n\nid\ndata:4\n\ndata:5\n\nid:6\nid:7\ndata:6\n\n",
        &[
            ("", "…", "1"),
            ("", "…", "2"),
            ("", "2", "3"),
            ("", "", "4"),
            ("", "", "5"),
            ("", "7", "6"),
        ],
    );
    // format-field-id-null
    for null in ["\0\0", "x\0", "\0x", "x\0x", " \0"] {
        let input = format!("id:1\ndata:a\n\nid:{null}\ndata:b\n\n");
        expect(&input, &[("", "1", "a"), ("", "1", "b")]);
    }

    // format-field-retry, -retry-bogus, -retry-empty
    let told = |input: &str| read(input.as_bytes(), 1).1.retry();
    assert_eq!(told("retry:03000\ndata:x\n\n"), Some(3000));
    assert_eq!(told("retry:3000\nretry:1000x\n"), Some(3000));
    assert_eq!(told("retry:3000\nretry\n"), Some(3000));
    for bogus in ["", "x", "1x", "-1", "+1", "1.5", "1 ", "  1", "٣"] {
        assert_eq!(told(&format!("retry:{bogus}\n\n")), None, "{bogus:?}");
    }
    assert_eq!(told("retry:5\nretry:99999999999999999999999\n"), Some(5));
}

#[test]
fn an_event_is_written() {
    let mut out = Vec::new();
    retry(&mut out, 2000);
    cursor(&mut out, b"a-1");
    event(&mut out, b"a-2", Some(b"tick"), b"one\r\ntwo\rid: 9\n\n");
    event(&mut out, b"", None, b"");
    event(&mut out, b"", Some(b"message"), b" x");
    comment(&mut out);
    let expected = "retry: 2000\nid: a-1\n\n\
         id: a-2\nevent: tick\ndata: one\ndata: two\ndata: id: 9\ndata: \ndata: \n\n\
         data: \n\ndata:  x\n\n:\n\n";
    assert_eq!(text(&out), expected);
    // The cursor alone raises no event, but counts.
    let seen = events(expected);
    assert_eq!(seen[0], ("tick".into(), "a-2".into(), "one\ntwo\nid: 9\n\n".into()));
    assert_eq!(
        seen[1..],
        [("".into(), "a-2".into(), "".into()), ("".into(), "a-2".into(), " x".into())]
    );
    assert_eq!(read(&out[..24], 1).1.last_id(), b"a-1");
}

#[test]
fn fields_that_cannot_be_sent() {
    let max = "m".repeat(64);
    for good in ["", "tick", "a b: c", "grün", " x ", max.as_str()] {
        assert_eq!(check_event_type(good.as_bytes()), Ok(()), "{good:?}");
    }
    let long = "m".repeat(65);
    for bad in ["a\nb", "a\rb", "\0", long.as_str()] {
        assert!(check_event_type(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(check_event_type(b"\xff").is_err() && check_data(b"a\xff").is_err());
    assert_eq!(check_data("a\0\r\n…".as_bytes()), Ok(()));
    for good in ["a", "A.b_c~d-9", max.as_str()] {
        assert_eq!(check_id(good.as_bytes()), Ok(()), "{good:?}");
    }
    for bad in ["", "a b", "a:b", "a\n", "a\0", "ü", "a,b", long.as_str()] {
        assert!(check_id(bad.as_bytes()).is_err(), "{bad:?}");
    }
}

#[test]
fn ids() {
    let parse = |text: &str| EventId::parse(text.as_bytes());
    assert_eq!(parse("a-1"), Some(EventId { epoch: 10, seq: 1 }));
    assert_eq!(parse("0-0"), Some(EventId { epoch: 0, seq: 0 }));
    let most = EventId { epoch: u32::MAX, seq: u64::MAX };
    assert_eq!(parse("1z141z3-18446744073709551615-x-y.z_~"), Some(most));
    let mut longest = Vec::new();
    most.write(&mut longest, Some("m".repeat(64).as_bytes()));
    assert_eq!(EventId::parse(&longest), Some(most));
    let long = format!("a-1-{}", "m".repeat(65));
    for bad in [
        "",
        "-",
        "a",
        "1",
        "a-",
        "-1",
        "a--1",
        "a-1-",
        "A-1",
        "a-01",
        "0a-1",
        "a-+1",
        "a- 1",
        "a-1 ",
        "a-x",
        "a_1",
        "a-1-ü",
        "a-1-b c",
        "1z141z4-1",
        "zzzzzzz-1",
        "a-18446744073709551616",
        &long,
    ] {
        assert_eq!(parse(bad), None, "{bad:?}");
    }
    assert_eq!(EventId::parse(b"a-1\xff"), None);
}

#[test]
fn memory_is_bounded() {
    const MAX: usize = 1000;
    let feed = |parser: &mut Parser, input: &[u8]| {
        let mut longest = 0;
        parser.feed(input, |event| longest = longest.max(event.data.len())).map(|()| longest)
    };
    let lines = |len, count: usize| format!("data: {}\n", "x".repeat(len)).repeat(count) + "\n";
    // The bound is that of the data, its line breaks included.
    assert_eq!(feed(&mut Parser::new(MAX), lines(MAX, 1).as_bytes()), Ok(MAX));
    assert_eq!(feed(&mut Parser::new(MAX), lines(MAX + 1, 1).as_bytes()), Err(TooLarge));
    assert_eq!(feed(&mut Parser::new(MAX), lines(90, 11).as_bytes()), Ok(MAX));
    assert_eq!(feed(&mut Parser::new(MAX), lines(91, 11).as_bytes()), Err(TooLarge));
    assert_eq!(feed(&mut Parser::new(MAX), lines(0, MAX + 2).as_bytes()), Err(TooLarge));
    assert_eq!(feed(&mut Parser::new(0), b"data\n\n"), Ok(0));
    // One event does not count for the next.
    assert_eq!(feed(&mut Parser::new(MAX), lines(MAX, 1).repeat(9).as_bytes()), Ok(MAX));
    // No line is kept beyond it, whatever it is and however it comes.
    for start in ["data:", "id:", "event:", ":", "", "x:"] {
        let mut parser = Parser::new(MAX);
        let mut fed = feed(&mut parser, start.as_bytes());
        for _ in 0..=MAX + 64 {
            fed = fed.and_then(|_| feed(&mut parser, b"x"));
        }
        assert_eq!(fed, Err(TooLarge), "{start:?}");
    }
}

/// All line breaks are LF.
fn normalised(data: &str) -> String {
    data.replace("\r\n", "\n").replace('\r', "\n")
}

/// What a parser could take for something special.
fn tricky() -> impl Strategy<Value = String> {
    "(\r|\n|\r\n|:| |data|id: 9|event: x|retry: 1|\0|\u{FEFF}|[a-c]|…){0,24}"
}

fn message() -> impl Strategy<Value = (Option<String>, String, String)> {
    let event = prop::option::of("([ :a-c…\u{FEFF}]|data: |id){0,8}|message");
    (event, "([a-zA-Z0-9._~-]{1,12})?", tricky())
}

proptest! {
    #[test]
    fn what_is_written_is_read(messages in prop::collection::vec(message(), 0..6), piece in 1usize..9) {
        let (mut out, mut expected, mut last) = (Vec::new(), Vec::new(), String::new());
        for (name, id, data) in &messages {
            let start = out.len();
            let name = name.as_deref();
            event(&mut out, id.as_bytes(), name.map(str::as_bytes), data.as_bytes());
            let block = &out[start..];
            if !id.is_empty() {
                last.clone_from(id);
            }
            let name = name.filter(|name| *name != "message").unwrap_or_default();
            let data = normalised(data);
            let mut found = Vec::new();
            data_of(block, &mut found);
            prop_assert_eq!(text(&found), data.clone());
            prop_assert_eq!(text(type_of(block).unwrap_or_default()), name);
            // One blank line, at the end; no field that was not given.
            prop_assert!(block.ends_with(b"\n\n") && !block[..block.len() - 1].ends_with(b"\n\n"));
            prop_assert!(!block.contains(&b'\r'));
            let fields = |field: &str| text(block).lines().filter(|line| line.starts_with(field)).count();
            prop_assert_eq!(fields("id: "), usize::from(!id.is_empty()));
            prop_assert_eq!(fields("event: "), usize::from(!name.is_empty()));
            prop_assert_eq!(fields("data: "), data.split('\n').count());
            expected.push((name.to_owned(), last.clone(), data));
        }
        let (found, parser) = read(&out, piece);
        prop_assert_eq!(found, expected);
        prop_assert_eq!(text(parser.last_id()), last);
        prop_assert_eq!(parser.retry(), None);
    }

    #[test]
    fn a_type_that_passes_stays_one(name: String, data in tricky()) {
        prop_assume!(check_event_type(name.as_bytes()).is_ok() && name != "message");
        let mut out = Vec::new();
        event(&mut out, b"a-1", Some(name.as_bytes()), data.as_bytes());
        prop_assert_eq!(read(&out, 3).0, [(name, "a-1".to_owned(), normalised(&data))]);
    }

    #[test]
    fn pieces_do_not_matter(
        input in "(data:|data|id:|id|event:|retry:|:| |\r|\n|\r\n|\n\n|\0|\u{FEFF}|[0-9x]){0,60}",
        piece in 1usize..9,
    ) {
        let (whole, parser) = read(input.as_bytes(), usize::MAX);
        let (pieces, other) = read(input.as_bytes(), piece);
        prop_assert_eq!(pieces, whole);
        prop_assert_eq!((parser.last_id(), parser.retry()), (other.last_id(), other.retry()));
    }

    #[test]
    fn an_id_is_read_back(epoch: u32, seq: u64, suffix in prop::option::of("[a-zA-Z0-9._~-]{1,64}")) {
        let (id, mut out) = (EventId { epoch, seq }, Vec::new());
        id.write(&mut out, suffix.as_deref().map(str::as_bytes));
        prop_assert_eq!(EventId::parse(&out), Some(id));
        // Short and plain enough to come back without a preflight.
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        prop_assert!(out.len() <= 128 && out.iter().all(plain));
    }

    #[test]
    fn nothing_panics(input: Vec<u8>, max in 0usize..40) {
        let _ = Parser::new(max).feed(&input, |event| assert!(event.data.len() <= max));
        let mut data = Vec::new();
        data_of(&input, &mut data);
        let _ = (type_of(&input), EventId::parse(&input));
    }
}
