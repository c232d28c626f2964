//! What a DNS server says to a question, or who pretends to be it.

use resolver::{Answer, Data, Kind, Name, Query, Records};

const ID: u16 = 0x1234;
const QUERIES: [(&str, Kind); 3] = [
    ("www.example.com", Kind::A),
    ("www.example.com", Kind::Aaaa),
    ("_http._tcp.example.com", Kind::Srv),
];

/// It is an answer to one of the questions at most, under one id; cut anywhere it is the same answer or none; it has no more in
/// it than there may be, of the kind that was asked for; and every name in it is one that can be asked for.
///
/// The input: which question was asked, one byte, and what has come.
pub fn dns(data: &[u8]) {
    let Some((&asked, bytes)) = data.split_first() else { return };
    let query = |at: usize| {
        let (name, kind) = QUERIES[at % QUERIES.len()];
        Query { name: Name::new(name).expect("a name"), kind }
    };
    let asked = usize::from(asked) % QUERIES.len();
    let Some(answer) = query(asked).read(ID, bytes) else { return };
    assert_eq!(query(asked).read(ID ^ 1, bytes), None);
    for other in (0..QUERIES.len()).filter(|&other| other != asked) {
        assert_eq!(query(other).read(ID, bytes), None);
    }
    for end in 0..bytes.len().min(600) {
        let cut = query(asked).read(ID, &bytes[..end]);
        assert!(cut.is_none() || cut.as_ref() == Some(&answer), "cut at {end}");
    }
    let Answer::Records(Records { name, hops, ttl, data }) = answer else { return };
    assert!(hops <= 8 && data.len() <= 64);
    assert!(data.is_empty() || ttl <= i32::MAX as u32);
    assert!(hops > 0 || name == query(asked).name);
    can_be_asked_for(&name);
    for data in data {
        match (data, QUERIES[asked].1) {
            (Data::Address(address), Kind::A) => assert!(address.is_ipv4()),
            (Data::Address(address), Kind::Aaaa) => assert!(address.is_ipv6()),
            (Data::Service { target, .. }, Kind::Srv) => {
                target.iter().for_each(can_be_asked_for);
            }
            (data, kind) => panic!("{data:?} for {kind:?}"),
        }
    }
}

/// Sent back as an answer, the question is one that says nothing.
fn can_be_asked_for(name: &Name) {
    assert_eq!(Name::new(name.as_str()).as_ref(), Some(name));
    let query = Query { name: name.clone(), kind: Kind::A };
    let mut bytes = query.write(ID).expect("it can be written");
    assert_eq!(query.read(ID, &bytes), None, "it is a question");
    bytes[2] |= 0x80;
    let nothing = Records { name: name.clone(), hops: 0, ttl: u32::MAX, data: Vec::new() };
    assert_eq!(query.read(ID, &bytes), Some(Answer::Records(nothing)));
}
