//! `stream_key`, `signed_url`: streams that need a secret, without a hook.
//!
//! A signed address is `APP/NAME?expires=SECONDS&sign=HEX`, HEX being HMAC-SHA256, under the secret, of
//! `publish/APP/NAME?expires=SECONDS` (or `play/…`). As `openssl` makes it:
//!
//! ```text
//! printf 'play/live/cam?expires=1893456000' | openssl dgst -sha256 -hmac SECRET
//! ```

use conf::{Error, Setting};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::access::rules::{About, Deed};
use proto::query;

/// A `stream_key`.
#[derive(Clone, Debug)]
pub struct Key {
    about: About,
    /// `None`: every stream.
    name: Option<Vec<u8>>,
    keys: Vec<Vec<u8>>,
}

/// A `signed_url`.
#[derive(Clone, Debug)]
pub struct Signature {
    about: About,
    secret: Vec<u8>,
}

/// Reads `stream_key`.
pub fn key(setting: &Setting<'_>) -> Result<Key, Error> {
    let about = About::parse(setting, 0)?;
    let name = Some(setting.arg(1)).filter(|&name| name != "*");
    let keys = setting.args()[2..].iter().map(|word| word.text.clone().into_bytes()).collect();
    let name = name.map(|name| name.as_bytes().to_vec());
    Ok(Key { about, name, keys })
}

/// Reads `signed_url`.
pub fn signature(setting: &Setting<'_>) -> Result<Signature, Error> {
    let about = About::parse(setting, 0)?;
    Ok(Signature { about, secret: setting.arg(1).as_bytes().to_vec() })
}

/// A client's wish.
pub struct Wish<'a> {
    /// What it wants to do.
    pub deed: Deed,
    /// The application.
    pub app: &'a [u8],
    /// The stream.
    pub name: &'a [u8],
    /// What stands behind the `?`.
    pub args: &'a [u8],
    /// The arguments of the application's name, which count where the stream's have none of that name.
    pub outer: &'a [u8],
}

impl Wish<'_> {
    fn given(&self, name: &[u8]) -> Vec<u8> {
        let given = query::get(self.args, name).or_else(|| query::get(self.outer, name));
        given.unwrap_or_default()
    }
}

/// Whether the wish has the key that its stream needs. Keys for the name go before those for all.
pub fn has_key(keys: &[Key], wish: &Wish<'_>) -> bool {
    let about = |key: &&Key| key.about.covers(wish.deed);
    let named = |key: &&Key| key.name.as_deref() == Some(wish.name);
    let mut needed = keys.iter().filter(about).filter(named).peekable();
    let given = wish.given(b"key");
    let fits = |key: &Key| key.keys.iter().any(|known| known.ct_eq(&given).into());
    if needed.peek().is_some() {
        return needed.any(fits);
    }
    let mut general = keys.iter().filter(about).filter(|key| key.name.is_none()).peekable();
    general.peek().is_none() || general.any(fits)
}

/// Whether the wish is signed, if it must be, and has not expired. `now`: seconds since 1970.
pub fn is_signed(signatures: &[Signature], wish: &Wish<'_>, now: u64) -> bool {
    let mut needed = signatures.iter().filter(|known| known.about.covers(wish.deed)).peekable();
    if needed.peek().is_none() {
        return true;
    }
    let expires = wish.given(b"expires");
    let sign = from_hex(&wish.given(b"sign")).unwrap_or_default();
    let number = std::str::from_utf8(&expires).ok().and_then(|text| text.parse::<u64>().ok());
    if number.is_none_or(|expires| expires <= now) {
        return false;
    }
    needed.any(|known| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&known.secret) else { return false };
        for part in [wish.deed.word().as_bytes(), b"/", wish.app, b"/", wish.name, b"?expires="] {
            mac.update(part);
        }
        mac.update(&expires);
        mac.verify_slice(&sign).is_ok()
    })
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks(2).map(|pair| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish<'a>(deed: Deed, name: &'a [u8], args: &'a [u8]) -> Wish<'a> {
        Wish { deed, app: b"live", name, args, outer: b"" }
    }

    #[test]
    fn keys() {
        let publish = About::only(Deed::Publish);
        let keys = [
            Key {
                about: publish,
                name: Some(b"cam".to_vec()),
                keys: vec![b"a".to_vec(), b"b".to_vec()],
            },
            Key { about: publish, name: None, keys: vec![b"c".to_vec()] },
        ];
        let may = |deed, name: &[u8], args: &[u8]| has_key(&keys, &wish(deed, name, args));
        assert!(may(Deed::Publish, b"cam", b"x=1&key=b") && may(Deed::Publish, b"cam", b"key=a"));
        assert!(!may(Deed::Publish, b"cam", b"key=c") && !may(Deed::Publish, b"cam", b""));
        assert!(may(Deed::Publish, b"other", b"key=c") && !may(Deed::Publish, b"other", b"key=a"));
        assert!(may(Deed::Play, b"cam", b""));
        // A key in the application's address: rtmp://HOST/live?key=a
        let outer = |args: &[u8]| {
            let wish = Wish { outer: b"key=a", ..wish(Deed::Publish, b"cam", args) };
            has_key(&keys, &wish)
        };
        assert!(outer(b"") && outer(b"x=y") && !outer(b"key=no"));
    }

    #[test]
    fn signatures() {
        let signatures = [Signature { about: About::ALL, secret: b"SECRET".to_vec() }];
        // printf 'play/live/cam?expires=1893456000' | openssl dgst -sha256 -hmac SECRET
        let sign = "0368bd5ef9ec11f8339a51aea528bc7583bde519a420c3d7cd2caa56fd99daba";
        let args = format!("expires=1893456000&sign={sign}");
        let signed = |deed, name: &[u8], args: &str, now| {
            is_signed(&signatures, &wish(deed, name, args.as_bytes()), now)
        };
        assert!(signed(Deed::Play, b"cam", &args, 1_893_455_999));
        assert!(!signed(Deed::Play, b"cam", &args, 1_893_456_000), "it has expired");
        assert!(!signed(Deed::Publish, b"cam", &args, 1), "it is for playing");
        assert!(!signed(Deed::Play, b"cat", &args, 1), "it is another's");
        for bad in ["", "expires=1893456000", "expires=x&sign=00", "expires=1893456000&sign=0"] {
            assert!(!signed(Deed::Play, b"cam", bad, 1), "{bad}");
        }
    }
}
