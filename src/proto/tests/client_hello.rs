//! Hellos as clients send them, and as nobody should.

use proto::tls::{ClientHello, Parsed, ja4, parse};

const MOST: usize = 1 << 16;

/// Hellos of clients, as they came.
macro_rules! captured {
    ($name:literal) => {
        &include_bytes!(concat!("../../../tests/fuzz/corpus/client_hello/", $name))[..]
    };
}

fn hello(bytes: &[u8]) -> ClientHello<'_> {
    match parse(bytes, MOST) {
        Parsed::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

fn assert_incomplete(bytes: &[u8], most: usize, bounds: std::ops::RangeInclusive<usize>) {
    match parse(bytes, most) {
        Parsed::Incomplete { least } => assert!(bounds.contains(&least), "{least}, {bounds:?}"),
        other => panic!("{other:?}"),
    }
}

fn record(fragment: &[u8]) -> Vec<u8> {
    [&[22, 3, 1], &(fragment.len() as u16).to_be_bytes()[..], fragment].concat()
}

fn list16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// The message of a hello.
fn message(version: u16, suites: &[u16], extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let extensions: Vec<u8> = extensions
        .iter()
        .flat_map(|(kind, body)| [kind.to_be_bytes().to_vec(), list16(body)].concat())
        .collect();
    let suites = list16(&numbers(suites));
    let start = version.to_be_bytes();
    let body = [&start[..], &[7; 32], &[0], &suites, &[1, 0], &list16(&extensions)].concat();
    [&[1], &(body.len() as u32).to_be_bytes()[1..], &body].concat()
}

fn with(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    record(&message(0x0303, &[0x1301], extensions))
}

fn name(name: &str) -> Vec<u8> {
    list16(&[&[0], &list16(name.as_bytes())[..]].concat())
}

fn invalid(bytes: &[u8]) -> &'static str {
    match parse(bytes, MOST) {
        Parsed::Invalid(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_openssl() {
    let hello = hello(captured!("openssl"));
    assert_eq!(hello.len, 317);
    assert_eq!(hello.legacy_version(), 0x0303);
    assert_eq!(hello.version(), 0x0304);
    assert_eq!(hello.supported_versions().collect::<Vec<_>>(), [0x0304, 0x0303, 0x0302, 0x0301]);
    assert_eq!(hello.server_name(), Some("example.com"));
    assert_eq!(hello.alpn().count(), 0);
    assert_eq!(hello.session_id().len(), 32);
    assert_eq!(hello.key_shares().collect::<Vec<_>>(), [0x1d]);
    assert!(hello.suite_names().starts_with(
        "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:\
         ECDHE-ECDSA-AES256-GCM-SHA384:"
    ));
    assert!(hello.suite_names().ends_with(":TLS_EMPTY_RENEGOTIATION_INFO_SCSV"));
    assert_eq!(
        hello.group_names(),
        "X25519:prime256v1:X448:secp521r1:secp384r1:\
         ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192"
    );
    assert!(!hello.early_data && !hello.pre_shared_key);
}

#[test]
fn of_others() {
    let old = hello(captured!("openssl_tls12"));
    assert_eq!((old.version(), old.server_name()), (0x0303, Some("Example.COM")));
    assert_eq!(old.alpn().collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
    assert_eq!(hello(captured!("openssl_tls10")).version(), 0x0301);
    assert_eq!(hello(captured!("openssl_no_name")).server_name(), None);
    let browser = hello(captured!("chromium"));
    assert_eq!(browser.server_name(), Some("chrome.example"));
    assert_eq!(browser.alpn().next(), Some(&b"h2"[..]));
    // Reserved values go first, and have no name.
    let suites = browser.suite_names();
    assert!(suites[2..].starts_with(&suites[4..6]) && suites[1..].starts_with("x"), "{suites}");
    let bare = hello(captured!("no_extensions"));
    assert_eq!((bare.version(), bare.extensions().count()), (0x0300, 0));
    assert_eq!(bare.suite_names(), "AES128-SHA:TLS_EMPTY_RENEGOTIATION_INFO_SCSV");
    let early = hello(captured!("early"));
    assert!(early.early_data && early.pre_shared_key);
    assert_eq!(early.extensions().collect::<Vec<_>>(), [0, 16, 43, 51, 42, 41]);
    assert_eq!(early.suite_names(), "0x0a0a:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384");
}

#[test]
fn in_pieces() {
    for whole in [captured!("openssl"), captured!("chromium"), captured!("small_records")] {
        let first = hello(whole);
        let more = [whole, b"\x14\x03\x03\x00\x01\x01"].concat();
        assert_eq!(hello(&more), first);
        for cut in 0..whole.len() {
            assert_incomplete(&whole[..cut], MOST, cut + 1..=whole.len());
        }
    }
    // However its records are cut, it says the same.
    let one = hello(captured!("openssl"));
    for several in [captured!("two_records"), captured!("small_records")] {
        let several = hello(several);
        assert_eq!(ja4(&several), ja4(&one));
        assert_eq!(several.server_name(), one.server_name());
        assert_eq!(several.session_id(), one.session_id());
    }
}

/// Who asks again only when enough has come, asks seldom, however a client cuts it: also if the head of the next record
/// comes with each.
#[test]
fn it_is_not_asked_for_each_crumb() {
    let long = message(0x0303, &[0x1301], &[(21, vec![0; 10_000]), (0, name("a.example"))]);
    let crumbs: Vec<u8> = long.chunks(1).flat_map(record).collect();
    for ahead in 0..6 {
        let (mut looks, mut len) = (0, 0);
        while let Parsed::Incomplete { least } = parse(&crumbs[..len], MOST) {
            assert!(least > len);
            (looks, len) = (looks + 1, (least + ahead).min(crumbs.len()));
        }
        assert_eq!(hello(&crumbs[..len]).server_name(), Some("a.example"));
        assert!(looks < 100, "{looks}");
    }
}

#[test]
fn long_ones_up_to_the_bound() {
    // Padding (RFC 7685), so that it takes two records.
    let long = message(0x0303, &[0x1301], &[(21, vec![0; 20_000]), (0, name("a.example"))]);
    let records: Vec<u8> = long.chunks(1 << 14).flat_map(record).collect();
    assert_eq!(hello(&records).server_name(), Some("a.example"));
    assert!(matches!(parse(&records, records.len()), Parsed::Hello(_)));
    let bound = records.len() - 1;
    let fault = Parsed::Invalid("a hello that is too long");
    assert_eq!(parse(&records, bound), fault);
    assert_eq!(parse(&records[..bound], bound), fault);
    // It is known early: by its header, or when the bound is reached.
    assert_eq!(parse(&records[..9], 16_000), fault);
    assert_incomplete(&records[..8], 16_000, 9..=records.len());
    // What its records add counts.
    let crumbs: Vec<u8> = message(0x0303, &[0x1301], &[]).chunks(1).flat_map(record).collect();
    assert_incomplete(&crumbs[..99], 100, 100..=100);
    assert_eq!(parse(&crumbs[..100], 100), fault);
}

#[test]
fn no_tls() {
    // As nginx: what is neither a handshake's record nor SSLv2 is taken for HTTP.
    for (bytes, looks_like_http) in [
        (captured!("http"), true),
        (b"\x00", true),
        (captured!("alert"), true),
        (captured!("sslv2"), false),
        (b"\xff\xff", false),
    ] {
        assert_eq!(parse(bytes, MOST), Parsed::NotTls { looks_like_http }, "{bytes:?}");
    }
    assert_incomplete(b"", MOST, 1..=1);
}

/// As rustls decides; the sections are RFC 8446's where no other is named.
#[test]
fn what_is_wrong() {
    let host = |host: &[u8]| [&[0], &list16(host)[..]].concat();
    let names = [
        list16(&[host(b"a.example"), host(b"b.example")].concat()), // RFC 6066, 3
        list16(&[]),
        list16(&host(b"")),
        list16(&host(b"a\0b")),
        list16(&host(b"a b")),
        list16(b"\0\0\x09a"),
        [name("a.example"), vec![0]].concat(),
        vec![],
    ];
    for list in names {
        invalid(&with(&[(0, list)]));
    }
    // Of another kind nobody knows the length.
    assert_eq!(hello(&with(&[(0, list16(b"\x01abc"))])).server_name(), None);
    // RFC 7301, 3.1.
    for list in [&b"\0\0"[..], b"\0\x01\0", b"\0\x03\x03h2", b"\0\x02\x02h2", b""] {
        invalid(&with(&[(16, list.to_vec())]));
    }
    // 4.2.1, 4.2.3, 4.2.7: lists of pairs.
    for kind in [10, 13] {
        for list in [&b"\0\0"[..], b"\0\x01\x03", b"\0\x02\x04\x03\0", b"\0\x04\x04\x03"] {
            invalid(&with(&[(kind, list.to_vec())]));
        }
    }
    for list in [&b"\0"[..], b"\x01\x03", b"\x02\x03\x04\0"] {
        invalid(&with(&[(43, list.to_vec())]));
    }
    for list in [&b"\0\x04\0\x1d\0\0"[..], b"\0\x05\0\x1d\0\x02a", b"\0\x01\0"] {
        invalid(&with(&[(51, list.to_vec())]));
    }
    // 4.2: each at most once, known or not; 4.2.11: the last one.
    assert_eq!(invalid(captured!("name_twice")), "an extension that is there twice");
    invalid(&with(&[(0x1234, vec![]), (0x1234, vec![])]));
    let many: Vec<_> = (1000..1100).map(|kind| (kind, vec![])).collect();
    assert_eq!(hello(&with(&many)).extensions().count(), 100);
    for again in [1000, 1015, 1016, 1099] {
        let twice = [&many[..], &[(again, vec![])]].concat();
        assert_eq!(invalid(&with(&twice)), "an extension that is there twice");
    }
    invalid(captured!("psk_first"));
    invalid(captured!("two_names"));
    invalid(captured!("empty_alpn"));
}

#[test]
fn what_is_wrong_with_records() {
    // 5.1: versions, lengths, kinds.
    for start in [
        &b"\x16\x02"[..],
        b"\x16\x03\x01\0\0",
        b"\x16\x03\x01\x40\x01",
        b"\x16\x03\x01\0\x04\x02",
        b"\x16\x03\x01\0\x01\x01\x17",
    ] {
        invalid(start);
    }
    let whole = message(0x0303, &[0x1301], &[]);
    invalid(&record(&[&whole[..], &[0]].concat()));
    // Its lists end where it ends.
    for at in 0..whole.len() - 4 {
        let body = &whole[4..4 + at];
        let cut = [&[1], &(at as u32).to_be_bytes()[1..], body].concat();
        let ends_before_extensions = at == whole.len() - 6;
        match parse(&record(&cut), MOST) {
            Parsed::Hello(hello) if ends_before_extensions => {
                assert_eq!(hello.extensions().count(), 0)
            }
            Parsed::Invalid(_) if !ends_before_extensions => {}
            other => panic!("{at}: {other:?}"),
        }
    }
    invalid(&record(&message(0x0303, &[], &[])));
}

/// The example of JA4's description, with a reserved value in each list.
#[test]
fn ja4_of_its_description() {
    let suites = [
        0x3a3a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
        0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
    ];
    let signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
    let bodies = |kind: u16, signatures: &[u16]| match kind {
        0 => name("example.com"),
        16 => list16(b"\x02h2\x08http/1.1"),
        43 => [vec![6], numbers(&[0x7a7a, 0x0304, 0x0303])].concat(),
        13 => list16(&numbers(signatures)),
        10 => list16(&numbers(&[0x2a2a, 0x1d])),
        51 => list16(b"\x2a\x2a\0\x01\0\0\x1d\0\x01k"),
        _ => vec![],
    };
    let kinds = [
        0x1a1a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
        0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0xbaba,
    ];
    let extensions = kinds.map(|kind| (kind, bodies(kind, &signatures)));
    let bytes = record(&message(0x0303, &suites, &extensions));
    assert_eq!(ja4(&hello(&bytes)), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    // Without signature algorithms the second hash has no underscore.
    let bare: Vec<_> =
        kinds.map(|kind| (if kind == 13 { 0x0d00 } else { kind }, bodies(kind, &[]))).into();
    let text = ja4(&hello(&record(&message(0x0303, &suites, &bare))));
    assert!(text.starts_with("t13d1516h2_8daaf6152771_") && !text.ends_with("_e5627efa2ab1"));
    let none = ja4(&hello(&record(&message(0x0301, &[0x0a0a], &[]))));
    assert_eq!(none, "t10i000000_000000000000_000000000000");
}

/// The first protocol's ends, as the description's table has them.
#[test]
fn ja4_of_odd_protocols() {
    for (protocol, ends) in [
        (&b"h2"[..], "h2"),
        (b"http/1.1", "h1"),
        (b"h", "hh"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x30\xab", "3b"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
    ] {
        let list = list16(&[&[protocol.len() as u8], protocol].concat());
        let text = ja4(&hello(&with(&[(16, list)])));
        assert_eq!(&text[..10], format!("t12i0101{ends}"), "{protocol:?}");
    }
}
