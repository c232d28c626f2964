//! The head of a request that came as a list of fields (HTTP/2, RFC 9113 §8.3), written down as text: whoever reads heads
//! finds the same offsets in it as in one of HTTP/1.

use super::fields::is_plain;
use super::head::{Field, Head, HeadLimits, Range32, Version};
use super::method::is_method_byte;
use super::request_line::split_target;
use super::{Method, Name, Reject};

const METHOD: Reject = Reject::new(400, "client sent invalid method");
const PATH: Reject = Reject::new(400, "client sent invalid :path header");
const TOO_LARGE: Reject = Reject::new(494, "client sent too large header");
const NAME: Reject = Reject::new(400, "client sent invalid header name");
const VALUE: Reject = Reject::new(400, "client sent header with invalid value");

const PROTOCOL: &[u8] = b"HTTP/2.0";

/// A head while it is written.
pub struct Listed<'h> {
    head: &'h mut Head,
    text: &'h mut Vec<u8>,
    limits: HeadLimits,
}

impl<'h> Listed<'h> {
    /// Begins with the request's line. What is refused is in the text all the same, for the logs.
    pub fn new(
        head: &'h mut Head,
        text: &'h mut Vec<u8>,
        limits: &HeadLimits,
        method: &[u8],
        target: &[u8],
    ) -> Result<Listed<'h>, Reject> {
        text.clear();
        head.version = Version::V20;
        head.method = Method::of(method);
        let shown = target.len().min(limits.line);
        for part in [method, b" ", &target[..shown], b" ", PROTOCOL] {
            text.extend_from_slice(part);
        }
        head.method_name = Range32::new(0, method.len());
        head.protocol = Range32::new(text.len() - PROTOCOL.len(), text.len());
        head.request_line = Range32::new(0, text.len());
        text.extend_from_slice(b"\r\n");
        if shown < target.len() {
            return Err(TOO_LARGE);
        }
        if method.is_empty() || !method.iter().all(|&byte| is_method_byte(byte)) {
            return Err(METHOD);
        }
        // What CONNECT names is no path.
        if !target.is_empty() || head.method != Method::Connect {
            let is_path = target.first() == Some(&b'/')
                && target.iter().all(|&byte| byte > b' ' && byte != 0x7f);
            split_target(target, method.len() + 1, head).map_err(|_| PATH)?;
            if !is_path {
                return Err(PATH);
            }
        }
        Ok(Listed { head, text, limits: *limits })
    }

    /// One more field; `values` are put together by `between`.
    pub fn field<'v>(
        &mut self,
        name: &[u8],
        values: impl Iterator<Item = &'v [u8]>,
        between: &[u8],
    ) -> Result<(), Reject> {
        // One that comes in pieces may have the room of all.
        let most = if between.is_empty() { self.limits.line } else { self.limits.total };
        let start = self.text.len();
        self.text.extend_from_slice(name);
        let name_end = self.text.len();
        self.text.extend_from_slice(b": ");
        let value_start = self.text.len();
        for (at, value) in values.enumerate() {
            if at > 0 {
                self.text.extend_from_slice(between);
            }
            self.text.extend_from_slice(value);
            if self.text.len() - start > most {
                break;
            }
        }
        let value = &self.text[value_start..];
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(VALUE);
        }
        let spaces = value.iter().take_while(|&&byte| byte == b' ').count();
        let trailing = value[spaces..].iter().rev().take_while(|&&byte| byte == b' ').count();
        let (value_start, value_end) = (value_start + spaces, value_start + value.len() - trailing);
        self.text.extend_from_slice(b"\r\n");
        if self.text.len() - start > most || self.text.len() > self.limits.total {
            return Err(TOO_LARGE);
        }
        self.push(Range32::new(start, name_end), Range32::new(value_start, value_end))
    }

    fn push(&mut self, name: Range32, value: Range32) -> Result<(), Reject> {
        let text = name.of(self.text);
        if text.is_empty() || text.iter().any(|byte| *byte <= b' ' || *byte == b':' || *byte == 127)
        {
            return Err(NAME);
        }
        let underscored = || text.iter().all(|&byte| byte == b'_' || is_plain(&[byte]));
        let id = match is_plain(text) {
            true => Name::of(text),
            false if self.limits.underscores && underscored() => Name::Other,
            false if !self.limits.ignore_invalid => Name::Other,
            false => {
                self.head.dropped += 1;
                return Ok(());
            }
        };
        self.head.push(Field { name, value, id }, &self.limits)
    }

    /// That was all.
    pub fn end(self) {
        self.text.extend_from_slice(b"\r\n");
        self.head.len = self.text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name, and its values.
    type Listing<'a> = (&'a str, &'a [&'a str]);

    fn listed(target: &str, fields: &[Listing<'_>]) -> (Head, Vec<u8>, Result<(), Reject>) {
        let (mut head, mut text) = (Head::default(), Vec::new());
        let limits = HeadLimits { line: 64, total: 256, headers: 3, ..HeadLimits::default() };
        let written = Listed::new(&mut head, &mut text, &limits, b"GET", target.as_bytes());
        let result = written.and_then(|mut listed| {
            for (name, values) in fields {
                let between: &[u8] = if *name == "cookie" { b"; " } else { b"" };
                let values = values.iter().map(|value| value.as_bytes());
                listed.field(name.as_bytes(), values, between)?;
            }
            listed.end();
            Ok(())
        });
        (head, text, result)
    }

    #[test]
    fn a_list_reads_as_text_does() {
        let fields: &[Listing<'_>] = &[("host", &["x"]), ("cookie", &["a=1", "b=2"])];
        let (head, text, result) = listed("/a?b", fields);
        assert_eq!(result, Ok(()));
        assert_eq!(text, b"GET /a?b HTTP/2.0\r\nhost: x\r\ncookie: a=1; b=2\r\n\r\n");
        assert_eq!(head.request_line.of(&text), b"GET /a?b HTTP/2.0");
        assert_eq!((head.path.of(&text), head.args.of(&text)), (&b"/a"[..], &b"b"[..]));
        assert_eq!(head.value(Name::Cookie, &text), Some(&b"a=1; b=2"[..]));
        assert_eq!(head.value(Name::Host, &text), Some(&b"x"[..]));
        assert_eq!((head.version, head.protocol.of(&text)), (Version::V20, &b"HTTP/2.0"[..]));
    }

    /// RFC 9113 §8.2.1, §10.5.1; nginx's statuses.
    #[test]
    fn what_is_no_head_is_refused() {
        let long = "y".repeat(80);
        let several: Vec<Listing<'_>> = [("a", &["b"][..]); 4].to_vec();
        let cases: [(&str, &[Listing<'_>], u16); 10] = [
            ("", &[], 400),
            ("x", &[], 400),
            ("http://x/", &[], 400),
            ("/a b", &[], 400),
            (&format!("/{long}"), &[], 494),
            ("/", &[("a", &[&long])], 494),
            ("/", &[("a", &["b\r\nc: d"])], 400),
            ("/", &[("a b", &["c"])], 400),
            ("/", &[("host", &["a"]), ("host", &["b"])], 400),
            ("/", &several, 400),
        ];
        for (target, fields, status) in cases {
            let (_, _, result) = listed(target, fields);
            assert_eq!(result.map_err(|reject| reject.status), Err(status), "{target} {fields:?}");
        }
    }

    #[test]
    fn a_name_that_is_odd_is_dropped() {
        let (head, _, result) = listed("/", &[("a_b", &["c"]), ("d", &["  e "])]);
        assert_eq!((result, head.fields.len(), head.dropped), (Ok(()), 1, 1));
    }
}
