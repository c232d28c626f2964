//! How long an answer is valid, as its fields and the configuration say (RFC 9111 §4.2, §5.2; nginx's `X-Accel-Expires`).

use proto::date;
use proto::http1::{FieldSection, Name};

/// Which statuses are valid for how long: `…_cache_valid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Valid {
    /// `None`: any.
    pub status: Option<u16>,
    /// Seconds; 0: it is not stored.
    pub seconds: u64,
}

/// What is not looked at: `…_ignore_headers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unheard {
    /// `X-Accel-Expires`
    pub accel_expires: bool,
    /// `Cache-Control`
    pub cache_control: bool,
    /// `Expires`
    pub expires: bool,
    /// `Set-Cookie`
    pub set_cookie: bool,
    /// `Vary`
    pub vary: bool,
}

/// How long an answer may be given out. Seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Until when it is valid, since 1970.
    pub valid_until: u64,
    /// How long behind that while it is being updated.
    pub stale_updating: u32,
    /// And where nobody answers.
    pub stale_error: u32,
}

/// The most seconds that anything is valid.
const MOST: u64 = u32::MAX as u64;

/// An answer to a request that names its user (`Authorization`) is shared where the answer says so (RFC 9111 §3.5).
pub fn life(
    (status, fields, bytes): (u16, &FieldSection, &[u8]),
    valid: &[Valid],
    unheard: Unheard,
    has_user: bool,
    now: u64,
) -> Option<Life> {
    if !unheard.set_cookie && fields.get(Name::SetCookie).is_some() {
        return None;
    }
    let control = Control::read(fields, bytes);
    if has_user && !control.is_shared {
        return None;
    }
    let heard = if unheard.cache_control { Control::default() } else { control };
    let mut life = Life { valid_until: 0, ..heard.stale() };
    let told = (!unheard.accel_expires).then(|| fields.value(Name::XAccelExpires, bytes)).flatten();
    let seconds = match told.and_then(accel_expires) {
        Some(Told::At(0)) => return None,
        Some(Told::At(second)) => {
            // Also if that is over: as in nginx it is stored, to be asked about.
            life.valid_until = second;
            return Some(life);
        }
        Some(Told::For(0)) => return None,
        Some(Told::For(seconds)) => Some(seconds),
        None if heard.is_private => return None,
        None => match heard.seconds {
            Some(0) => return None,
            Some(seconds) => Some(seconds),
            None if unheard.expires => None,
            None => match fields.value(Name::Expires, bytes) {
                // What is no date is in the past (RFC 9111 §5.3).
                Some(text) => match date::parse(text).filter(|&second| second > now) {
                    Some(second) => Some(second - now),
                    None => return None,
                },
                None => None,
            },
        },
    };
    let by_status = || {
        let is_it = |valid: &&Valid| valid.status.is_none_or(|of| of == status);
        valid.iter().find(is_it).map(|valid| valid.seconds).filter(|&seconds| seconds > 0)
    };
    life.valid_until = now + seconds.or_else(by_status)?.min(MOST);
    Some(life)
}

/// `X-Accel-Expires`
enum Told {
    For(u64),
    At(u64),
}

/// Seconds, or `@` and seconds since 1970. What is neither says nothing.
fn accel_expires(text: &[u8]) -> Option<Told> {
    match text.strip_prefix(b"@") {
        Some(at) => number(at).map(Told::At),
        None => number(text).map(Told::For),
    }
}

fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| is_number)?;
    // More than fits is long enough.
    Some(text.parse().unwrap_or(MOST).min(MOST))
}

/// `Cache-Control`, as a cache that is shared reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Control {
    /// It is for one user, or for nobody to keep.
    is_private: bool,
    /// It is for all, whoever has asked.
    is_shared: bool,
    seconds: Option<u64>,
    stale_updating: u32,
    stale_error: u32,
}

impl Control {
    fn read(fields: &FieldSection, bytes: &[u8]) -> Control {
        let (mut control, mut shared, mut own) = (Control::default(), None, None);
        let values = fields.values(Name::CacheControl, bytes);
        for word in values.flat_map(|value| value.split(|&byte| byte == b',')) {
            let word = word.trim_ascii();
            let at = word.iter().position(|&byte| byte == b'=').unwrap_or(word.len());
            let (name, value) = word.split_at(at);
            let value = value.strip_prefix(b"=").unwrap_or_default().trim_ascii();
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            let seconds = number(value.strip_suffix(b"\"").unwrap_or(value));
            let few = u32::try_from(seconds.unwrap_or(0)).unwrap_or(u32::MAX);
            match &name.trim_ascii().to_ascii_lowercase()[..] {
                b"no-cache" | b"no-store" | b"private" => control.is_private = true,
                b"public" | b"must-revalidate" => control.is_shared = true,
                b"s-maxage" => {
                    control.is_shared = true;
                    shared = Some(seconds.unwrap_or(0));
                }
                b"max-age" => own = Some(seconds.unwrap_or(0)),
                b"stale-while-revalidate" => control.stale_updating = few,
                b"stale-if-error" => control.stale_error = few,
                _ => {}
            }
        }
        control.seconds = shared.or(own);
        control
    }

    fn stale(self) -> Life {
        let Control { stale_updating, stale_error, .. } = self;
        Life { valid_until: 0, stale_updating, stale_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::http1::{AnswerHead, parse_answer};

    const NOW: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT

    fn of(fields: &str, valid: &[Valid], unheard: Unheard, has_user: bool) -> Option<u64> {
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        let mut head = AnswerHead::default();
        parse_answer(text.as_bytes(), &mut head).expect("a head");
        let answer = (head.status, &head.fields, text.as_bytes());
        life(answer, valid, unheard, has_user, NOW).map(|life| life.valid_until - NOW)
    }

    #[test]
    fn fields_say_how_long() {
        let of = |fields| of(fields, &[], Unheard::default(), false);
        for (fields, seconds) in [
            ("", None),
            ("Cache-Control: max-age=5\r\n", Some(5)),
            ("Cache-Control: max-age=\"5\"\r\n", Some(5)),
            ("Cache-Control: max-age=5, s-maxage=7\r\n", Some(7)),
            ("Cache-Control: s-maxage=7\r\nCache-Control: max-age=5\r\n", Some(7)),
            ("Cache-Control: max-age=0\r\n", None),
            ("Cache-Control: max-age=x\r\n", None),
            ("Cache-Control: Max-Age=5, PRIVATE\r\n", None),
            ("Cache-Control: no-store\r\nX-Accel-Expires: 9\r\n", Some(9)),
            ("Cache-Control: max-age=5\r\nX-Accel-Expires: 0\r\n", None),
            ("X-Accel-Expires: @784111787\r\n", Some(10)),
            ("X-Accel-Expires: @784111777\r\n", Some(0)),
            ("Expires: Sun, 06 Nov 1994 08:49:47 GMT\r\n", Some(10)),
            ("Expires: Sun, 06 Nov 1994 08:49:47 GMT\r\nCache-Control: max-age=3\r\n", Some(3)),
            ("Expires: Sun, 06 Nov 1994 08:49:37 GMT\r\n", None),
            ("Expires: 0\r\n", None),
            ("Cache-Control: max-age=5\r\nSet-Cookie: a=b\r\n", None),
            ("Cache-Control: max-age=99999999999999999999999\r\n", Some(MOST)),
        ] {
            assert_eq!(of(fields), seconds, "{fields}");
        }
    }

    #[test]
    fn the_configuration_says_it_of_the_rest() {
        let valid = |status, seconds| Valid { status, seconds };
        let rows = [valid(Some(200), 60), valid(None, 1)];
        let of = |fields| of(fields, &rows, Unheard::default(), false);
        assert_eq!(of(""), Some(60));
        assert_eq!(of("Cache-Control: max-age=5\r\n"), Some(5));
        assert_eq!(of("Cache-Control: no-cache\r\n"), None);
        assert_eq!(of("X-Accel-Expires: soon\r\n"), Some(60));
    }

    #[test]
    fn what_is_not_heard_says_nothing() {
        let all = Unheard {
            accel_expires: true,
            cache_control: true,
            expires: true,
            set_cookie: true,
            vary: true,
        };
        let rows = [Valid { status: None, seconds: 60 }];
        let fields =
            "Set-Cookie: a=b\r\nCache-Control: private\r\nX-Accel-Expires: 0\r\nExpires: 0\r\n";
        assert_eq!(of(fields, &rows, all, false), Some(60));
        assert_eq!(of(fields, &rows, all, true), None, "whose it is, nobody can unsay");
    }

    #[test]
    fn users_answers_are_theirs() {
        for (fields, seconds) in [
            ("Cache-Control: max-age=5\r\n", None),
            ("Cache-Control: max-age=5, public\r\n", Some(5)),
            ("Cache-Control: s-maxage=5\r\n", Some(5)),
            ("Cache-Control: max-age=5, must-revalidate\r\n", Some(5)),
        ] {
            assert_eq!(of(fields, &[], Unheard::default(), true), seconds, "{fields}");
        }
    }
}
