//! The head of an answer (RFC 9112 §4, §6.3), as a client reads it: what other servers and scripts send is taken where
//! its meaning is certain.

use super::Chunked;
use httparse::{EMPTY_HEADER, ParserConfig, Response};

/// Fields that a head may have.
const MOST_FIELDS: usize = 200;

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// Three digits, from 100 to 599.
    pub status: u16,
    /// Of HTTP/1.x, the x.
    pub minor: u8,
    /// In their order, as they were sent.
    pub fields: Vec<(String, Vec<u8>)>,
}

/// Where an answer's body ends.
#[derive(Clone, Debug)]
pub enum Framing {
    /// There is none.
    None,
    /// So many bytes are to come.
    Length(u64),
    /// In chunks.
    Chunked(Chunked),
    /// With the connection.
    Close,
}

/// It is no head of HTTP/1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHttp;

/// The head at the beginning of some bytes, and its length. `None`: it is not all there.
pub fn parse_response(bytes: &[u8]) -> Result<Option<(ResponseHead, usize)>, NotHttp> {
    let mut fields = [EMPTY_HEADER; MOST_FIELDS];
    let mut response = Response::new(&mut fields);
    let mut config = ParserConfig::default();
    config.allow_spaces_after_header_name_in_responses(true);
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.ignore_invalid_headers_in_responses(true);
    // It passes over empty lines before a request; an answer begins with its version.
    if bytes.first().is_some_and(|&first| first != b'H') {
        return Err(NotHttp);
    }
    let parsed = config.parse_response(&mut response, bytes).map_err(|_| NotHttp)?;
    let httparse::Status::Complete(len) = parsed else { return Ok(None) };
    let status = response.code.filter(|code| (100..=599).contains(code)).ok_or(NotHttp)?;
    let fields = response.headers.iter();
    let fields = fields.map(|field| (field.name.to_owned(), field.value.to_vec())).collect();
    Ok(Some((ResponseHead { status, minor: response.version.unwrap_or(1), fields }, len)))
}

impl ResponseHead {
    /// The values of all fields of that name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = move |field: &&'a (String, Vec<u8>)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|(_, value)| &value[..])
    }

    /// Where its body ends, as the answer to a request of that method (RFC 9112 §6.3).
    pub fn framing(&self, method: &str) -> Result<Framing, NotHttp> {
        if method == "HEAD" || self.status < 200 || matches!(self.status, 204 | 304) {
            return Ok(Framing::None);
        }
        if let Some(coding) = self.values("transfer-encoding").last() {
            // A server of HTTP/1.0 does not know what it says (§6.1).
            if self.minor == 0 {
                return Err(NotHttp);
            }
            let last = coding.rsplit(|&byte| byte == b',').next().unwrap_or_default();
            return match last.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                // What both of them would mean, nobody knows (§6.1).
                true if self.values("content-length").next().is_some() => Err(NotHttp),
                true => Ok(Framing::Chunked(Chunked::new())),
                false => Ok(Framing::Close),
            };
        }
        let mut lengths = self.values("content-length");
        let Some(first) = lengths.next() else { return Ok(Framing::Close) };
        if lengths.any(|other| other != first) || first.is_empty() {
            return Err(NotHttp);
        }
        let digits = first.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(first).ok().and_then(|text| text.parse().ok());
        number.filter(|_| digits).map(Framing::Length).ok_or(NotHttp)
    }

    /// Whether the connection may be used for another request after this answer, whose body ends so.
    pub fn keep_alive(&self, framing: &Framing) -> bool {
        if matches!(framing, Framing::Close) {
            return false;
        }
        let said = |word: &str| {
            let mut lists = self.values("connection");
            lists.any(|list| {
                let mut words = list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
                words.any(|one| one.eq_ignore_ascii_case(word.as_bytes()))
            })
        };
        match self.minor {
            0 => said("keep-alive"),
            _ => !said("close"),
        }
    }
}
