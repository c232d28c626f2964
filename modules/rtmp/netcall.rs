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
const LONGEST: usize = 16 << 10;

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
    attempt.connect(0);
    shared
}

impl Attempt {
    /// Tries an address, and what comes behind it.
    fn connect(self, at: usize) {
        let Some(&address) = self.url.addresses.get(at) else { return };
        let shared = self.shared.clone();
        let begun = rt::connect(address, |conn| {
            Box::pin(async move {
                conn.set_timeout(self.timeout);
                match exchange(conn, &self.request, self.timeout).await {
                    Ok(answer) => finish(&self.shared, answer),
                    Err(Failure::NotThere(_)) if at + 1 < self.url.addresses.len() => {
                        self.connect(at + 1);
                    }
                    Err(Failure::NotThere(why)) => {
                        finish(&self.shared, Answer::Failed(format!("connect({address}) {why}")));
                    }
                    Err(Failure::Broke(why)) => finish(&self.shared, Answer::Failed(why)),
                }
                Next::Close
            })
        });
        if let Err(error) = begun {
            let why = format!("connect({address}) failed {}", sys::log::errno(&error));
            finish(&shared, Answer::Failed(why));
        }
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

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n")
}

/// Reads status and `Location`.
fn parse(bytes: &[u8]) -> Answer {
    let head = &bytes[..end_of_head(bytes).unwrap_or(bytes.len())];
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| line.trim_ascii_end());
    let status = lines.next().filter(|line| line.starts_with(b"HTTP/"));
    let code = status.and_then(|line| line.split(|&byte| byte == b' ').nth(1));
    let code = code.and_then(|code| std::str::from_utf8(code).ok()?.parse::<u16>().ok());
    let location = lines.find_map(|line| {
        let at = line.iter().position(|&byte| byte == b':')?;
        let is = line[..at].eq_ignore_ascii_case(b"location");
        is.then(|| line[at + 1..].trim_ascii().to_vec())
    });
    match (code, location) {
        (Some(300..=399), Some(location)) => Answer::Redirect(location),
        (Some(code @ 100..=599), _) => Answer::Status(code),
        _ if bytes.is_empty() => Answer::Failed("closed without an answer".to_owned()),
        _ => Answer::Failed("the answer is no HTTP".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let url = Url::parse("http://127.0.0.1:8080/auth?x=1").expect("a url");
        let text = String::from_utf8(url.request(Method::Get, b"call=play")).expect("text");
        assert!(text.starts_with("GET /auth?x=1&call=play HTTP/1.0\r\nHost: 127.0.0.1:8080\r\n"));
        let url = Url::parse("http://127.0.0.1").expect("a url");
        let text = String::from_utf8(url.request(Method::Post, b"call=play")).expect("text");
        assert!(text.starts_with("POST / HTTP/1.0\r\nHost: 127.0.0.1\r\n"));
        assert!(text.ends_with("Content-Length: 9\r\n\r\ncall=play"));
        assert!(Url::parse("https://127.0.0.1/").is_err());
        assert!(Url::parse("http://no.such.host.invalid/").is_err());
    }

    #[test]
    fn answers() {
        assert_eq!(parse(b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\nbody"), Answer::Status(204));
        let redirect = b"HTTP/1.0 302 Found\r\nA: b\r\nlocation:  other \r\n\r\n";
        assert_eq!(parse(redirect), Answer::Redirect(b"other".to_vec()));
        assert_eq!(parse(b"HTTP/1.0 302 Found\r\n\r\n"), Answer::Status(302));
        for bad in [&b""[..], b"hello", b"HTTP/1.0", b"HTTP/1.0 abc\r\n\r\n"] {
            assert!(matches!(parse(bad), Answer::Failed(_)));
        }
    }

    /// `localhost` is ::1 first, and programs often listen on 127.0.0.1 alone.
    #[test]
    fn a_program_is_looked_for_at_all_addresses_of_its_name() {
        use std::io::{Read, Write};
        let free = || std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let gone = free().local_addr().expect("an address");
        let program = free();
        let there = program.local_addr().expect("an address");
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = program.accept().expect("a connection");
            let mut room = [0; 1024];
            let count = stream.read(&mut room).expect("a request");
            assert!(room[..count].starts_with(b"POST /x HTTP/1.0\r\n"));
            stream.write_all(b"HTTP/1.0 204 No Content\r\n\r\n").expect("an answer");
        });
        rt::create(rt::Config { slots: 8, multi_accept: false }).expect("a loop");
        let ask = |addresses: Vec<SocketAddr>| {
            let url = Rc::new(Url { addresses, host: "x".to_owned(), path: "/x".to_owned() });
            begin(&url, Method::Post, b"a=b", 5_000)
        };
        let (found, lost) = (ask(vec![gone, there]), ask(vec![gone, gone]));
        let answers = Rc::new(RefCell::new(Vec::new()));
        let theirs = answers.clone();
        rt::spawn(async move {
            for shared in [found, lost] {
                let answer = poll_fn(|context| poll(&shared, context)).await;
                theirs.borrow_mut().push(answer);
            }
            rt::stop();
        });
        rt::run().expect("the loop runs");
        thread.join().expect("the program was asked");
        let why = format!("connect({gone}) failed (111: Connection refused)");
        assert_eq!(*answers.borrow(), [Answer::Status(204), Answer::Failed(why)]);
    }
}
