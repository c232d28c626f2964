//! Pages of other origins (Fetch standard, CORS): who may read, who may publish.

use http::Request;
use proto::http1::Name;

use crate::conf::text;

/// `sse_allow_origin`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    all: bool,
    some: Vec<String>,
}

impl Origins {
    /// Reads the words of the directive; the error is which of them is none.
    pub fn parse<'w>(words: impl Iterator<Item = &'w str>) -> Result<Origins, usize> {
        let mut origins = Origins::default();
        for (at, word) in words.enumerate() {
            match word {
                "*" if at == 0 => origins.all = true,
                word if is_origin(word) && !origins.all => {
                    origins.some.push(word.to_ascii_lowercase());
                }
                _ => return Err(at),
            }
        }
        Ok(origins)
    }

    fn has(&self, origin: &[u8]) -> bool {
        self.some.iter().any(|known| origin.eq_ignore_ascii_case(known.as_bytes()))
    }

    /// Whether a page of that request's origin may send it: one of our own, one that is allowed, or no
    /// page at all.
    pub fn admit(&self, request: &Request) -> bool {
        match request.header(Name::Origin) {
            None => true,
            Some(origin) => self.all || self.has(origin) || is_own(request, origin),
        }
    }

    /// Adds the fields that let a page read the answer.
    pub fn add_fields(&self, request: &mut Request) {
        if !self.some.is_empty() {
            request.response.add_header("Vary", text("Origin"));
        }
        let Some(origin) = request.header_str(Name::Origin) else { return };
        if self.all {
            request.response.add_header("Access-Control-Allow-Origin", text("*"));
        } else if self.has(&origin) {
            request.response.add_header("Access-Control-Allow-Origin", origin);
            request.response.add_header("Access-Control-Allow-Credentials", text("true"));
        }
    }

    /// Adds what a preflight asks for.
    pub fn add_preflight(&self, request: &mut Request, methods: &'static str) {
        let origin = request.header(Name::Origin);
        let known = origin.is_some_and(|origin| self.all || self.has(origin));
        self.add_fields(request);
        if known {
            request.response.add_header("Access-Control-Allow-Methods", text(methods));
            request.response.add_header(
                "Access-Control-Allow-Headers",
                text(
                    "Last-Event-ID, Content-Type, Cache-Control, Authorization, Event-Type, \
                     Event-ID, Event-End, Idempotency-Key, X-EventSource-Event",
                ),
            );
            request.response.add_header("Access-Control-Max-Age", text("7200"));
        }
    }
}

fn is_origin(word: &str) -> bool {
    let host = word.split_once("://").filter(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    host.is_some_and(|(_, host)| !host.is_empty() && !host.contains(['/', ' ', '*', '?', '#', ',']))
}

/// Whether the page came from the host that it asks now.
fn is_own(request: &Request, origin: &[u8]) -> bool {
    let host = origin.windows(3).position(|part| part == b"://").map(|at| &origin[at + 3..]);
    let asked = request.header(Name::Host);
    matches!((host, asked), (Some(host), Some(asked)) if host.eq_ignore_ascii_case(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read() {
        let parse = |words: &[&str]| Origins::parse(words.iter().copied());
        assert!(parse(&["*"]).is_ok_and(|origins| origins.all));
        let two = parse(&["https://A.example", "http://localhost:8080"]).expect("two origins");
        assert!(two.has(b"https://a.example") && two.has(b"http://localhost:8080"));
        assert!(!two.has(b"http://a.example") && !two.has(b"null"));
        assert_eq!(parse(&["https://a", "*"]), Err(1));
        assert_eq!(parse(&["*", "https://a"]), Err(1));
        for word in ["a.example", "https://a/", "://a", "https://", "https://*.a"] {
            assert_eq!(parse(&[word]), Err(0), "{word}");
        }
    }
}
