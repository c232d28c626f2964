//! A client in the test's own process: it sends what curl would send, without a process for each request.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::{Answer, PATIENCE, Transport, answer};

/// As curl calls itself.
const NAME: &str = "curl/7.88.1";

/// What is sent before anything is read: more could wait for a server that answers meanwhile.
const MOST_SENT: usize = 64 << 10;

/// Fields that say how the request is framed, or what becomes of the connection.
const CURLS_OWN: [&str; 5] = ["content-length", "transfer-encoding", "expect", "upgrade", "te"];

/// The answer to the request that curl's words describe; `None`: there are words that curl alone understands.
pub fn ask(args: &[&str]) -> Option<Answer> {
    if Transport::of_run() != Transport::Plain {
        return None;
    }
    let words = Words::read(args)?;
    let (host, target) = parts(words.url?)?;
    let request = Request { address: host.parse().ok()?, host, target, words };
    Some(request.send().unwrap_or_default())
}

struct Request<'a> {
    address: SocketAddr,
    host: &'a str,
    target: &'a str,
    words: Words<'a>,
}

/// What the words say.
#[derive(Default)]
struct Words<'a> {
    url: Option<&'a str>,
    method: Option<&'a str>,
    is_head: bool,
    range: Option<&'a str>,
    fields: Vec<(&'a str, &'a str)>,
    body: Option<String>,
}

impl<'a> Words<'a> {
    fn read(args: &[&'a str]) -> Option<Words<'a>> {
        let mut request = Words::default();
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            match arg {
                "-H" | "--header" => request.fields.push(field(args.next()?)?),
                "-A" => request.fields.push(("User-Agent", args.next()?)),
                "-X" | "--request" => request.method = Some(args.next()?),
                "-r" | "--range" => request.range = Some(args.next()?),
                "-I" | "--head" => request.is_head = true,
                "-N" => {}
                "-d" | "--data" | "--data-binary" => request.add(args.next()?)?,
                url if url.starts_with("http://") && request.url.is_none() => {
                    request.url = Some(url)
                }
                _ => return None,
            }
        }
        let is_odd = request.is_head && (request.body.is_some() || request.method.is_some());
        (!is_odd).then_some(request)
    }

    fn add(&mut self, data: &str) -> Option<()> {
        let body = self.body.get_or_insert_default();
        if !body.is_empty() {
            body.push('&');
        }
        body.push_str(data);
        (!data.starts_with('@') && body.len() <= MOST_SENT).then_some(())
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn method(&self) -> &'a str {
        match (self.method, &self.body) {
            (Some(method), _) => method,
            (None, Some(_)) => "POST",
            (None, None) if self.is_head => "HEAD",
            (None, None) => "GET",
        }
    }

    /// The head, in curl's order, and the body.
    fn bytes(&self, host: &str, target: &str) -> Vec<u8> {
        let given = self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
        let host = given.map_or(host, |(_, value)| value);
        let mut text = format!("{} {target} HTTP/1.1\r\nHost: {host}\r\n", self.method());
        if let Some(range) = self.range {
            text += &format!("Range: bytes={range}\r\n");
        }
        for (name, value) in [("User-Agent", NAME), ("Accept", "*/*")] {
            if !self.has(name) {
                text += &format!("{name}: {value}\r\n");
            }
        }
        for (name, value) in &self.fields {
            if !name.eq_ignore_ascii_case("host") {
                text += &format!("{name}: {value}\r\n");
            }
        }
        let body = self.body.as_deref();
        if let Some(body) = body {
            text += &format!("Content-Length: {}\r\n", body.len());
            if !self.has("Content-Type") {
                text += "Content-Type: application/x-www-form-urlencoded\r\n";
            }
        }
        (text + "\r\n" + body.unwrap_or_default()).into_bytes()
    }
}

impl Request<'_> {
    /// `None`: there is no answer.
    fn send(&self) -> Option<Answer> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut coming = Coming { stream, bytes: Vec::new(), has_ended: false, was_reset: false };
        // A server that has answered before it has read everything may have closed.
        let _ = coming.stream.write_all(&self.words.bytes(self.host, self.target));
        loop {
            let mut answer = coming.head()?;
            if matches!(answer.status, 100..200) {
                continue;
            }
            let has_none = self.words.is_head || matches!(answer.status, 204 | 304);
            if has_none {
                answer.complete = true;
            } else {
                coming.body(&mut answer);
            }
            return Some(answer);
        }
    }
}

/// What comes on a connection.
struct Coming {
    stream: TcpStream,
    bytes: Vec<u8>,
    has_ended: bool,
    was_reset: bool,
}

impl Coming {
    /// Waits for more. `false`: nothing comes any more.
    fn more(&mut self) -> bool {
        let mut block = [0; 64 << 10];
        while !self.has_ended {
            match self.stream.read(&mut block) {
                Ok(0) => self.has_ended = true,
                Ok(count) => {
                    self.bytes.extend_from_slice(&block[..count]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => (self.has_ended, self.was_reset) = (true, true),
            }
        }
        false
    }

    /// Waits for so many bytes. `false`: there are fewer.
    fn has(&mut self, count: usize) -> bool {
        while self.bytes.len() < count {
            if !self.more() {
                return false;
            }
        }
        true
    }

    /// Where `what` is, from a place on.
    fn find(&mut self, what: &[u8], mut from: usize) -> Option<usize> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.bytes[from..], what) {
                return Some(from + at);
            }
            from = from.max((self.bytes.len() + 1).saturating_sub(what.len()));
            if !self.more() {
                return None;
            }
        }
    }

    fn head(&mut self) -> Option<Answer> {
        let end = self.find(b"\r\n\r\n", 0)? + 4;
        let answer = answer::head(&self.bytes[..end])?;
        self.bytes.drain(..end);
        Some(answer)
    }

    /// Reads the body, as far as it comes.
    fn body(&mut self, answer: &mut Answer) {
        let length = answer.header("Content-Length").and_then(|text| text.parse::<usize>().ok());
        if answer.header("Transfer-Encoding") == Some("chunked") {
            answer.complete = self.chunks(&mut answer.body).is_some();
        } else if let Some(length) = length {
            answer.complete = self.has(length);
            self.bytes.truncate(length);
            answer.body = std::mem::take(&mut self.bytes);
        } else {
            while self.more() {}
            answer.complete = !self.was_reset;
            answer.body = std::mem::take(&mut self.bytes);
        }
    }

    /// Reads chunks. `None`: the last one did not come. Trailers stand behind the content, where curl writes them.
    fn chunks(&mut self, body: &mut Vec<u8>) -> Option<()> {
        let mut at = 0;
        loop {
            let line = self.find(b"\r\n", at)?;
            let digits = self.bytes[at..line].split(|&byte| byte == b';').next()?;
            let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), 16).ok()?;
            let start = line + 2;
            if size == 0 {
                at = start;
                break;
            }
            let is_whole = self.has(start + size + 2);
            let end = self.bytes.len().min(start + size);
            body.extend_from_slice(&self.bytes[start..end]);
            if !is_whole {
                return None;
            }
            at = end + 2;
        }
        loop {
            let line = self.find(b"\r\n", at)? + 2;
            if line == at + 2 {
                return Some(());
            }
            body.extend_from_slice(&self.bytes[at..line]);
            at = line;
        }
    }
}

/// `NAME: VALUE`; the other forms have a meaning to curl alone.
fn field(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once(':')?;
    let value = value.trim_start();
    let is_own = CURLS_OWN.iter().any(|own| name.eq_ignore_ascii_case(own));
    (!is_own && !value.is_empty() && !text.contains(['\r', '\n'])).then_some((name, value))
}

/// Host with port, and target, of a URL that goes out as it is written.
fn parts(url: &str) -> Option<(&str, &str)> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return None;
    }
    let rest = url.strip_prefix("http://")?;
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, target) = rest.split_at(at);
    Some((host, if target.is_empty() { "/" } else { target }))
}
