//! JA4: a client's fingerprint (FoxIO, technical_details/JA4.md), which does not depend on the order of its extensions.
//!
//! ```text
//! t13d1516h2_8daaf6152771_e5627efa2ab1
//! │││ │ │ │  └ suites     └ extensions, signature algorithms: SHA-256, the first 12 digits
//! │││ │ │ └ the first protocol's first and last character
//! │││ │ └ how many extensions
//! │││ └ how many suites
//! ││└ a name of the server: d, none: i
//! │└ version
//! └ over TCP
//! ```

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::hello::ClientHello;
use super::names::is_grease;

/// The fingerprint of a hello.
pub fn ja4(hello: &ClientHello) -> String {
    let real = |number: &u16| !is_grease(*number);
    let mut suites: Vec<u16> = hello.suites().filter(real).collect();
    let mut extensions: Vec<u16> = hello.extensions().filter(real).collect();
    let name = if hello.has_server_name() { 'd' } else { 'i' };
    let counts = [suites.len().min(99), extensions.len().min(99)];
    let start = format!("t{}{name}{:02}{:02}", version(hello.version()), counts[0], counts[1]);

    suites.sort_unstable();
    extensions.retain(|kind| !matches!(kind, 0 | 16));
    extensions.sort_unstable();
    let mut listed = list(extensions.iter().copied());
    let signatures = list(hello.signature_algorithms().filter(real));
    if !listed.is_empty() && !signatures.is_empty() {
        listed = format!("{listed}_{signatures}");
    }
    let suites = hash(&list(suites.into_iter()));
    format!("{start}{}_{suites}_{}", protocol(hello.alpn().next()), hash(&listed))
}

fn version(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// The ends of a protocol's name; of its hexadecimal form where they are no letters or digits.
fn protocol(name: Option<&[u8]>) -> String {
    let Some(name @ [first, .., last] | name @ [first @ last]) = name else {
        return "00".to_owned();
    };
    match first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        true => [*first, *last].map(char::from).iter().collect(),
        false => format!("{:x}{:x}", name[0] >> 4, last & 15),
    }
}

fn list(numbers: impl Iterator<Item = u16>) -> String {
    let mut text = String::new();
    for number in numbers {
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(text, "{comma}{number:04x}");
    }
    text
}

fn hash(list: &str) -> String {
    if list.is_empty() {
        return "0".repeat(12);
    }
    Sha256::digest(list).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
