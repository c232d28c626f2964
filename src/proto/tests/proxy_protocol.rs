//! Headers as haproxy, AWS and nginx send them.

use proptest::prelude::*;
use proto::proxy_protocol::{
    Addresses, Header, MOST, Parsed, Told, TooLong, parse, write_tlv, write_v1, write_v2,
};
use std::net::{IpAddr, SocketAddr};

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
    // Datagrams.
    assert_eq!(
        parse(&v2(1, 0x12, &V4)),
        Parsed::Header(28, told("10.0.0.1:4660", "10.0.0.2:1935"))
    );
    assert_eq!(parse(&v2(1, 0x22, &six)), Parsed::Header(52, told("[::1]:1", "[::2]:2")));
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

fn tcp(source: &str, destination: &str) -> Told<'static> {
    Told::Tcp(told(source, destination).addresses.expect("both"))
}

fn udp(source: &str, destination: &str) -> Told<'static> {
    Told::Udp(told(source, destination).addresses.expect("both"))
}

fn written_v1(told: &Told<'_>) -> String {
    let mut out = b"x".to_vec();
    write_v1(told, &mut out);
    String::from_utf8(out).expect("text").split_off(1)
}

fn written_v2(told: &Told<'_>, tlvs: &[(u8, &[u8])]) -> Result<Vec<u8>, TooLong> {
    let mut out = b"x".to_vec();
    write_v2(told, tlvs, &mut out)?;
    Ok(out.split_off(1))
}

const UNIX: Told<'_> = Told::Unix { source: b"", destination: b"/run/a.sock" };

#[test]
fn written_as_version_1() {
    for (told, line) in [
        (
            tcp("192.0.2.1:56324", "198.51.100.1:443"),
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
        ),
        (tcp("[2001:db8::1]:1", "[::1]:65535"), "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"),
        (tcp("192.0.2.1:1", "[::1]:2"), "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"),
        (tcp("[::1]:2", "192.0.2.1:1"), "PROXY TCP6 ::1 ::ffff:192.0.2.1 2 1\r\n"),
        (udp("192.0.2.1:1", "198.51.100.1:2"), "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n"),
        (Told::Local, "PROXY UNKNOWN\r\n"),
        (Told::Unknown, "PROXY UNKNOWN\r\n"),
        (UNIX, "PROXY UNKNOWN\r\n"),
    ] {
        assert_eq!(written_v1(&told), line);
    }
    // As long as a line of version 1 can be.
    let most = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535";
    let line = written_v1(&tcp(most, most));
    let length = line.len();
    assert!(length <= 107, "{length}");
    assert_eq!(parse(line.as_bytes()), Parsed::Header(length, told(most, most)));
}

#[test]
fn written_as_version_2() {
    let v4_told = tcp("10.0.0.1:4660", "10.0.0.2:1935");
    assert_eq!(written_v2(&v4_told, &[]), Ok(v2(1, 0x11, &V4)));
    let tlvs: [(u8, &[u8]); 2] = [(1, b"h2"), (4, b"")];
    let with_tlvs = [&V4[..], &[1, 0, 2, b'h', b'2', 4, 0, 0]].concat();
    assert_eq!(written_v2(&v4_told, &tlvs), Ok(v2(1, 0x11, &with_tlvs)));
    let six: Vec<u8> = [[0; 15].as_slice(), &[1], &[0; 15], &[2], &[0, 1, 0, 2]].concat();
    assert_eq!(written_v2(&tcp("[::1]:1", "[::2]:2"), &[]), Ok(v2(1, 0x21, &six)));
    assert_eq!(written_v2(&udp("10.0.0.1:4660", "10.0.0.2:1935"), &[]), Ok(v2(1, 0x12, &V4)));
    assert_eq!(written_v2(&udp("[::1]:1", "[::2]:2"), &[]), Ok(v2(1, 0x22, &six)));
    assert_eq!(written_v2(&Told::Local, &[]), Ok(v2(0, 0, &[])));
    assert_eq!(written_v2(&Told::Unknown, &[]), Ok(v2(1, 0, &[])));
    let mut paths = [0; 216];
    paths[108..119].copy_from_slice(b"/run/a.sock");
    assert_eq!(written_v2(&UNIX, &[]), Ok(v2(1, 0x31, &paths)));
    let mapped = written_v2(&tcp("192.0.2.1:1", "[::1]:2"), &[]).expect("short");
    assert_eq!(parse(&mapped), Parsed::Header(52, told("[::ffff:192.0.2.1]:1", "[::1]:2")));
}

#[test]
fn what_is_too_long_is_not_written() {
    let path = [b'p'; 109];
    for (source, destination, fits) in
        [(&path[..108], &path[..0], true), (&path, &path[..0], false), (b"", &path, false)]
    {
        let told = Told::Unix { source, destination };
        assert_eq!(written_v2(&told, &[]).is_ok(), fits);
    }
    let value = vec![0; 1 << 16];
    assert_eq!(written_v2(&Told::Unknown, &[(1, &value)]), Err(TooLong));
    assert_eq!(
        written_v2(&Told::Unknown, &[(1, &value[..40_000]), (2, &value[..40_000])]),
        Err(TooLong)
    );
    assert_eq!(
        written_v2(&Told::Unknown, &[(1, &value[..65532])]).map(|header| header.len()),
        Ok(65551)
    );
    // Nothing is left of what was not written.
    let mut out = Vec::new();
    assert_eq!(write_v2(&Told::Unknown, &[(1, &value)], &mut out), Err(TooLong));
    assert!(out.is_empty());
}

#[test]
fn tls_is_told_in_a_tlv_of_tlvs() {
    let mut ssl = vec![1, 0, 0, 0, 0];
    write_tlv(0x21, b"TLSv1.3", &mut ssl).expect("short");
    write_tlv(0x22, b"example.com", &mut ssl).expect("short");
    let tlvs: [(u8, &[u8]); 2] = [(2, b"host"), (0x20, &ssl)];
    let header = written_v2(&tcp("10.0.0.1:1", "10.0.0.2:2"), &tlvs).expect("short");
    let Parsed::Header(_, header) = parse(&header) else { panic!("no header") };
    let is =
        |name: &str| header.tlv(name).map(|value| String::from_utf8_lossy(&value).into_owned());
    assert_eq!(is("authority").as_deref(), Some("host"));
    assert_eq!(is("ssl_version").as_deref(), Some("TLSv1.3"));
    assert_eq!(is("ssl_cn").as_deref(), Some("example.com"));
    assert_eq!(is("ssl_verify").as_deref(), Some("0"));
}

proptest! {
    #[test]
    fn round_trip(
        ends in any::<(IpAddr, u16, IpAddr, u16)>(),
        values in prop::collection::vec((1u8..0x20, prop::collection::vec(any::<u8>(), 0..50)), 0..5),
    ) {
        let (source, from, destination, to) = ends;
        let (source, destination) =
            (SocketAddr::new(source, from), SocketAddr::new(destination, to));
        let told = Told::Tcp(Addresses { source, destination });
        let mapped = |end: SocketAddr| match end.ip() {
            IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), end.port()),
            IpAddr::V6(_) => end,
        };
        let addresses = match source.is_ipv4() == destination.is_ipv4() {
            true => Addresses { source, destination },
            false => Addresses { source: mapped(source), destination: mapped(destination) },
        };
        let line = written_v1(&told);
        let header = Header { addresses: Some(addresses), tlvs: Vec::new() };
        prop_assert_eq!(parse(line.as_bytes()), Parsed::Header(line.len(), header));

        let tlvs: Vec<(u8, &[u8])> = values.iter().map(|(kind, value)| (*kind, &value[..])).collect();
        let bytes = written_v2(&told, &tlvs).expect("short");
        prop_assert!(bytes.len() <= MOST);
        let Parsed::Header(len, header) = parse(&bytes) else { panic!("no header") };
        prop_assert_eq!((len, header.addresses), (bytes.len(), Some(addresses)));
        for (kind, _) in &values {
            let first = values.iter().find(|(other, _)| other == kind).map(|(_, value)| value.clone());
            prop_assert_eq!(header.tlv(&format!("0x{kind:x}")), first);
        }
    }
}
