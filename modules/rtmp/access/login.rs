//! `login`: the way in which encoders log in to Adobe's server (`authmod=adobe`), which ffmpeg and OBS
//! speak when the address is `rtmp://USER:PASSWORD@HOST/APP`.
//!
//! ```text
//! client: connect                                     server: code=403 need auth; authmod=adobe
//! client: connect ?authmod=adobe&user=U               server: ?reason=needauth&user=U&salt=S&challenge=C&opaque=C
//! client: connect ?authmod=adobe&user=U&challenge=D&response=R&opaque=C
//!         R = base64(md5( base64(md5(U + S + PASSWORD)) + C + D ))
//! ```
//! Each is a connection of its own, and the next may reach another worker: the challenge is made from the
//! time and a secret of the stream zone, which all workers have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use conf::{Error, Setting};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::access::rules::{About, Deed};
use proto::query;

/// A `login`.
#[derive(Clone, Debug)]
pub struct Login {
    about: About,
    user: Vec<u8>,
    password: Vec<u8>,
}

/// Reads `login`.
pub fn login(setting: &Setting<'_>) -> Result<Login, Error> {
    let about = About::parse(setting, 0)?;
    let [user, password] = [1, 2].map(|at| setting.arg(at).as_bytes().to_vec());
    Ok(Login { about, user, password })
}

/// Whether one must be logged in for that.
pub fn needed(logins: &[Login], deed: Deed) -> bool {
    logins.iter().any(|login| login.about.covers(deed))
}

/// Whether that user may do that.
pub fn may(logins: &[Login], deed: Deed, user: Option<&[u8]>) -> bool {
    !needed(logins, deed)
        || user.is_some_and(|user| {
            logins.iter().any(|login| login.about.covers(deed) && login.user == user)
        })
}

/// What a connect command comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is that user.
    User(Vec<u8>),
    /// It is to come again; this is the description of the refusal.
    Refused(String),
}

/// A challenge is good for so many seconds.
const VALID: u64 = 60;

/// Judges the arguments of a connect command's application. `secret` is the workers' common one, `now`
/// seconds since 1970.
pub fn judge(logins: &[Login], query: &[u8], secret: &[u8], now: u64) -> Verdict {
    let refuse = |why: &str| Verdict::Refused(format!("[ AccessManager.Reject ] : {why}"));
    if query::get(query, b"authmod").as_deref() != Some(b"adobe") {
        return refuse("[ code=403 need auth; authmod=adobe ] : ");
    }
    let Some(user) = query::get(query, b"user").filter(|user| !user.is_empty()) else {
        return refuse("[ authmod=adobe ] : ?reason=nosuchuser");
    };
    let Some(login) = logins.iter().find(|login| login.user == user) else {
        return refuse("[ authmod=adobe ] : ?reason=authfailed");
    };
    let (given, response) = (query::get(query, b"challenge"), query::get(query, b"response"));
    let (Some(given), Some(response)) = (given, response) else {
        let challenge = challenge(secret, &user, now);
        let mut words = Vec::new();
        query::add(&mut words, "user", &user);
        let user = String::from_utf8_lossy(&words).into_owned();
        return refuse(&format!(
            "[ authmod=adobe ] : ?reason=needauth&{user}&salt={}&challenge={challenge}&opaque={challenge}",
            salt(secret, &login.user)
        ));
    };
    // A `+` of base64 has not been escaped by some clients, and was read as a space.
    let plus = |bytes: Vec<u8>| -> Vec<u8> {
        bytes.iter().map(|&byte| if byte == b' ' { b'+' } else { byte }).collect()
    };
    let opaque = plus(query::get(query, b"opaque").unwrap_or_default());
    if !is_challenge(secret, &user, &opaque, now) {
        return refuse("[ authmod=adobe ] : ?reason=authfailed");
    }
    let salt = salt(secret, &login.user);
    let expected = response_to(login, salt.as_bytes(), &opaque, &plus(given));
    match expected.as_bytes().ct_eq(&plus(response)).into() {
        true => Verdict::User(user),
        false => refuse("[ authmod=adobe ] : ?reason=authfailed"),
    }
}

fn hash(parts: &[&[u8]]) -> String {
    let mut md5 = Md5::new();
    parts.iter().for_each(|part| md5.update(part));
    BASE64.encode(md5.finalize())
}

fn response_to(login: &Login, salt: &[u8], opaque: &[u8], given: &[u8]) -> String {
    let first = hash(&[&login.user, salt, &login.password]);
    hash(&[first.as_bytes(), opaque, given])
}

/// The letters of base64 that no client escapes.
fn plain(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keyed(secret: &[u8], what: &[u8], user: &[u8], time: u64) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return Vec::new() };
    mac.update(what);
    mac.update(&time.to_be_bytes());
    mac.update(user);
    mac.finalize().into_bytes()[..8].to_vec()
}

fn salt(secret: &[u8], user: &[u8]) -> String {
    plain(&keyed(secret, b"salt", user, 0))
}

/// The time, and a proof that we have said it.
fn challenge(secret: &[u8], user: &[u8], now: u64) -> String {
    format!("{now:x}-{}", plain(&keyed(secret, b"challenge", user, now)))
}

fn is_challenge(secret: &[u8], user: &[u8], text: &[u8], now: u64) -> bool {
    let time = String::from_utf8_lossy(text);
    let time = time.split('-').next().and_then(|time| u64::from_str_radix(time, 16).ok());
    time.is_some_and(|time| {
        let said = challenge(secret, user, time);
        now.saturating_sub(time) <= VALID && said.as_bytes().ct_eq(text).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"the workers'";

    fn logins() -> [Login; 1] {
        let (user, password) = (b"anna".to_vec(), b"s3cret".to_vec());
        [Login { about: About::only(Deed::Publish), user, password }]
    }

    fn refused(query: &str, now: u64) -> String {
        match judge(&logins(), query.as_bytes(), SECRET, now) {
            Verdict::Refused(why) => why,
            Verdict::User(_) => panic!("let in with {query}"),
        }
    }

    #[test]
    fn three_connections() {
        assert!(refused("", 100).contains("[ code=403 need auth; authmod=adobe ]"));
        let asked = refused("authmod=adobe&user=anna", 100);
        let query = asked.split('?').nth(1).expect("a query").as_bytes().to_vec();
        let salt = query::get(&query, b"salt").expect("salt");
        let opaque = query::get(&query, b"opaque").expect("opaque");
        let response = response_to(&logins()[0], &salt, &opaque, b"mine");
        let mut again = b"authmod=adobe&user=anna&challenge=mine".to_vec();
        query::add(&mut again, "response", response.as_bytes());
        query::add(&mut again, "opaque", &opaque);
        let user = || Verdict::User(b"anna".to_vec());
        assert_eq!(judge(&logins(), &again, SECRET, 150), user());
        let text = String::from_utf8(again).expect("text");
        assert_eq!(judge(&logins(), text.replace("%2B", "+").as_bytes(), SECRET, 150), user());
        assert!(refused(&text, 161).contains("authfailed"), "too late");
        assert!(refused(&text.replace("mine", "yours"), 150).contains("authfailed"));
        assert!(refused("authmod=adobe&user=otto", 100).contains("authfailed"));
    }

    #[test]
    fn who_may() {
        assert!(may(&logins(), Deed::Play, None) && !may(&logins(), Deed::Publish, None));
        assert!(may(&logins(), Deed::Publish, Some(b"anna")));
        assert!(!may(&logins(), Deed::Publish, Some(b"otto")));
    }
}
