//! Passwords as files keep them: crypt(3)'s forms, Apache's, and those of RFC 2307.
//!
//! ```text
//! {PLAIN}password  {SHA}base64(sha1)  {SSHA}base64(sha1 salt)      $apr1$salt$…  $1$salt$…      MD5
//! $5$ $6$[rounds=N$]salt$…            SHA-crypt                    $2a$ $2b$ $2y$cost$…         bcrypt
//! $y$params$salt$…                    yescrypt                     $argon2id$v=19$m=,t=,p=$…    argon2
//! ss……………………                         DES: 13 of ./0-9A-Za-z, salt first
//! ```

mod des;
mod md5_crypt;

use argon2::Argon2;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use password_hash::PasswordVerifier;
use password_hash::phc::PasswordHash;
use sha_crypt::ShaCrypt;
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use yescrypt::Yescrypt;

/// The longest password of crypt(3), whose work grows with it.
const LONGEST: usize = 512;
/// What is more work than this, with one core for seconds or so much memory, is taken for a mistake in the file.
const MOST_ROUNDS: u32 = 10_000_000;
const MOST_BCRYPT_COST: u32 = 17;
const MOST_KILOBYTES: u64 = 1 << 20;

/// How a password is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// As it is.
    Plain,
    /// SHA-1.
    Sha,
    /// SHA-1 with a salt.
    SaltedSha,
    /// MD5-crypt, of crypt(3) or Apache's: what the salt stands behind.
    Md5(&'static [u8]),
    /// SHA-256- and SHA-512-crypt.
    ShaCrypt,
    /// bcrypt.
    Bcrypt,
    /// yescrypt.
    Yescrypt,
    /// argon2.
    Argon2,
    /// crypt(3) as it was first.
    Des,
}

const SCHEMES: &[(&str, Scheme)] = &[
    ("{PLAIN}", Scheme::Plain),
    ("{SHA}", Scheme::Sha),
    ("{SSHA}", Scheme::SaltedSha),
    ("$apr1$", Scheme::Md5(b"$apr1$")),
    ("$1$", Scheme::Md5(b"$1$")),
    ("$5$", Scheme::ShaCrypt),
    ("$6$", Scheme::ShaCrypt),
    ("$2a$", Scheme::Bcrypt),
    ("$2b$", Scheme::Bcrypt),
    ("$2y$", Scheme::Bcrypt),
    ("$y$", Scheme::Yescrypt),
    ("$argon2", Scheme::Argon2),
];

impl Scheme {
    /// How this one is kept. `None`: in a way that is not known here.
    pub fn of(kept: &[u8]) -> Option<Scheme> {
        let known = SCHEMES.iter().find(|(start, _)| kept.starts_with(start.as_bytes()));
        known.map(|(_, scheme)| *scheme).or_else(|| des::is_one(kept).then_some(Scheme::Des))
    }

    /// Whether it is found out at once; else it is made to take its time.
    pub fn is_quick(self) -> bool {
        matches!(self, Scheme::Plain | Scheme::Sha | Scheme::SaltedSha)
    }

    /// Whether it is that password. The error says what is wrong with what is kept.
    pub fn is_right(self, kept: &[u8], password: &[u8]) -> Result<bool, &'static str> {
        if self != Scheme::Plain && password.len() > LONGEST {
            return Ok(false);
        }
        if self == Scheme::Plain {
            return Ok(same(&kept["{PLAIN}".len()..], password));
        }
        let kept = std::str::from_utf8(kept).map_err(|_| MALFORMED)?;
        match self {
            Scheme::Plain => Ok(false),
            Scheme::Sha => salted(&kept["{SHA}".len()..], password, false),
            Scheme::SaltedSha => salted(&kept["{SSHA}".len()..], password, true),
            Scheme::Md5(magic) => Ok(md5_crypt::is_right(kept.as_bytes(), magic, password)),
            Scheme::Des => Ok(same(&des::crypt(password, kept.as_bytes()), kept.as_bytes())),
            Scheme::ShaCrypt => sha_crypt(kept, password),
            Scheme::Bcrypt => bcrypt(kept, password),
            Scheme::Yescrypt => yescrypt(kept, password),
            Scheme::Argon2 => argon2(kept, password),
        }
    }
}

/// Whether they are the same, in a time that does not tell how much of them is.
fn same(kept: &[u8], made: &[u8]) -> bool {
    kept.ct_eq(made).into()
}

fn salted(encoded: &str, password: &[u8], has_salt: bool) -> Result<bool, &'static str> {
    let decoded = BASE64.decode(encoded).map_err(|_| "it is not base64")?;
    let (digest, salt) = decoded.split_at_checked(20).ok_or("it is too short")?;
    if !has_salt && !salt.is_empty() {
        return Err("it is too long");
    }
    let made = Sha1::new().chain_update(password).chain_update(salt).finalize();
    Ok(same(digest, &made))
}

fn sha_crypt(kept: &str, password: &[u8]) -> Result<bool, &'static str> {
    let rounds = kept[3..].strip_prefix("rounds=").and_then(|rest| rest.split('$').next());
    if rounds.is_some_and(|text| text.parse::<u32>().is_ok_and(|n| n > MOST_ROUNDS)) {
        return Err("it takes too many rounds");
    }
    verdict(ShaCrypt::default().verify_password(password, kept))
}

fn bcrypt(kept: &str, password: &[u8]) -> Result<bool, &'static str> {
    let cost = kept.get(4..6).and_then(|cost| cost.parse::<u32>().ok());
    if cost.is_none_or(|cost| cost > MOST_BCRYPT_COST) {
        return Err("its cost is too high");
    }
    bcrypt::verify(password, kept).map_err(|_| MALFORMED)
}

fn yescrypt(kept: &str, password: &[u8]) -> Result<bool, &'static str> {
    let mut fields = kept[3..].split('$');
    let params = fields.next().and_then(|text| text.parse::<yescrypt::Params>().ok());
    let params = params.ok_or(MALFORMED)?;
    let bytes = params.n().saturating_mul(u64::from(params.r())).saturating_mul(128);
    if bytes / 1024 > MOST_KILOBYTES {
        return Err("it takes too much memory");
    }
    // Of a shorter one the crate would compare the beginning alone.
    if kept.rsplit('$').next().is_none_or(|hash| hash.len() != 43) {
        return Err(MALFORMED);
    }
    verdict(Yescrypt::default().verify_password(password, kept))
}

fn argon2(kept: &str, password: &[u8]) -> Result<bool, &'static str> {
    let hash = PasswordHash::new(kept).map_err(|_| MALFORMED)?;
    let params = argon2::Params::try_from(&hash).map_err(|_| MALFORMED)?;
    let (memory, times) = (u64::from(params.m_cost()), u64::from(params.t_cost()));
    if memory > MOST_KILOBYTES || memory.saturating_mul(times) > 16 * MOST_KILOBYTES {
        return Err("it takes too much time or memory");
    }
    verdict(Argon2::default().verify_password(password, &hash))
}

const MALFORMED: &str = "it is malformed";

fn verdict(result: password_hash::Result<()>) -> Result<bool, &'static str> {
    match result {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(MALFORMED),
    }
}

#[cfg(test)]
mod tests;
