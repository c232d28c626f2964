//! Protocols, groups and signature algorithms by their codes and OpenSSL's names; what rustls with aws-lc-rs has of them.

use std::fmt::Write as _;

use super::suites;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// On the wire.
    pub code: u16,
    /// In `ssl_protocols` and `$ssl_protocol`.
    pub name: &'static str,
    /// Whether it is spoken here.
    pub available: bool,
}

/// All that `ssl_protocols` takes.
pub const PROTOCOLS: [Protocol; 6] = {
    const fn row(code: u16, name: &'static str, available: bool) -> Protocol {
        Protocol { code, name, available }
    }
    [
        row(0x0002, "SSLv2", false),
        row(0x0300, "SSLv3", false),
        row(0x0301, "TLSv1", false),
        row(0x0302, "TLSv1.1", false),
        row(0x0303, "TLSv1.2", true),
        row(0x0304, "TLSv1.3", true),
    ]
};

/// A group for key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// On the wire.
    pub code: u16,
    /// OpenSSL's short name, as `$ssl_curve` has it.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: [&'static str; 2],
    /// Whether it is spoken here.
    pub available: bool,
}

/// The groups that have names (IANA's registry; OpenSSL's names where it has some).
pub const GROUPS: [Group; 27] = {
    const fn row(code: u16, name: &'static str, aliases: [&'static str; 2]) -> Group {
        let available = matches!(code, 0x17 | 0x18 | 0x1d | 0x0201 | 0x0202 | 0x11eb | 0x11ec);
        Group { code, name, aliases, available }
    }
    [
        row(0x13, "prime192v1", ["secp192r1", "P-192"]),
        row(0x15, "secp224r1", ["P-224", ""]),
        row(0x16, "secp256k1", ["", ""]),
        row(0x17, "prime256v1", ["secp256r1", "P-256"]),
        row(0x18, "secp384r1", ["P-384", ""]),
        row(0x19, "secp521r1", ["P-521", ""]),
        row(0x1a, "brainpoolP256r1", ["", ""]),
        row(0x1b, "brainpoolP384r1", ["", ""]),
        row(0x1c, "brainpoolP512r1", ["", ""]),
        row(0x1d, "X25519", ["", ""]),
        row(0x1e, "X448", ["", ""]),
        row(0x1f, "brainpoolP256r1tls13", ["", ""]),
        row(0x20, "brainpoolP384r1tls13", ["", ""]),
        row(0x21, "brainpoolP512r1tls13", ["", ""]),
        row(0x29, "curveSM2", ["", ""]),
        row(0x0100, "ffdhe2048", ["", ""]),
        row(0x0101, "ffdhe3072", ["", ""]),
        row(0x0102, "ffdhe4096", ["", ""]),
        row(0x0103, "ffdhe6144", ["", ""]),
        row(0x0104, "ffdhe8192", ["", ""]),
        row(0x0200, "MLKEM512", ["", ""]),
        row(0x0201, "MLKEM768", ["", ""]),
        row(0x0202, "MLKEM1024", ["", ""]),
        row(0x11eb, "SecP256r1MLKEM768", ["", ""]),
        row(0x11ec, "X25519MLKEM768", ["", ""]),
        row(0x11ed, "SecP384r1MLKEM1024", ["", ""]),
        row(0x6399, "X25519Kyber768Draft00", ["", ""]),
    ]
};

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// On the wire.
    pub code: u16,
    /// IANA's name, as `$ssl_sigalg` has it.
    pub name: &'static str,
    /// The name in a list of OpenSSL's (`SignatureAlgorithms`).
    pub openssl: &'static str,
    /// Whether it is used here.
    pub available: bool,
}

/// The signature algorithms that have names.
pub const SIGNATURES: [Signature; 19] = {
    const fn row(code: u16, name: &'static str, openssl: &'static str) -> Signature {
        // SHA-1, SHA-224, Ed448 and PSS with keys for PSS alone are not in rustls.
        let unavailable = code >> 8 <= 3 || matches!(code, 0x0808..=0x080b);
        Signature { code, name, openssl, available: !unavailable }
    }
    [
        row(0x0201, "rsa_pkcs1_sha1", "RSA+SHA1"),
        row(0x0202, "dsa_sha1", "DSA+SHA1"),
        row(0x0203, "ecdsa_sha1", "ECDSA+SHA1"),
        row(0x0301, "rsa_pkcs1_sha224", "RSA+SHA224"),
        row(0x0303, "ecdsa_sha224", "ECDSA+SHA224"),
        row(0x0401, "rsa_pkcs1_sha256", "RSA+SHA256"),
        row(0x0403, "ecdsa_secp256r1_sha256", "ECDSA+SHA256"),
        row(0x0501, "rsa_pkcs1_sha384", "RSA+SHA384"),
        row(0x0503, "ecdsa_secp384r1_sha384", "ECDSA+SHA384"),
        row(0x0601, "rsa_pkcs1_sha512", "RSA+SHA512"),
        row(0x0603, "ecdsa_secp521r1_sha512", "ECDSA+SHA512"),
        row(0x0804, "rsa_pss_rsae_sha256", "RSA-PSS+SHA256"),
        row(0x0805, "rsa_pss_rsae_sha384", "RSA-PSS+SHA384"),
        row(0x0806, "rsa_pss_rsae_sha512", "RSA-PSS+SHA512"),
        row(0x0807, "ed25519", "ed25519"),
        row(0x0808, "ed448", "ed448"),
        row(0x0809, "rsa_pss_pss_sha256", "rsa_pss_pss_sha256"),
        row(0x080a, "rsa_pss_pss_sha384", "rsa_pss_pss_sha384"),
        row(0x080b, "rsa_pss_pss_sha512", "rsa_pss_pss_sha512"),
    ]
};

/// Reserved values that clients send to see whether servers ignore them (RFC 8701).
pub fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

/// OpenSSL's name of a cipher suite.
pub fn suite(code: u16) -> Option<&'static str> {
    suites::by_code(code).map(|(_, openssl, _)| *openssl)
}

/// OpenSSL's name of a group.
pub fn group(code: u16) -> Option<&'static str> {
    GROUPS.iter().find(|group| group.code == code).map(|group| group.name)
}

/// The group of a name; as OpenSSL does since 3.5, capital letters do not matter.
pub fn group_by_name(name: &str) -> Option<&'static Group> {
    let is = |other: &str| !other.is_empty() && other.eq_ignore_ascii_case(name);
    GROUPS.iter().find(|group| is(group.name) || group.aliases.into_iter().any(is))
}

/// What `auto` stands for: what browsers offer, the one that no quantum computer breaks first.
const AUTO: &str = "X25519MLKEM768:X25519:prime256v1:secp384r1";

/// The groups of a list (`ssl_ecdh_curve X25519:prime256v1`), those of them that are here first and the others' names after.
/// Of OpenSSL 3.5's signs, `?` is passed over (what is not here is left out anyway), as is `*` (which keys a client sends),
/// `-` takes away, and `/` is another colon. A name that nobody knows is an error without `?`.
pub fn groups(list: &str) -> Result<(Vec<&'static Group>, Vec<&'static str>), String> {
    let mut found: Vec<&'static Group> = Vec::new();
    let mut missing = Vec::new();
    let list = if list == "auto" { AUTO } else { list };
    for item in list.split([':', '/']) {
        let name = item.trim_start_matches(['?', '*', '-']);
        let signs = &item[..item.len() - name.len()];
        match group_by_name(name) {
            Some(group) if signs.contains('-') => found.retain(|other| *other != group),
            Some(group) if found.contains(&group) => {}
            Some(group) if group.available => found.push(group),
            Some(group) => missing.push(group.name),
            None if signs.contains('?') => {}
            None => return Err(name.to_owned()),
        }
    }
    Ok((found, missing))
}

/// IANA's name of a signature algorithm.
pub fn signature(code: u16) -> Option<&'static str> {
    SIGNATURES.iter().find(|row| row.code == code).map(|row| row.name)
}

/// The signature algorithm of a name: IANA's or OpenSSL's.
pub fn signature_by_name(name: &str) -> Option<&'static Signature> {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    SIGNATURES.iter().find(|row| is(row.name) || is(row.openssl))
}

/// The name of a protocol.
pub fn protocol(code: u16) -> Option<&'static str> {
    PROTOCOLS.iter().find(|protocol| protocol.code == code).map(|protocol| protocol.name)
}

/// The protocol of a name, as `ssl_protocols` has it.
pub fn protocol_by_name(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|protocol| protocol.name.eq_ignore_ascii_case(name))
}

/// Names with colons between, and the numbers of those that have none, as nginx writes them.
pub fn join(codes: impl Iterator<Item = u16>, name: fn(u16) -> Option<&'static str>) -> String {
    let mut text = String::new();
    for code in codes {
        let colon = if text.is_empty() { "" } else { ":" };
        // Writing to a string does not fail.
        let _ = match name(code) {
            Some(name) => write!(text, "{colon}{name}"),
            None => write!(text, "{colon}0x{code:04x}"),
        };
    }
    text
}
