//! The names of the header fields that the server itself looks at, in requests and in the answers of other servers.

macro_rules! names {
    ($($name:ident $text:literal),* $(,)?) => {
        /// A field name, found without regard to case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Name {
            $(#[doc = concat!("`", $text, "`")] $name,)*
            /// A name that is not in this list.
            Other,
        }

        const KNOWN: &[(Name, &str)] = &[$((Name::$name, $text)),*];
    };
}

// In the order of length: `Name::of` compares only names as long as the one it is given.
names! {
    Te "te",
    Via "via",
    Host "host", Etag "etag", Date "date", Vary "vary",
    Range "range", Depth "depth", XPad "x-pad",
    Accept "accept", Cookie "cookie", Expect "expect", Origin "origin",
    Server "server", Status "status",
    Referer "referer", Upgrade "upgrade", Expires "expires", Refresh "refresh",
    Trailer "trailer",
    IfMatch "if-match", IfRange "if-range", Location "location",
    XRealIp "x-real-ip", Overwrite "overwrite", Forwarded "forwarded",
    Connection "connection", KeepAlive "keep-alive", UserAgent "user-agent",
    SetCookie "set-cookie",
    Destination "destination",
    ContentType "content-type",
    Authorization "authorization", IfNoneMatch "if-none-match", ContentRange "content-range",
    LastEventId "last-event-id", CacheControl "cache-control", LastModified "last-modified",
    AcceptRanges "accept-ranges",
    ContentLength "content-length",
    AcceptEncoding "accept-encoding", AcceptLanguage "accept-language",
    XForwardedFor "x-forwarded-for", XAccelExpires "x-accel-expires",
    XAccelCharset "x-accel-charset",
    ContentEncoding "content-encoding", WwwAuthenticate "www-authenticate",
    ProxyConnection "proxy-connection", XAccelRedirect "x-accel-redirect",
    IfModifiedSince "if-modified-since", TransferEncoding "transfer-encoding",
    SecWebSocketKey "sec-websocket-key", XAccelBuffering "x-accel-buffering",
    XAccelLimitRate "x-accel-limit-rate",
    IfUnmodifiedSince "if-unmodified-since", ProxyAuthorization "proxy-authorization",
    SecWebSocketVersion "sec-websocket-version",
    SecWebSocketProtocol "sec-websocket-protocol",
    SecWebSocketExtensions "sec-websocket-extensions",
}

const LONGEST: usize = KNOWN[KNOWN.len() - 1].1.len();

/// `KNOWN[FIRST[n]..FIRST[n + 1]]` are the names of length `n`.
static FIRST: [u8; LONGEST + 2] = {
    let mut first = [0; LONGEST + 2];
    let (mut len, mut i) = (0, 0);
    while len < first.len() {
        while i < KNOWN.len() && KNOWN[i].1.len() < len {
            i += 1;
        }
        assert!(i == KNOWN.len() || i == 0 || KNOWN[i - 1].1.len() <= KNOWN[i].1.len());
        first[len] = i as u8;
        len += 1;
    }
    first
};

// `Head` remembers which names it has seen as bits of a u64.
const _: () = assert!(KNOWN.len() < 64);

impl Name {
    /// The name that these bytes spell, in any case.
    pub fn of(name: &[u8]) -> Name {
        let (Some(&first), Some(&end)) = (FIRST.get(name.len()), FIRST.get(name.len() + 1)) else {
            return Name::Other;
        };
        let same_length = &KNOWN[first as usize..end as usize];
        let found = same_length.iter().find(|(_, text)| same(name, text.as_bytes()));
        found.map_or(Name::Other, |&(name, _)| name)
    }

    /// The name in lower case; empty for [`Name::Other`].
    pub fn as_str(self) -> &'static str {
        KNOWN.get(self as usize).map_or("", |&(_, text)| text)
    }

    pub(super) fn bit(self) -> u64 {
        1 << self as u8
    }
}

/// Whether two names of the same length are the same but for case; `lower` is in lower case.
fn same(name: &[u8], lower: &[u8]) -> bool {
    if name.len() >= 8 {
        same_words(name, lower, u64::from_ne_bytes)
    } else if name.len() >= 4 {
        same_words(name, lower, |word| u32::from_ne_bytes(word).into())
    } else {
        name.eq_ignore_ascii_case(lower)
    }
}

/// Compares `N` bytes at a time; the last `N` may overlap those before.
fn same_words<const N: usize>(name: &[u8], lower: &[u8], word: fn([u8; N]) -> u64) -> bool {
    let same = |name: &[u8; N], lower: &[u8; N]| same_word(word(*name), word(*lower));
    let last = name.last_chunk().zip(lower.last_chunk());
    let words = name.as_chunks().0.iter().zip(lower.as_chunks().0);
    last.into_iter().chain(words).all(|(name, lower)| same(name, lower))
}

/// Only letters have bit 6 set in a known name, and only they may differ in bit 5.
fn same_word(name: u64, lower: u64) -> bool {
    let letters = lower & 0x4040_4040_4040_4040;
    (name ^ lower) & !(letters >> 1) == 0
}

/// The fields that may stand in a request once; a second one could smuggle a different meaning past
/// whoever looks at the first.
pub(super) const SINGLE: [Name; 12] = [
    Name::Host,
    Name::ContentLength,
    Name::TransferEncoding,
    Name::IfModifiedSince,
    Name::IfUnmodifiedSince,
    Name::IfMatch,
    Name::IfNoneMatch,
    Name::IfRange,
    Name::ContentRange,
    Name::Expect,
    Name::Authorization,
    Name::ProxyAuthorization,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found() {
        for &(name, text) in KNOWN {
            assert_eq!(Name::of(text.as_bytes()), name);
            assert_eq!(Name::of(text.to_ascii_uppercase().as_bytes()), name);
            assert_eq!(Name::of(&text.as_bytes()[1..]), Name::Other);
            assert_eq!(name.as_str(), text);
        }
        for name in [&b""[..], b"user\x0dagent", b"user agent", b"Keep-Alivf"] {
            assert_eq!(Name::of(name), Name::Other);
        }
        assert_eq!(Name::of(&[b'x'; 100]), Name::Other);
        assert_eq!(Name::Other.as_str(), "");
    }

    #[test]
    fn one_other_byte_makes_another_name() {
        for &(name, text) in KNOWN {
            for at in 0..text.len() {
                let mut bytes = text.as_bytes().to_vec();
                for byte in 0..=255 {
                    bytes[at] = byte;
                    let same = bytes.eq_ignore_ascii_case(text.as_bytes());
                    assert_eq!(Name::of(&bytes) == name, same, "{}", bytes.escape_ascii());
                }
            }
        }
    }
}
