//! `secure_link`: links that only who knows a secret can make, and that end.
//!
//! ```text
//! secure_link HASH[,EXPIRES]   HASH = base64url(md5(secure_link_md5)): "1", or "0" when it has ended
//! secure_link_secret WORD      /any/HEX/LINK, HEX = md5(LINK WORD):     LINK
//! ```
//! `$secure_link` has no value for links that nobody has made who knows the secret. The rules are nginx's
//! (`ngx_http_secure_link_module`).
#![forbid(unsafe_code)]

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use conf::{Arity, Contexts, Error, Setting, Word, contexts, settings};
use http::{Hooks, Module, Request, Template, Variable};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

/// The module.
pub struct SecureLink;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option secure_link: Word = (
            WEB, Arity::Exactly(1), |s: &Setting<'_>| Ok(s.args()[0].clone()), "",
            "a link's hash and, behind a comma, when it ends in seconds since 1970: $arg_md5,$arg_expires"
        );
        option secure_link_md5: Word = (
            WEB, Arity::Exactly(1), |s: &Setting<'_>| Ok(s.args()[0].clone()), "",
            "what the hash is made of: the link, when it ends, and a secret"
        );
        option secure_link_secret: Word = (
            WEB, Arity::Exactly(1), |s: &Setting<'_>| Ok(s.args()[0].clone()), "",
            "the secret of links /PREFIX/HASH/LINK"
        );
    }
}

impl Module for SecureLink {
    const NAME: &'static str = "secure_link";
    type Conf = Conf;
    const DIRECTIVES: &'static [conf::Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[
        Variable {
            name: "secure_link",
            get: |request, _, out| {
                request.kept::<Link>().is_some_and(|link| link.check(request, out).is_some())
            },
            help: "1, if the link is right; 0, if it has ended; with secure_link_secret the link itself; else nothing",
        },
        Variable {
            name: "secure_link_expires",
            get: |request, _, out| {
                let Some(Link::Hashed { link, .. }) = request.kept() else { return false };
                let mut text = Vec::new();
                link.write(request, &mut text, |_, _, _| {});
                let ends = split(&text).1.filter(|ends| seconds(ends).is_some());
                ends.inspect(|ends| out.extend_from_slice(ends)).is_some()
            },
            help: "when the link ends, as it says",
        },
    ];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let (link, md5) = (conf.secure_link.get(), conf.secure_link_md5.get());
        match (conf.secure_link_secret.get(), link, md5) {
            (Some(secret), None, None) => {
                hooks.keep(Link::Secret(conf::text::bytes(&secret.text).to_vec()));
            }
            (Some(secret), ..) => {
                let with = "cannot be mixed with \"secure_link\" and \"secure_link_md5\"";
                return Err(hooks.error(secret, format!("\"secure_link_secret\" {with}")));
            }
            (None, Some(link), Some(md5)) => {
                let (link, made_of) = (hooks.template(link)?, hooks.template(md5)?);
                hooks.keep(Link::Hashed { link, made_of });
            }
            // Their variables must be known all the same.
            (None, link, md5) => {
                link.into_iter().chain(md5).try_for_each(|word| hooks.template(word).map(drop))?;
            }
        }
        Ok(())
    }
}

/// How links are made in a location.
enum Link {
    Secret(Vec<u8>),
    Hashed { link: Template, made_of: Template },
}

impl Link {
    /// Appends what the request's link is worth. `None`: nothing.
    fn check(&self, request: &Request, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Link::Secret(secret) => {
                let link = named(request.request_uri(), secret)?;
                out.extend_from_slice(link);
            }
            Link::Hashed { link, made_of } => {
                let mut text = Vec::new();
                link.write(request, &mut text, |_, _, _| {});
                let (hash, ends) = split(&text);
                let ends = ends.map(|ends| seconds(ends).ok_or(())).transpose().ok()?;
                let hash = BASE64.decode(hash).ok()?;
                let mut secret = Vec::new();
                made_of.write(request, &mut secret, |_, _, _| {});
                is_md5(&secret, &hash).then_some(())?;
                let now = rt::wall().as_secs();
                out.push(if ends.is_some_and(|ends| ends < now) { b'0' } else { b'1' });
            }
        }
        Some(())
    }
}

/// As nginx: padding may be missing, and bits that no byte has.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The hash, and what stands behind its comma.
fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|&byte| byte == b',') {
        Some(comma) => (&text[..comma], Some(&text[comma + 1..])),
        None => (text, None),
    }
}

/// Seconds since 1970, after which there was a time.
fn seconds(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse::<i64>().ok().filter(|seconds| digits && *seconds > 0)?;
    u64::try_from(seconds).ok()
}

fn is_md5(of: &[u8], hash: &[u8]) -> bool {
    Md5::digest(of)[..].ct_eq(hash).into()
}

/// The link behind the hash that stands in a URI, if that is right.
fn named<'u>(uri: &'u [u8], secret: &[u8]) -> Option<&'u [u8]> {
    let mut parts = uri.get(1..)?.splitn(3, |&byte| byte == b'/');
    let (_, hash, link) = (parts.next()?, parts.next()?, parts.next()?);
    is_md5(&[link, secret].concat(), &proto::hex::decode(hash)?).then_some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read() {
        assert_eq!(split(b"abc,12"), (&b"abc"[..], Some(&b"12"[..])));
        assert_eq!(split(b"abc"), (&b"abc"[..], None));
        assert_eq!(seconds(b"12"), Some(12));
        for wrong in ["", "0", "-1", "+1", "1x", " 1", "99999999999999999999"] {
            assert_eq!(seconds(wrong.as_bytes()), None, "{wrong}");
        }
        // md5("linksecret")
        let uri = b"/p/b22a16cae09f4ac98e20e0bbf9bd4ab6/link";
        let hash = Md5::digest(b"linksecret");
        let hex: String = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(named(format!("/p/{hex}/link").as_bytes(), b"secret"), Some(&b"link"[..]));
        assert_eq!(named(format!("/{hex}/link").as_bytes(), b"secret"), None);
        assert_eq!(named(format!("/p/{hex}/lin").as_bytes(), b"secret"), None);
        assert_eq!(named(uri, b"other"), None);
        for odd in ["", "/", "//", "///", "/p/é/x", "/p/zz/x"] {
            assert_eq!(named(odd.as_bytes(), b""), None, "{odd}");
        }
    }
}
