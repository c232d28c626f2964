//! A call to a program of the user's: an HTTP/1.0 request and the head of its answer.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::task::Poll;

use rt::{Conn, Next};

use crate::notify::Method;

/// Where a program is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// In the order in which they are tried.
    addresses: Vec<SocketAddr>,
    host: String,
    path: String,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A status.
    Status(u16),
    /// A status of 3xx, and where it points to.
    Redirect(Vec<u8>),
    /// None, or one that is no HTTP: this is why.
    Failed(String),
}

/// The longest head of an answer.
const LONGEST: usize = 64 << 10;

impl Url {
    /// Reads `http://HOST[:PORT][/PATH]`. The name is looked up once, as nginx-rtmp does.
    pub fn parse(text: &str) -> Result<Url, String> {
        if text.starts_with("https://") {
            return Err("rserve does not speak TLS yet".to_owned());
        }
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let at = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let target = if has_port { host.to_owned() } else { format!("{host}:80") };
        let found = target.to_socket_addrs().map(Iterator::collect).unwrap_or_else(|_| Vec::new());
        if found.is_empty() {
            return Err(format!("host not found in \"{text}\""));
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Url { addresses: found, host: host.to_owned(), path: path.to_owned() })
    }

    /// As it is told to an operator.
    pub fn shown(&self) -> String {
        format!("http://{}{}", self.host, self.path)
    }

    fn request(&self, method: Method, form: &[u8]) -> Vec<u8> {
        let form_text = String::from_utf8_lossy(form);
        let mark = if self.path.contains('?') { '&' } else { '?' };
        let host = &self.host;
        let head = format!("Host: {host}\r\nUser-Agent: rserve\r\nConnection: close\r\n");
        match method {
            Method::Get => {
                format!("GET {}{mark}{form_text} HTTP/1.0\r\n{head}\r\n", self.path).into_bytes()
            }
            Method::Post => format!(
                "POST {} HTTP/1.0\r\n{head}Content-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\n\r\n{form_text}",
                self.path,
                form.len()
            )
            .into_bytes(),
        }
    }
}

/// What a call and who waits for it have in common.
#[derive(Default)]
struct Shared {
    answer: Option<Answer>,
    waiter: Option<std::task::Waker>,
}

/// Calls, for a client whose connection waits meanwhile. If that ends, nobody waits any more.
pub async fn call(
    url: &Rc<Url>,
    method: Method,
    form: Vec<u8>,
    timeout: u64,
    conn: Conn,
) -> Answer {
    let shared = begin(url, method, &form, timeout);
    poll_fn(|context| {
        if conn.is_broken() {
            return Poll::Ready(Answer::Failed("the client has left".to_owned()));
        }
        poll(&shared, context)
    })
    .await
}

/// Calls, from a task of its own.
pub async fn call_alone(url: &Rc<Url>, method: Method, form: Vec<u8>, timeout: u64) -> Answer {
    let shared = begin(url, method, &form, timeout);
    poll_fn(|context| poll(&shared, context)).await
}

fn poll(shared: &RefCell<Shared>, context: &std::task::Context<'_>) -> Poll<Answer> {
    let mut shared = shared.borrow_mut();
    match shared.answer.take() {
        Some(answer) => Poll::Ready(answer),
        None => {
            shared.waiter = Some(context.waker().clone());
            Poll::Pending
        }
    }
}

/// Calls; nobody waits for the answer, but `failed` is told if there is none, or one that is no 2xx.
pub fn tell(
    url: &Rc<Url>,
    method: Method,
    form: Vec<u8>,
    timeout: u64,
    failed: impl FnOnce(&Answer) + 'static,
) {
    let shared = begin(url, method, &form, timeout);
    let watched = rt::spawn(async move {
        let answer = poll_fn(|context| poll(&shared, context)).await;
        if !matches!(answer, Answer::Status(200..=299)) {
            failed(&answer);
        }
    });
    if !watched {
        sys::log!(
            Warn,
            "nobody waits for {}: there are not enough worker_connections",
            url.shown()
        );
    }
}

/// A call on its way: to one address after the other, until one lets us in.
struct Attempt {
    url: Rc<Url>,
    request: Vec<u8>,
    timeout: u64,
    shared: Rc<RefCell<Shared>>,
}

fn begin(url: &Rc<Url>, method: Method, form: &[u8], timeout: u64) -> Rc<RefCell<Shared>> {
    let shared = Rc::new(RefCell::new(Shared::default()));
    let request = url.request(method, form);
    let attempt = Attempt { url: url.clone(), request, timeout, shared: shared.clone() };
    Rc::new(attempt).connect(0);
    shared
}

impl Attempt {
    /// Tries an address, and those behind it.
    fn connect(self: Rc<Self>, mut at: usize) {
        while let Some(&address) = self.url.addresses.get(at) {
            let attempt = self.clone();
            let Err(error) = rt::connect(address, |conn| Box::pin(attempt.ask(conn, at))) else {
                return;
            };
            // A family without a route fails at once.
            at += 1;
            if at == self.url.addresses.len() {
                let why = format!("connect({address}) failed {}", sys::log::errno(&error));
                finish(&self.shared, Answer::Failed(why));
            }
        }
    }

    async fn ask(self: Rc<Self>, conn: Conn, at: usize) -> Next {
        let address = self.url.addresses[at];
        conn.set_timeout(self.timeout);
        match exchange(conn, &self.request, self.timeout).await {
            Ok(answer) => finish(&self.shared, answer),
            Err(Failure::NotThere(_)) if at + 1 < self.url.addresses.len() => self.connect(at + 1),
            Err(Failure::NotThere(why)) => {
                finish(&self.shared, Answer::Failed(format!("connect({address}) {why}")));
            }
            Err(Failure::Broke(why)) => finish(&self.shared, Answer::Failed(why)),
        }
        Next::Close
    }
}

fn finish(shared: &RefCell<Shared>, answer: Answer) {
    let waiter = {
        let mut shared = shared.borrow_mut();
        shared.answer = Some(answer);
        shared.waiter.take()
    };
    if let Some(waiter) = waiter {
        waiter.wake();
    }
}

/// Why there is no answer.
enum Failure {
    /// Nobody is at that address.
    NotThere(String),
    /// Somebody is.
    Broke(String),
}

async fn exchange(conn: Conn, request: &[u8], timeout: u64) -> Result<Answer, Failure> {
    let late = |_| Failure::Broke(format!("no answer within {timeout} ms (netcall_timeout)"));
    let errno = |error: &io::Error| format!("failed {}", sys::log::errno(error));
    let mut sent = 0;
    while sent < request.len() {
        conn.writable().await.map_err(late)?;
        match conn.write(&[IoSlice::new(&request[sent..])], false) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The first write tells what became of the connection.
            Err(error) if sent == 0 => return Err(Failure::NotThere(errno(&error))),
            Err(error) => return Err(Failure::Broke(format!("send() {}", errno(&error)))),
        }
    }
    let mut head = Vec::new();
    let mut room = vec![0; 2048];
    while head.len() < LONGEST && end_of_head(&head).is_none() {
        conn.readable().await.map_err(late)?;
        match conn.read(&mut room) {
            Ok(0) => break,
            Ok(count) => head.extend_from_slice(&room[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(Failure::Broke(format!("recv() {}", errno(&error)))),
        }
    }
    Ok(parse(&head))
}

/// Where the head ends: at the first empty line. Scripts end lines with LF alone (RFC 9112, section 2.2).
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    ends.map(|at| at + 1).find(|&at| matches!(bytes[at..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

/// Reads status and `Location`. What was cut off may have been about to say something else.
fn parse(bytes: &[u8]) -> Answer {
    let Some(end) = end_of_head(bytes) else {
        return Answer::Failed(match bytes.len() {
            0 => "closed without an answer".to_owned(),
            LONGEST.. => format!("the answer's head is longer than {LONGEST} bytes"),
            _ => "closed before the end of the answer's head".to_owned(),
        });
    };
    let mut lines = bytes[..end - 1]
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let Some(code) = lines.next().and_then(status) else {
        return Answer::Failed("the answer is no HTTP".to_owned());
    };
    match (code, location(lines)) {
        (300..=399, Ok(Some(location))) => Answer::Redirect(location),
        (300..=399, Err(why)) => Answer::Failed(why.to_owned()),
        _ => Answer::Status(code),
    }
}

/// `HTTP/1.DIGIT SP 3DIGIT`, and perhaps a reason (RFC 9112, section 4).
fn status(line: &[u8]) -> Option<u16> {
    let [minor, b' ', code @ ..] = line.strip_prefix(b"HTTP/1.")? else { return None };
    let (code, reason) = code.split_at_checked(3)?;
    let is_whole = reason.is_empty() || reason.starts_with(b" ");
    if !minor.is_ascii_digit() || !code.iter().all(u8::is_ascii_digit) || !is_whole {
        return None;
    }
    let code = code.iter().fold(0, |code, &digit| code * 10 + u16::from(digit - b'0'));
    (100..=599).contains(&code).then_some(code)
}

/// The `Location` among these fields.
fn location<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<Option<Vec<u8>>, &'static str> {
    let mut found: Option<&[u8]> = None;
    let mut in_location = false;
    for line in lines {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if in_location {
                return Err("the answer's Location goes on in another line");
            }
            continue;
        }
        let at = line.iter().position(|&byte| byte == b':');
        in_location = at.is_some_and(|at| line[..at].eq_ignore_ascii_case(b"location"));
        if let (true, Some(at)) = (in_location, at) {
            let value = line[at + 1..].trim_ascii();
            if found.replace(value).is_some_and(|other| other != value) {
                return Err("the answer has two Locations");
            }
        }
    }
    Ok(found.map(<[u8]>::to_vec))
}

#[cfg(test)]
mod tests;
