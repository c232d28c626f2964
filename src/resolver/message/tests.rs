//! Vectors, what does not fit, and what is hostile.

use hickory_proto::rr::rdata::{A, AAAA, CNAME, SRV, TXT};

use super::*;

const ID: u16 = 0x1234;

/// `www.example.com` leads to `a.b`, which has two addresses. The numbers of bytes stand at the left.
const ANSWER: &[u8] = b"\x12\x34\x81\x80\0\x01\0\x03\0\0\0\0\
    \x03www\x07example\x03com\0\0\x01\0\x01\
    \xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x05\x01a\x01b\0\
    \xc0\x2d\0\x01\0\x01\0\0\x01\x2c\0\x04\x0a\0\0\x01\
    \xc0\x2d\0\x01\0\x01\0\0\x02\x58\0\x04\x0a\0\0\x02";

fn query(name: &str, kind: Kind) -> Query {
    Query { name: Name::new(name).expect("a name"), kind }
}

fn www() -> Query {
    query("www.example.com", Kind::A)
}

fn v4(last: u8) -> Data {
    Data::Address([10, 0, 0, last].into())
}

fn wire(name: &str) -> rr::Name {
    rr::Name::from_ascii(name).expect("a name")
}

fn alias(from: &str, to: &str) -> Record {
    Record::from_rdata(wire(from), 60, RData::CNAME(CNAME(wire(to))))
}

fn address(name: &str, last: u8) -> Record {
    Record::from_rdata(wire(name), 60, RData::A(A::new(10, 0, 0, last)))
}

/// An answer with these records, as it comes.
fn with(query: &Query, records: Vec<Record>) -> Vec<u8> {
    let mut message = Message::response(ID, OpCode::Query);
    let name = query.name_on_the_wire().expect("a name");
    message.add_query(op::Query::query(name, query.record_type()));
    message.add_answers(records);
    message.to_vec().expect("a message")
}

fn records(query: &Query, records: Vec<Record>) -> Records {
    match query.read(ID, &with(query, records)) {
        Some(Answer::Records(records)) => records,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_has_these_bytes() {
    let head = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0";
    for (kind, number) in [(Kind::A, 1), (Kind::Aaaa, 28), (Kind::Srv, 33)] {
        let bytes = query("WWW.example.com.", kind).write(ID).expect("a question");
        assert_eq!(bytes, [&head[..], &[number, 0, 1]].concat());
    }
    let longest =
        [&"a".repeat(63)[..], &"b".repeat(63), &"c".repeat(63), &"d".repeat(61)].join(".");
    assert_eq!(query(&longest, Kind::A).write(ID).expect("a question").len(), 12 + 255 + 4);
}

#[test]
fn an_answer_is_read_whole_or_not_at_all() {
    let name = Name::new("a.b").expect("a name");
    let known = Answer::Records(Records { name, hops: 1, ttl: 60, data: vec![v4(1), v4(2)] });
    assert_eq!(www().read(ID, ANSWER), Some(known.clone()));
    for end in 0..ANSWER.len() {
        assert_eq!(www().read(ID, &ANSWER[..end]), None, "{end} bytes");
    }
    // What is behind the answers is not looked at.
    assert_eq!(www().read(ID, &[ANSWER, b"\xff\xff"].concat()), Some(known));
}

#[test]
fn what_answers_something_else_does_not_fit() {
    assert!(www().read(ID, ANSWER).is_some());
    assert_eq!(www().read(ID + 1, ANSWER), None);
    assert_eq!(query("www.example.org", Kind::A).read(ID, ANSWER), None);
    assert_eq!(query("www.example.com", Kind::Aaaa).read(ID, ANSWER), None);
    let changed = |at: usize, byte: u8| {
        let mut answer = ANSWER.to_vec();
        answer[at] = byte;
        www().read(ID, &answer)
    };
    assert_eq!(changed(2, 0x01), None, "a question");
    assert_eq!(changed(2, 0x89), None, "another operation");
    assert_eq!(changed(5, 0), None, "it repeats no question");
    assert_eq!(changed(5, 2), None, "two questions");
    assert_eq!(changed(32, 3), None, "of another class");
    // Some servers write names in another way.
    assert!(matches!(changed(13, b'W'), Some(Answer::Records(_))));
}

#[test]
fn what_a_server_says_instead() {
    let said = |flags: u8, code: u8| {
        let mut answer = ANSWER.to_vec();
        (answer[2], answer[3]) = (flags, 0x80 | code);
        www().read(ID, &answer)
    };
    assert_eq!(said(0x83, 0), Some(Answer::Truncated));
    for code in 1..16 {
        assert_eq!(said(0x81, code), Some(Answer::Failed(Failure::of_code(code.into()))));
    }
}

#[test]
fn names_are_followed_in_any_order_and_others_are_nobodys() {
    let all = vec![
        address("d.example", 7),
        address("c.example", 1),
        alias("b.example", "C.example"),
        alias("www.example.com", "B.Example"),
        address("www.example.org", 9),
    ];
    let found = records(&www(), all);
    assert_eq!((found.name.as_str(), found.hops, found.data), ("c.example", 2, vec![v4(1)]));
    // It does not say what is there.
    let found =
        records(&www(), vec![alias("www.example.com", "b.example"), address("d.example", 1)]);
    assert_eq!((found.name.as_str(), found.hops, found.data), ("b.example", 1, vec![]));
    let found = records(&www(), vec![]);
    assert_eq!((found.name, found.hops, found.data), (www().name, 0, vec![]));
    // Of another class, or another kind, is nothing.
    let mut chaos = address("www.example.com", 1);
    chaos.dns_class = DNSClass::CH;
    let text = RData::TXT(TXT::new(vec!["10.0.0.1".to_owned()]));
    let text = Record::from_rdata(wire("www.example.com."), 60, text);
    let v6 = RData::AAAA(AAAA::new(1, 2, 3, 4, 5, 6, 7, 8));
    let v6 = Record::from_rdata(wire("www.example.com."), 60, v6);
    assert_eq!(records(&www(), vec![chaos, text, v6.clone()]).data, vec![]);
    let found = records(&query("www.example.com", Kind::Aaaa), vec![v6]);
    assert_eq!(found.data, [Data::Address("1:2:3:4:5:6:7:8".parse().expect("an address"))]);
}

#[test]
fn names_that_lead_nowhere_are_given_up() {
    let to_itself = vec![alias("www.example.com", "www.example.com")];
    let round = vec![alias("www.example.com", "b.example"), alias("b.example", "www.example.com")];
    let chain = |hops: usize| -> Vec<Record> {
        let name =
            |n: usize| if n == 0 { "www.example.com".into() } else { format!("n{n}.example") };
        (0..hops).map(|n| alias(&name(n), &name(n + 1))).collect()
    };
    for answer in [to_itself, round, chain(MOST_HOPS + 1)] {
        let read = www().read(ID, &with(&www(), answer));
        assert_eq!(read, Some(Answer::Failed(Failure::Server)));
    }
    assert_eq!(records(&www(), chain(MOST_HOPS)).hops, MOST_HOPS);
    let dotted = rr::Name::from_labels([&b"a.b"[..], b"example"]).expect("labels");
    let dotted = Record::from_rdata(wire("www.example.com"), 60, RData::CNAME(CNAME(dotted)));
    let read = www().read(ID, &with(&www(), vec![dotted]));
    assert_eq!(read, Some(Answer::Failed(Failure::Server)), "it cannot be asked for");
}

#[test]
fn all_holds_as_long_as_the_part_that_holds_for_the_shortest_time() {
    let holds = |alias_ttl: u32, address_ttl: u32| {
        let mut all = vec![alias("www.example.com", "a.b"), address("a.b", 1), address("a.b", 2)];
        (all[0].ttl, all[2].ttl) = (alias_ttl, address_ttl);
        all[1].ttl = 1000;
        records(&www(), all).ttl
    };
    assert_eq!((holds(60, 300), holds(300, 60), holds(0, 5), holds(9999, 9999)), (60, 60, 0, 1000));
    // RFC 2181 §8
    assert_eq!(holds(60, 1 << 31), 0);
}

#[test]
fn services_have_ports_and_servers() {
    let service = |port, target: &str| {
        let data = RData::SRV(SRV::new(1, 2, port, wire(target)));
        Record::from_rdata(wire("_http._tcp.example.com"), 60, data)
    };
    let asked = query("_http._tcp.example.com", Kind::Srv);
    let found = records(&asked, vec![service(80, "One.example."), service(0, ".")]);
    let known = |port, target: Option<&str>| {
        let target = target.map(|name| Name::new(name).expect("a name"));
        Data::Service { priority: 1, weight: 2, port, target }
    };
    assert_eq!(found.data, [known(80, Some("one.example")), known(0, None)]);
}

#[test]
fn no_more_is_taken_than_there_may_be() {
    let many = |count: usize| (0..count).map(|n| address("www.example.com", n as u8)).collect();
    assert_eq!(records(&www(), many(MOST + 1)).data.len(), MOST);
    // What is far behind is not even read.
    let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01";
    let mut answer = [&ANSWER[..33], &record.repeat(MOST_RECORDS)].concat();
    answer[6..8].copy_from_slice(&1000_u16.to_be_bytes());
    assert!(matches!(www().read(ID, &answer), Some(Answer::Records(_))));
    answer.pop();
    assert_eq!(www().read(ID, &answer), None);
}

/// Lengths and pointers that lie; each byte of an answer in each value.
#[test]
fn hostile_answers_are_read_or_refused() {
    for at in 0..ANSWER.len() {
        for byte in 0..=255 {
            let mut answer = ANSWER.to_vec();
            answer[at] = byte;
            if let Some(Answer::Records(found)) = www().read(ID, &answer) {
                assert!(found.data.len() <= 2 && found.hops <= MOST_HOPS);
            }
        }
    }
    // A name that points to itself, and a long way from pointer to pointer.
    let head = &ANSWER[..33];
    let to_itself = [head, b"\xc0\x21\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01"].concat();
    assert_eq!(www().read(ID, &to_itself), None);
    // A record of another kind is a chain of pointers, and the names of all that follow lead through all of it.
    let mut long = [head, b"\0\0\x0a\0\x01\0\0\0\0\x3f\xff\0\0"].concat();
    let chain = long.len() - 2;
    (long[6], long[7]) = (0xff, 0xff);
    while long.len() < 0x3ffe + 2 {
        let before = long.len() as u16 - 2;
        long.extend((0xc000 | before).to_be_bytes());
    }
    long.resize(chain + 0x3fff, 0);
    (0..3000).for_each(|_| long.extend(b"\xff\xfe\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01"));
    assert!(long.len() < 1 << 16);
    match www().read(ID, &long) {
        Some(Answer::Records(found)) => assert_eq!(found.data, []),
        other => panic!("{other:?}"),
    }
}
