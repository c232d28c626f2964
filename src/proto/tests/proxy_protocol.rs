//! Headers as haproxy, AWS and nginx send them.

use proto::proxy_protocol::{Addresses, Header, Parsed, parse};

fn told(source: &str, destination: &str) -> Header {
    let addresses = Some(Addresses {
        source: source.parse().expect("an address"),
        destination: destination.parse().expect("an address"),
    });
    Header { addresses, tlvs: Vec::new() }
}

#[test]
fn version_1() {
    let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n\x03";
    for len in 0..line.len() - 1 {
        assert_eq!(parse(&line[..len]), Parsed::Incomplete, "{len}");
    }
    let header = Parsed::Header(line.len() - 1, told("192.0.2.1:56324", "198.51.100.1:1935"));
    assert_eq!(parse(line), header);
    assert_eq!(
        parse(b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n"),
        Parsed::Header(32, told("[2001:db8::1]:1", "[::1]:2"))
    );
    assert_eq!(parse(b"PROXY UNKNOWN\r\n"), Parsed::Header(15, Header::default()));
    assert_eq!(parse(b"PROXY UNKNOWN x y\r\n"), Parsed::Header(19, Header::default()));
    for bad in [
        &b"PROXY TCP4 ::1 ::1 1 2\r\n"[..],
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        b"PROXY TCP4 1.2.3.4\r\n",
        b"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        b"\x03",
        b"PROXX",
        b"GET / HTTP/1.1\r\n",
    ] {
        assert_eq!(parse(bad), Parsed::Invalid, "{bad:?}");
    }
    assert_eq!(parse(&[b"PROXY ", &[b'x'; 110][..]].concat()), Parsed::Invalid);
}

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend_from_slice(&[0x20 | command, family]);
    header.extend_from_slice(&(body.len() as u16).to_be_bytes());
    header.extend_from_slice(body);
    header
}

const V4: [u8; 12] = [10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 7, 0x8F];

#[test]
fn version_2() {
    let header = v2(1, 0x11, &[&V4[..], &[1, 0, 0]].concat());
    for len in 0..header.len() {
        assert_eq!(parse(&header[..len]), Parsed::Incomplete, "{len}");
    }
    let known = Header { tlvs: vec![1, 0, 0], ..told("10.0.0.1:4660", "10.0.0.2:1935") };
    assert_eq!(parse(&header), Parsed::Header(31, known));
    // LOCAL, and families that have no addresses of ours.
    assert_eq!(parse(&v2(0, 0x11, &V4)), Parsed::Header(28, Header::default()));
    assert_eq!(parse(&v2(1, 0x00, &[])), Parsed::Header(16, Header::default()));
    assert_eq!(parse(&v2(1, 0x31, &[0; 216])), Parsed::Header(232, Header::default()));
    let six: Vec<u8> = [[0; 15].as_slice(), &[1], &[0; 15], &[2], &[0, 1, 0, 2]].concat();
    assert_eq!(parse(&v2(1, 0x21, &six)), Parsed::Header(52, told("[::1]:1", "[::2]:2")));
    // Too short for its family; another version, another command; longer than is taken.
    assert_eq!(parse(&v2(1, 0x21, &V4)), Parsed::Invalid);
    assert_eq!(parse(&v2(0x10, 0x11, &V4)), Parsed::Invalid);
    assert_eq!(parse(&v2(2, 0x11, &V4)), Parsed::Invalid);
    assert_eq!(parse(&v2(1, 0x11, &[0; 5000])[..100]), Parsed::Invalid);
}

#[test]
fn what_else_is_told() {
    let tlv =
        |kind: u8, value: &[u8]| [&[kind][..], &(value.len() as u16).to_be_bytes(), value].concat();
    let ssl = [&[1, 0, 0, 0, 0][..], &tlv(0x21, b"TLSv1.3"), &tlv(0x22, b"example.com")].concat();
    let tlvs = [tlv(0x01, b"h2"), tlv(0xEA, b"\x01vpce-1"), tlv(0x20, &ssl), tlv(0x02, b"host")];
    let header = Header { tlvs: tlvs.concat(), ..Header::default() };
    let is =
        |name: &str| header.tlv(name).map(|value| String::from_utf8_lossy(&value).into_owned());
    assert_eq!(is("alpn").as_deref(), Some("h2"));
    assert_eq!(is("authority").as_deref(), Some("host"));
    assert_eq!(is("0xEA").as_deref(), Some("\u{1}vpce-1"));
    assert_eq!(is("0xea"), is("0xEA"));
    assert_eq!(is("ssl_version").as_deref(), Some("TLSv1.3"));
    assert_eq!(is("ssl_0x22").as_deref(), Some("example.com"));
    assert_eq!(is("ssl_verify").as_deref(), Some("0"));
    for none in ["unique_id", "ssl_cipher", "0x21", "0xzz", "0x1ff", "other", "", "ssl_"] {
        assert_eq!(is(none), None, "{none}");
    }
    // Lengths that lie.
    let cut = Header { tlvs: vec![1, 0, 200, b'x'], ..Header::default() };
    assert_eq!(cut.tlv("alpn"), None);
    let short = Header { tlvs: tlv(0x20, &[1, 0]), ..Header::default() };
    assert_eq!((short.tlv("ssl_verify"), short.tlv("ssl_version")), (None, None));
}
