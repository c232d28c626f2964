//! A call to a program of the user's: an HTTP/1.0 request and the head of its answer.

use std::future::{Future, poll_fn};
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::task::Poll;

use http::client::{Cause, Client, Error, Phase};
use proto::http1::ResponseHead;
use rt::{Conn, Socket};
use sys::socket::Address;
use tls::outgoing::Outgoing;

/// How arguments are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// As a form.
    #[default]
    Post,
    /// Behind the address.
    Get,
}

/// Where a program is asked.
#[derive(Clone, Debug)]
pub struct Url {
    /// In the order in which they are tried.
    addresses: Vec<SocketAddr>,
    host: String,
    path: String,
    /// How it is encrypted, if it is.
    tls: Option<Outgoing>,
    secure: bool,
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
    /// Reads `http://HOST[:PORT][/PATH]`, or `https://`. The name is looked up once, as nginx-rtmp does.
    pub fn parse(text: &str) -> Result<Url, String> {
        let secure = text.starts_with("https://");
        let rest = text.strip_prefix(if secure { "https://" } else { "http://" }).unwrap_or(text);
        let at = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let usual = if secure { 443 } else { 80 };
        let target = if has_port { host.to_owned() } else { format!("{host}:{usual}") };
        let found = target.to_socket_addrs().map(Iterator::collect).unwrap_or_else(|_| Vec::new());
        if found.is_empty() {
            return Err(format!("host not found in \"{text}\""));
        }
        let path = if path.is_empty() { "/" } else { path };
        let (host, path) = (host.to_owned(), path.to_owned());
        Ok(Url { addresses: found, host, path, tls: None, secure })
    }

    /// Whether it is asked encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The same, encrypted so.
    pub fn secured(&self, tls: Option<&Outgoing>) -> Url {
        let tls = tls.filter(|_| self.secure).cloned();
        Url { tls, ..self.clone() }
    }

    /// The name of the server, without the port.
    fn name(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => name,
            _ => &self.host,
        }
    }

    /// As it is told to an operator.
    pub fn shown(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.path)
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

/// Calls, for a client whose connection waits meanwhile. If that ends, nobody waits any more.
pub async fn call(url: &Url, method: Method, form: &[u8], timeout: u64, conn: Conn) -> Answer {
    // Boxed: clients that do not call now have no room for one.
    let mut call = Box::pin(call_alone(url, method, form, timeout));
    poll_fn(|context| match conn.is_broken() {
        true => Poll::Ready(Answer::Failed("the client has left".to_owned())),
        false => call.as_mut().poll(context),
    })
    .await
}

/// Calls; nobody waits for the answer, but `failed` is told if there is none, or one that is no 2xx.
pub fn tell(
    url: &Rc<Url>,
    method: Method,
    form: Vec<u8>,
    timeout: u64,
    failed: impl FnOnce(&Answer) + 'static,
) {
    let url = url.clone();
    rt::spawn(async move {
        let answer = call_alone(&url, method, &form, timeout).await;
        if !matches!(answer, Answer::Status(200..=299)) {
            failed(&answer);
        }
    });
}

/// Calls: one address after the other is tried, until somebody is there.
pub async fn call_alone(url: &Url, method: Method, form: &[u8], timeout: u64) -> Answer {
    let (mut failed, until) = (String::new(), rt::now() + timeout);
    for address in &url.addresses {
        match rt::connect(&Address::Inet(*address), until.saturating_sub(rt::now())).await {
            // Its deadline goes on.
            Ok(socket) => return exchange(socket, url, &url.request(method, form), timeout).await,
            Err(error) => match Error::new(Phase::Connect, error) {
                Error { cause: Cause::TimedOut, .. } => return late(timeout),
                error => failed = format!("connect({address}) {}", error.cause),
            },
        }
    }
    Answer::Failed(failed)
}

fn late(timeout: u64) -> Answer {
    Answer::Failed(format!("no answer within {timeout} ms (netcall_timeout)"))
}

async fn exchange(socket: Socket, url: &Url, request: &[u8], timeout: u64) -> Answer {
    if let Some(tls) = &url.tls
        && let Err(error) = tls.secure(*socket, url.name())
    {
        return Answer::Failed(format!("\"{}\" cannot be asked encrypted: {error}", url.name()));
    }
    let mut client = Client::new(rt::Stream(rt::Io::new(*socket)));
    let head = match client.send(request).await {
        Ok(()) => client.head("GET", LONGEST).await,
        Err(error) => Err(error),
    };
    match head {
        Ok(head) => answer(&head),
        Err(Error { cause: Cause::TimedOut, .. }) => late(timeout),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

/// The status, and the `Location` of a redirection.
fn answer(head: &ResponseHead) -> Answer {
    if !matches!(head.status, 300..=399) {
        return Answer::Status(head.status);
    }
    let mut all = head.values("location");
    let Some(first) = all.next() else { return Answer::Status(head.status) };
    let why = match first {
        _ if all.any(|other| other != first) => "the answer has two Locations",
        folded if folded.contains(&b'\n') => "the answer's Location goes on in another line",
        location => return Answer::Redirect(location.to_vec()),
    };
    Answer::Failed(why.to_owned())
}

#[cfg(test)]
mod tests;
