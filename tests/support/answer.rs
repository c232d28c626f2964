//! Answers, as they came.

use crate::transport::Transport;

/// An answer of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// 0: there was none.
    pub status: u16,
    /// What stands behind the status.
    pub reason: String,
    /// In the order in which they came.
    pub headers: Vec<(String, String)>,
    /// Without the frames of chunks.
    pub body: Vec<u8>,
    /// The body ended where it had to.
    pub complete: bool,
}

impl Answer {
    /// The value of the first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The values of all headers of that name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let same = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| value.as_str()).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the server says that it keeps the connection; on HTTP/2 no answer says anything of that.
    pub fn keeps(&self) -> bool {
        let is_stream = Transport::of_run() == Transport::H2 && self.reason.is_empty();
        is_stream || self.header("Connection") == Some("keep-alive")
    }
}

/// The answers in the bytes of one connection, to requests of these methods in turn. Bytes before a
/// status line are an answer without a head (HTTP/0.9).
pub fn answers(mut bytes: &[u8], methods: &[&str]) -> Vec<Answer> {
    let mut methods = methods.iter();
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let method = methods.next().copied().unwrap_or("GET");
        match parse(bytes, method, true) {
            Some((answer, used)) => {
                found.push(answer);
                bytes = &bytes[used..];
            }
            None => {
                found.push(Answer { body: bytes.to_vec(), ..Answer::default() });
                break;
            }
        }
    }
    found
}

/// The first answer in `bytes` and its length. `ended`: no more bytes come. `None`: it is not
/// complete yet, or is none.
pub(crate) fn parse(bytes: &[u8], method: &str, ended: bool) -> Option<(Answer, usize)> {
    let head_len = find(bytes, b"\r\n\r\n")? + 4;
    let mut answer = head(&bytes[..head_len])?;
    let rest = &bytes[head_len..];
    let chunked = answer.header("Transfer-Encoding") == Some("chunked");
    let length = answer.header("Content-Length").and_then(|text| text.parse::<usize>().ok());
    let no_body = method == "HEAD" || matches!(answer.status, 100..=199 | 204 | 304);
    let used = match length {
        _ if no_body => {
            answer.complete = true;
            0
        }
        _ if chunked => {
            let (body, used, complete) = chunks(rest);
            answer.body = body;
            answer.complete = complete;
            used
        }
        Some(length) if rest.len() < length && !ended => return None,
        Some(length) => {
            answer.body = rest[..rest.len().min(length)].to_vec();
            answer.complete = rest.len() >= length;
            answer.body.len()
        }
        None => {
            answer.body = rest.to_vec();
            answer.complete = ended;
            rest.len()
        }
    };
    (answer.complete || ended).then_some((answer, head_len + used))
}

/// A status line and its fields.
pub(crate) fn head(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split("\r\n");
    let mut words = lines.next()?.splitn(3, ' ');
    if !words.next()?.starts_with("HTTP/") {
        return None;
    }
    let status = words.next()?.parse().ok()?;
    let reason = words.next().unwrap_or_default().to_owned();
    let field = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        (name.to_owned(), value.to_owned())
    };
    let headers = lines.take_while(|line| !line.is_empty()).map(field).collect();
    Some(Answer { status, reason, headers, ..Answer::default() })
}

/// Content, bytes used, whether the last chunk was seen.
fn chunks(bytes: &[u8]) -> (Vec<u8>, usize, bool) {
    let (mut body, mut at) = (Vec::new(), 0);
    while let Some(line) = find(&bytes[at..], b"\r\n") {
        let digits = String::from_utf8_lossy(&bytes[at..at + line]);
        let Ok(size) = usize::from_str_radix(&digits, 16) else { break };
        let start = at + line + 2;
        let Some(data) = bytes.get(start..start + size + 2) else { break };
        body.extend_from_slice(&data[..size]);
        at = start + size + 2;
        if size == 0 {
            return (body, at, true);
        }
    }
    (body, bytes.len(), false)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}
