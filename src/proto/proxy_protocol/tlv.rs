//! What a header of version 2 tells beside addresses.

use super::Header;

/// The TLV in which a proxy tells of the client's TLS: `client`, `verify`, and TLVs of its own.
const SSL: u8 = 0x20;

/// Types by their names; those of TLS stand in its own TLV.
const TYPES: [(&str, u8); 10] = [
    ("alpn", 0x01),
    ("authority", 0x02),
    ("unique_id", 0x05),
    ("ssl", SSL),
    ("netns", 0x30),
    ("ssl_version", 0x21),
    ("ssl_cn", 0x22),
    ("ssl_cipher", 0x23),
    ("ssl_sig_alg", 0x24),
    ("ssl_key_alg", 0x25),
];

impl Header {
    /// What the proxy tells under a name: one of its types', `ssl_verify`, or `0x` and a type's number, which after `ssl_`
    /// is one of TLS.
    pub fn tlv(&self, name: &str) -> Option<Vec<u8>> {
        let ssl = || find(&self.tlvs, SSL)?.split_first_chunk::<5>();
        if name == "ssl_verify" {
            let ([_, verify @ ..], _) = ssl()?;
            return Some(u32::from_be_bytes(*verify).to_string().into_bytes());
        }
        let of_ssl = name.starts_with("ssl_");
        let number = name.trim_start_matches("ssl_").strip_prefix("0x");
        let known = TYPES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        let kind = number.and_then(|hex| u8::from_str_radix(hex, 16).ok()).or(known)?;
        let value = if of_ssl { find(ssl()?.1, kind) } else { find(&self.tlvs, kind) };
        value.map(<[u8]>::to_vec)
    }
}

/// The value of the first TLV of a type.
fn find(mut tlvs: &[u8], wanted: u8) -> Option<&[u8]> {
    while let Some((&[kind, high, low], rest)) = tlvs.split_first_chunk::<3>() {
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        if kind == wanted {
            return Some(value);
        }
        tlvs = rest;
    }
    None
}
