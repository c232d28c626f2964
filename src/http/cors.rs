//! Pages of other origins (Fetch standard, CORS): who may read, who may publish.

use mem::Str;
use proto::http1::{Method, Name};

use crate::{Flow, Request};

/// Whose pages: their origins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    all: bool,
    some: Vec<String>,
    /// `https://` and `.example.org`: every host below that one.
    below: Vec<(String, String)>,
}

/// Which fields these pages may send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHeaders {
    any: bool,
    names: String,
}

impl AllowedHeaders {
    /// Those that are named, as a list is written.
    pub fn named(names: &str) -> AllowedHeaders {
        AllowedHeaders { any: false, names: names.to_owned() }
    }

    /// Reads the words of a directive, which adds to `usual`: names, or `any`, which is what a page asks for. The error is
    /// which of them is neither.
    pub fn parse<'w>(
        usual: &str,
        words: impl Iterator<Item = &'w str>,
    ) -> Result<AllowedHeaders, usize> {
        let mut headers = AllowedHeaders::named(usual);
        for (at, word) in words.enumerate() {
            match word {
                "any" => headers.any = true,
                word if is_token(word.as_bytes()) => {
                    headers.names.push_str(", ");
                    headers.names.push_str(word);
                }
                _ => return Err(at),
            }
        }
        Ok(headers)
    }

    /// The field of the answer to a preflight that asks for these.
    fn answer(&self, asked: Option<&[u8]>) -> String {
        // What is no list of names is not sent back.
        let names = asked.filter(|_| self.any).unwrap_or_default();
        let mut names = names.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        let asked = names.clone().all(is_token).then(|| names.by_ref().collect::<Vec<_>>());
        match asked {
            Some(asked) => String::from_utf8_lossy(&asked.join(&b", "[..])).into_owned(),
            None => self.names.clone(),
        }
    }
}

/// Whether these bytes are a token (RFC 9110 §5.6.2), as the names of fields are.
fn is_token(word: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !word.is_empty() && word.iter().all(plain)
}

impl Origins {
    /// Reads the words of the directive; the error is the first that is no origin.
    pub fn parse<'w>(words: impl Iterator<Item = &'w str>) -> Result<Origins, usize> {
        let mut origins = Origins::default();
        for (at, word) in words.enumerate() {
            match word {
                "*" if at == 0 => origins.all = true,
                _ if origins.all => return Err(at),
                // A page in a sandbox, a file, a redirect between origins: whoever they are.
                "null" => origins.some.push("null".into()),
                word if is_origin(word) => origins.some.push(word.to_ascii_lowercase()),
                word => {
                    let (scheme, host) = word.split_once("://*.").ok_or(at)?;
                    if !is_origin(&format!("{scheme}://{host}")) {
                        return Err(at);
                    }
                    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
                    origins.below.push((format!("{scheme}://"), format!(".{host}")));
                }
            }
        }
        Ok(origins)
    }

    fn has(&self, origin: &[u8]) -> bool {
        let same = |known: &String| origin.eq_ignore_ascii_case(known.as_bytes());
        let below = |(scheme, host): &(String, String)| {
            let origin = origin.to_ascii_lowercase();
            let name = origin.strip_prefix(scheme.as_bytes());
            let name = name.and_then(|rest| rest.strip_suffix(host.as_bytes()));
            // Labels and nothing else: what stands before the domain must not be a host of its own.
            let plain =
                |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            name.is_some_and(|name| !name.is_empty() && name.iter().all(plain))
        };
        self.some.iter().any(same) || self.below.iter().any(below)
    }

    /// Whether a page of that request's origin may send it: one of our own, one that is allowed, or no
    /// page at all.
    pub fn admit(&self, request: &Request) -> bool {
        match request.header(Name::Origin) {
            None => true,
            Some(origin) => self.all || self.has(origin) || is_own(request, origin),
        }
    }

    /// Whether a page of that request's origin may read the answer.
    pub fn knows(&self, request: &Request) -> bool {
        request.header(Name::Origin).is_some_and(|origin| self.all || self.has(origin))
    }

    /// Adds the fields that let a page read the answer.
    pub fn add_fields(&self, request: &mut Request) {
        if !self.some.is_empty() || !self.below.is_empty() {
            request.response.add_header("Vary", Str::from("Origin"));
        }
        let Some(origin) = request.header_str(Name::Origin) else { return };
        if self.all {
            request.response.add_header("Access-Control-Allow-Origin", Str::from("*"));
        } else if self.has(&origin) {
            request.response.add_header("Access-Control-Allow-Origin", origin);
            request.response.add_header("Access-Control-Allow-Credentials", Str::from("true"));
        }
    }

    /// Answers what is neither GET nor HEAD, where there is something to be read and nothing else: `OPTIONS`, which browsers ask
    /// before they read, and methods that there are not.
    pub fn answer_other_methods(&self, request: &mut Request) -> Option<Flow> {
        const METHODS: &str = "GET, HEAD, OPTIONS";
        const FIELDS: &str = "Content-Type, Cache-Control, Authorization, Range";
        match request.method {
            Method::Get | Method::Head => None,
            Method::Options => {
                request.response.set_empty(204);
                request.response.content_length = None;
                request.response.add_header("Allow", Str::from(METHODS));
                self.add_preflight(request, METHODS, &AllowedHeaders::named(FIELDS));
                Some(Flow::Respond)
            }
            _ => {
                request.response.add_header("Allow", Str::from(METHODS));
                Some(Flow::Status(405))
            }
        }
    }

    /// Adds what a preflight asks for.
    pub fn add_preflight(
        &self,
        request: &mut Request,
        methods: &'static str,
        headers: &AllowedHeaders,
    ) {
        self.add_fields(request);
        if self.knows(request) {
            let asked = request.headers_named("access_control_request_headers").next();
            let headers = Str::copy(headers.answer(asked).as_bytes());
            let response = &mut request.response;
            response.add_header("Access-Control-Allow-Methods", Str::from(methods));
            response.add_header("Access-Control-Allow-Headers", headers);
            response.add_header("Access-Control-Max-Age", Str::from("7200"));
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
        for word in [
            "a.example",
            "https://a/",
            "://a",
            "https://",
            "https://*",
            "https://*.",
            "*.a",
            "https://a.*",
            "https://*.*.a",
        ] {
            assert_eq!(parse(&[word]), Err(0), "{word}");
        }
    }

    #[test]
    fn a_star_stands_for_what_is_below_a_domain() {
        let parse = |words: &[&str]| Origins::parse(words.iter().copied()).expect("origins");
        let below = parse(&["https://*.Example.org", "http://*.local:8080"]);
        for origin in ["https://a.example.org", "https://A.B.EXAMPLE.ORG", "http://x.local:8080"] {
            assert!(below.has(origin.as_bytes()), "{origin}");
        }
        for origin in [
            "https://example.org",
            "https://.example.org",
            "https://evilexample.org",
            "https://evil.example/.example.org",
            "https://evil.example:1.example.org",
            "https://user@x.example.org",
            "https://a.example.org.evil.example",
            "https://a.example.org:444",
            "http://a.example.org",
            "http://x.local",
            "null",
        ] {
            assert!(!below.has(origin.as_bytes()), "{origin}");
        }
        let null = parse(&["null"]);
        assert!(null.has(b"null") && !null.has(b"https://null"));
    }

    #[test]
    fn fields_are_those_that_are_written_or_asked_for() {
        let parse = |words: &[&str]| AllowedHeaders::parse("Usual", words.iter().copied());
        let of =
            |words: &[&str], asked: &str| parse(words).map(|h| h.answer(Some(asked.as_bytes())));
        assert_eq!(of(&[], "x-mine"), Ok("Usual".into()));
        assert_eq!(of(&["X-Mine", "Traceparent"], ""), Ok("Usual, X-Mine, Traceparent".into()));
        assert_eq!(of(&["any"], "x-mine,traceparent"), Ok("x-mine, traceparent".into()));
        // No list of names: nothing of it is sent back.
        for asked in ["x mine", "a,,b", "", "a\u{1}", "a,\"b\""] {
            assert_eq!(of(&["any"], asked), Ok("Usual".into()), "{asked:?}");
        }
        assert_eq!(parse(&["x", "a b"]), Err(1));
    }
}
