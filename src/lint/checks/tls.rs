//! Encryption that is broken.

use crate::check::{Check, Report};
use crate::place::Place;

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "ssl_protocol_broken",
        why: "SSLv2, SSLv3, TLSv1 and TLSv1.1 are broken (RFC 6176, RFC 7568, RFC 8996); browsers have given them up, and \
              rserve does not speak them",
        remedy: "write `ssl_protocols TLSv1.2 TLSv1.3;`",
        wrong: "ssl_protocols TLSv1 TLSv1.2;",
        right: "ssl_protocols TLSv1.2 TLSv1.3;",
        look: protocol,
    },
    Check {
        name: "ssl_cipher_broken",
        why: "ciphers without encryption, without a certificate, or that are broken: NULL, aNULL, EXPORT, RC4, DES, MD5",
        remedy: "take them out, or leave the line out: the default has none of them",
        wrong: "ssl_ciphers HIGH:RC4-SHA;",
        right: "ssl_ciphers HIGH:!aNULL:!MD5:!RC4;",
        look: cipher,
    },
];

const BROKEN: &[&str] = &["NULL", "EXP", "RC4", "DES", "MD5", "ADH", "AECDH", "LOW"];

fn protocol(place: &Place<'_>, report: &mut Report) {
    let old = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"];
    let takes = place.node.name.text.ends_with("ssl_protocols");
    let mut words = place.node.args.iter();
    if let Some(word) = words.find(|word| takes && old.contains(&word.text.as_str())) {
        report.at(word, format!("\"{}\" is broken", word.text));
    }
}

fn cipher(place: &Place<'_>, report: &mut Report) {
    let ([list], true) = (&place.node.args[..], place.node.name.text.ends_with("ssl_ciphers"))
    else {
        return;
    };
    let broken = |name: &&str| {
        !name.starts_with(['!', '-', '+']) && BROKEN.iter().any(|part| name.contains(part))
    };
    if let Some(name) = list.text.split([':', ',', ' ']).find(broken) {
        report.at(list, format!("\"{name}\" is broken"));
    }
}
