//! A TLS client's first message.

use proto::tls::{Parsed, ja4, parse};

/// Whatever comes, it is decided within the bound; what was decided stays so however much follows; a hello is one at its
/// last byte and not before; and in records of another size it says the same.
pub fn client_hello(data: &[u8]) {
    const MOST: usize = 4096;
    let whole = parse(data, MOST);
    let mut decided = false;
    for cut in 0..=data.len().min(MOST) {
        let parsed = parse(&data[..cut], MOST);
        match decided {
            true => assert_eq!(parsed, whole),
            false if parsed == Parsed::Incomplete => {}
            false => {
                decided = true;
                assert_eq!(parsed, whole);
            }
        }
    }
    assert!(decided || data.len() < MOST);
    let Parsed::Hello(hello) = whole else { return };
    assert!(hello.len <= data.len() && hello.len <= MOST);
    assert_eq!(parse(&data[..hello.len - 1], MOST), Parsed::Incomplete);
    let print = ja4(&hello);
    assert_eq!(print.len(), 36);
    assert_eq!(hello.suites().count() > 0, !hello.suite_names().is_empty());
    assert_eq!(hello.groups().count() > 0, !hello.group_names().is_empty());
    assert!(hello.server_name().is_none() || hello.has_server_name());
    assert!(hello.alpn().all(|name| !name.is_empty()));
    for size in [1, 7, 1 << 14] {
        let again = in_records(&data[..hello.len], size);
        let Parsed::Hello(other) = parse(&again, again.len()) else { panic!("records of {size}") };
        assert_eq!(other.len, again.len());
        assert_eq!(ja4(&other), print);
        assert_eq!(other.server_name(), hello.server_name());
        assert!(other.alpn().eq(hello.alpn()) && other.key_shares().eq(hello.key_shares()));
        assert_eq!(other.session_id(), hello.session_id());
    }
}

/// The same message in records of so many bytes.
fn in_records(mut records: &[u8], size: usize) -> Vec<u8> {
    let mut message = Vec::new();
    while let Some((&[_, _, _, high, low], rest)) = records.split_first_chunk() {
        let (fragment, rest) = rest.split_at(usize::from(u16::from_be_bytes([high, low])));
        message.extend_from_slice(fragment);
        records = rest;
    }
    let record = |fragment: &[u8]| {
        [&[22, 3, 3], &(fragment.len() as u16).to_be_bytes()[..], fragment].concat()
    };
    message.chunks(size).flat_map(record).collect()
}
