//! The PROXY protocol's header.

use proto::proxy_protocol::{MOST, Parsed, parse};

/// Whatever comes, it is decided within the longest header; what was decided stays so however much follows; and before it
/// is, every beginning is one.
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
}
