//! A token (RFC 7519) that is signed (RFC 7515 §3.1).
//!
//! ```text
//! base64url(header) "." base64url(claims) "." base64url(signature)
//! ```
//! Nothing of it is believed before its signature is: of the header only how to check that, and never with which key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::Value;

use crate::json::{self, Object};
use crate::keys::{Algorithm, Keys};

/// Keys that are tried for one token: no more work than that is made of it.
const MOST_TRIES: usize = 16;

/// A token that is what it says.
#[derive(Debug)]
pub struct Token {
    /// The header's fields.
    pub header: Object,
    /// The claims.
    pub claims: Object,
    /// The claims as they were signed.
    pub payload: Vec<u8>,
}

/// What a token is measured by.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Seconds since 1970.
    pub now: f64,
    /// Seconds by which clocks may differ.
    pub leeway: f64,
    /// Bytes of the longest token.
    pub longest: usize,
}

/// A token as it was sent, not yet believed.
struct Sent<'t> {
    header: Object,
    algorithm: Algorithm,
    /// What is signed.
    signed: &'t [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Token {
    /// Checks a token. The error says what is wrong with it.
    pub fn check<'k>(
        text: &[u8],
        keys: impl Iterator<Item = &'k Keys>,
        measure: Measure,
    ) -> Result<Token, &'static str> {
        if text.len() > measure.longest {
            return Err("it is too long");
        }
        let sent = Sent::read(text)?;
        sent.verify(keys)?;
        let claims = json::object(&sent.payload);
        let claims = claims.ok_or("its claims are no JSON object, or one of them stands twice")?;
        in_time(&claims, measure)?;
        Ok(Token { header: sent.header, claims, payload: sent.payload })
    }
}

impl Sent<'_> {
    /// Whether one of the keys that are for it has signed it.
    fn verify<'k>(&self, keys: impl Iterator<Item = &'k Keys>) -> Result<(), &'static str> {
        let kid = match self.header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.as_str()),
            Some(_) => return Err("its \"kid\" is no text"),
        };
        let candidates = keys.flat_map(|keys| keys.candidates(self.algorithm, kid));
        let mut candidates = candidates.take(MOST_TRIES).peekable();
        if candidates.peek().is_none() {
            return Err("no key is for it");
        }
        match candidates.any(|key| key.verifies(self.algorithm, self.signed, &self.signature)) {
            true => Ok(()),
            false => Err("its signature is wrong"),
        }
    }

    fn read(text: &[u8]) -> Result<Sent<'_>, &'static str> {
        let mut parts = text.split(|&byte| byte == b'.');
        let (Some(header), Some(payload), Some(signature)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err("it has not three parts");
        };
        match parts.count() {
            0 => {}
            2 => return Err("encrypted tokens are not taken here"),
            _ => return Err("it has not three parts"),
        }
        let signed = &text[..header.len() + 1 + payload.len()];
        let decode = |part: &[u8]| BASE64.decode(part).map_err(|_| "it is not base64url");
        let header = json::object(&decode(header)?);
        let header = header.ok_or("its header is no JSON object, or a name stands twice in it")?;
        let alg = header.get("alg").and_then(Value::as_str).ok_or("it has no \"alg\"")?;
        let algorithm = Algorithm::named(alg).ok_or("its \"alg\" is not taken here")?;
        if header.contains_key("crit") {
            return Err("it has a \"crit\", of which nothing is known here");
        }
        let is_nested = |cty: &Value| {
            cty.as_str().is_some_and(|cty| {
                let short = cty
                    .get(.."application/".len())
                    .filter(|start| start.eq_ignore_ascii_case("application/"));
                cty[short.map_or(0, str::len)..].eq_ignore_ascii_case("JWT")
            })
        };
        if header.get("cty").is_some_and(is_nested) {
            return Err("nested tokens are not taken here");
        }
        Ok(Sent {
            header,
            algorithm,
            signed,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

/// Whether it is not over and has begun (RFC 7519 §4.1.4, §4.1.5).
fn in_time(claims: &Object, measure: Measure) -> Result<(), &'static str> {
    let date = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or("its \"exp\" or \"nbf\" is no number"),
    };
    if date("exp")?.is_some_and(|exp| measure.now - measure.leeway >= exp) {
        return Err("it has expired");
    }
    if date("nbf")?.is_some_and(|nbf| measure.now + measure.leeway < nbf) {
        return Err("it is not valid yet");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
