//! The PROXY protocol's header.

use proto::proxy_protocol::{Addresses, Header, MOST, Parsed, Told, parse, write_v1, write_v2};
use std::net::SocketAddr;

/// Whatever comes, it is decided within the longest header; what was decided stays so however much follows; and before it
/// is, every beginning is one. What is written is read as it was.
pub fn proxy_protocol(data: &[u8]) {
    let data = &data[..data.len().min(MOST + 64)];
    match parse(data) {
        Parsed::Header(len, header) => {
            assert!(len <= data.len() && len <= MOST);
            assert_eq!(parse(&data[..len]), Parsed::Header(len, header.clone()));
            assert!((0..len).all(|cut| parse(&data[..cut]) == Parsed::Incomplete));
            for name in [
                "alpn",
                "authority",
                "unique_id",
                "netns",
                "ssl",
                "ssl_version",
                "ssl_cn",
                "ssl_cipher",
                "ssl_sig_alg",
                "ssl_key_alg",
                "ssl_verify",
                "0x20",
                "ssl_0xff",
                "0x",
                "0x100",
                "none",
                "",
            ] {
                let value = header.tlv(name).unwrap_or_default();
                assert!(value.len() <= header.tlvs.len().max(10));
            }
        }
        Parsed::Incomplete => assert!(data.len() < MOST),
        Parsed::Invalid => {}
    }
    write(data);
}

/// Two addresses, then TLVs of 16 bytes.
fn write(data: &[u8]) {
    let Some((ends, rest)) = data.split_first_chunk::<37>() else { return };
    let [is_v6, ends @ ..] = ends;
    let [source, destination] = [&ends[..18], &ends[18..]].map(|end| {
        let port = u16::from_be_bytes([end[16], end[17]]);
        match (is_v6 & 1, end[..16].first_chunk::<16>(), end.first_chunk::<4>()) {
            (1, Some(ip), _) => SocketAddr::new((*ip).into(), port),
            (_, _, Some(ip)) => SocketAddr::new((*ip).into(), port),
            _ => unreachable!("an end has 18 bytes"),
        }
    });
    let addresses = Some(Addresses { source, destination });
    let told = Told::Tcp(Addresses { source, destination });
    let mut line = Vec::new();
    write_v1(&told, &mut line);
    let header = Header { addresses, tlvs: Vec::new() };
    assert_eq!(parse(&line), Parsed::Header(line.len(), header));

    let tlvs: Vec<(u8, &[u8])> = rest.chunks(16).map(|value| (value[0], value)).collect();
    let datagrams = Told::Udp(Addresses { source, destination });
    let unix = Told::Unix { source: &data[..37], destination: &[] };
    for told in [told, datagrams, unix, Told::Unknown] {
        let mut bytes = Vec::new();
        if write_v2(&told, &tlvs, &mut bytes).is_err() || bytes.len() > MOST {
            continue;
        }
        let Parsed::Header(len, header) = parse(&bytes) else { panic!("{}", bytes.escape_ascii()) };
        assert_eq!(len, bytes.len());
        assert_eq!(
            header.addresses,
            addresses.filter(|_| matches!(told, Told::Tcp(_) | Told::Udp(_)))
        );
        let last = tlvs.last().and_then(|(kind, _)| header.tlv(&format!("0x{kind:x}")));
        assert_eq!(last.is_some(), !tlvs.is_empty());
    }
}
