//! An `acme_certificate`: whose certificate is wanted, and for which names.

use std::rc::Rc;

use acme::{Identifier, KeyType, Wish};
use conf::{Error, Setting, Word};
use http::Hooks;
use tls::fresh::staple_name;

use crate::issuer::Issuer;

/// As it is written.
#[derive(Clone)]
pub struct Written {
    pub issuer: Word,
    names: Vec<Word>,
    key: KeyType,
    key_name: String,
}

/// Reads one.
pub fn read(setting: &Setting<'_>) -> Result<Written, Error> {
    let (issuer, rest) = setting.args().split_first().ok_or_else(|| setting.error("no issuer"))?;
    let mut written = Written {
        issuer: issuer.clone(),
        names: Vec::new(),
        key: KeyType::default(),
        key_name: "ecdsa:256".to_owned(),
    };
    for (at, word) in rest.iter().enumerate() {
        match word.text.strip_prefix("key=") {
            Some(key) => {
                written.key = KeyType::of(key).ok_or_else(|| setting.invalid(at + 1, "key"))?;
                written.key_name = key.to_owned();
            }
            None => written.names.push(word.clone()),
        }
    }
    Ok(written)
}

/// A certificate that is wanted.
pub struct Order {
    pub issuer: Rc<Issuer>,
    pub wish: Wish,
    /// The name of its file, without the end.
    pub file: String,
}

impl Order {
    /// What was written comes to that.
    pub fn new(
        written: &Written,
        issuers: &[Rc<Issuer>],
        hooks: &Hooks<'_, '_>,
    ) -> Result<Order, Error> {
        let issuer = issuers.iter().find(|issuer| issuer.name == written.issuer.text);
        let unknown = || {
            let name = &written.issuer.text;
            hooks.error(&written.issuer, format!("acme_issuer \"{name}\" is not declared"))
        };
        let issuer = issuer.ok_or_else(unknown)?.clone();
        let mut identifiers: Vec<Identifier> = Vec::new();
        let all = if written.names.is_empty() { &hooks.server_names } else { &written.names };
        for word in all {
            match identifier(&word.text) {
                Some(name) if !identifiers.contains(&name) => identifiers.push(name),
                Some(_) => {}
                None if written.names.is_empty() => hooks.warn(
                    word,
                    format!("\"{}\" is no name for a certificate, and is left out", word.text),
                ),
                None => {
                    let why = format!("\"{}\" is no name for a certificate", word.text);
                    return Err(hooks.error(word, why));
                }
            }
        }
        let Some(first) = identifiers.first() else {
            return Err(hooks.error(&written.issuer, "no names for the certificate"));
        };
        let texts: Vec<_> = identifiers.iter().map(Identifier::text).collect();
        let hash = staple_name(format!("{} {}", texts.join(" "), written.key_name).as_bytes());
        let file = format!("{}-{}", first.text().replace(':', "_"), &hash[..8]);
        let (key_type, challenge) = (written.key, issuer.challenge);
        let profile = issuer.profile.clone();
        let wish = Wish { identifiers, challenge, key_type, profile, replaces: None };
        Ok(Order { issuer, wish, file })
    }

    /// Its name on the board.
    pub fn name(&self) -> String {
        format!("{}/{}", self.issuer.name, self.file)
    }
}

/// A host's name, or an address; `.NAME` is that name. Neither http-01 nor tls-alpn-01 can prove a star.
fn identifier(text: &str) -> Option<Identifier> {
    let bare = text.strip_prefix('.').unwrap_or(text).trim_end_matches('.');
    let bare = bare.trim_start_matches('[').trim_end_matches(']');
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter);
    let name = bare.len() <= 253 && bare.split('.').all(label);
    let address = bare.parse::<std::net::IpAddr>().is_ok();
    (name || address).then(|| Identifier::of(bare))
}
