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
use proto::{hex, query};

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
    if !signatures.iter().any(|known| known.about.covers(wish.deed)) {
        return true;
    }
    let expires = wish.given(b"expires");
    let number = std::str::from_utf8(&expires).ok().and_then(|text| text.parse::<u64>().ok());
    number.is_some_and(|expires| expires > now) && signer(signatures, wish).is_some()
}

/// What another stream's address has in the place of this wish's `sign`, for as long. `None`: this wish is not signed.
pub fn sign_for(signatures: &[Signature], wish: &Wish<'_>, name: &[u8]) -> Option<String> {
    let signer = signer(signatures, wish)?;
    let sign = signer.mac(&Wish { name, ..*wish })?.finalize().into_bytes();
    Some(sign.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whose signature the wish has.
fn signer<'a>(signatures: &'a [Signature], wish: &Wish<'_>) -> Option<&'a Signature> {
    let sign = hex::decode(&wish.given(b"sign"))?;
    let signs =
        |known: &&Signature| known.mac(wish).is_some_and(|mac| mac.verify_slice(&sign).is_ok());
    signatures.iter().filter(|known| known.about.covers(wish.deed)).find(signs)
}

impl Signature {
    fn mac(&self, wish: &Wish<'_>) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        for part in [wish.deed.word().as_bytes(), b"/", wish.app, b"/", wish.name, b"?expires="] {
            mac.update(part);
        }
        mac.update(&wish.given(b"expires"));
        Some(mac)
    }
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
        let named = wish(Deed::Play, b"cam", args.as_bytes());
        let other = sign_for(&signatures, &named, b"cat").expect("a signature");
        let other = format!("expires=1893456000&sign={other}");
        assert!(signed(Deed::Play, b"cat", &other, 1) && !signed(Deed::Play, b"cam", &other, 1));
        let unsigned = wish(Deed::Play, b"cat", args.as_bytes());
        assert_eq!(sign_for(&signatures, &unsigned, b"cam"), None);
        for bad in ["", "expires=1893456000", "expires=x&sign=00", "expires=1893456000&sign=0"] {
            assert!(!signed(Deed::Play, b"cam", bad, 1), "{bad}");
        }
    }
}
