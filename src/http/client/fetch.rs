//! One exchange with a server elsewhere, from its name on: for what goes on beside requests.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use sys::socket::Address;
use tls::outgoing::Outgoing;

use super::{Client, lookup};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// The longest head of an answer.
const LONGEST_HEAD: usize = 64 << 10;

/// Where a URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `https`
    pub secure: bool,
    /// The host, with its port if one is written.
    pub host: String,
    /// The path, with what follows it.
    pub path: String,
}

impl Url {
    /// Of a text; a fragment is no part of it.
    pub fn parse(text: &str) -> Option<Url> {
        let text = text.split('#').next().unwrap_or_default();
        let strange = |byte: u8| byte <= b' ' || byte >= 0x7f;
        if text.bytes().any(strange) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let secure = match &scheme.to_ascii_lowercase()[..] {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let slash = if path.starts_with('/') { "" } else { "/" };
        let plain = !host.is_empty() && !host.contains('@');
        plain.then(|| Url { secure, host: host.to_owned(), path: format!("{slash}{path}") })
    }

    /// The name or address of the host, without the port, and without brackets.
    pub fn name(&self) -> &str {
        let bare = match self.host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => name,
            _ => &self.host,
        };
        bare.trim_start_matches('[').trim_end_matches(']')
    }

    fn port(&self) -> Option<u16> {
        let default = if self.secure { 443 } else { 80 };
        match self.host.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port.parse().ok(),
            _ => Some(default),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The method.
    pub method: &'a str,
    /// Where.
    pub url: &'a Url,
    /// Fields beside those that every request has.
    pub fields: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// The longest body of an answer.
    pub most: usize,
    /// Milliseconds for all of it.
    pub timeout: u64,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Its fields.
    pub fields: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Asks. One address of the host after the other is tried. `outgoing`: how it is done encrypted.
pub async fn fetch(ask: Ask<'_>, outgoing: Option<&Outgoing>) -> Result<Answer, String> {
    let mut late = rt::sleep(ask.timeout);
    let mut answer = pin!(answer(&ask, outgoing));
    // What its socket's deadline ends has better words; this one ends also what waits for no socket.
    poll_fn(|cx| match answer.as_mut().poll(cx) {
        Poll::Pending => {
            Pin::new(&mut late).poll(cx).map(|()| Err(format!("{}: timed out", ask.url.host)))
        }
        ready => ready,
    })
    .await
}

async fn answer(ask: &Ask<'_>, outgoing: Option<&Outgoing>) -> Result<Answer, String> {
    let until = rt::now() + ask.timeout;
    let (host, port) = (ask.url.name(), ask.url.port().ok_or("no port")?);
    let found = lookup::addresses(host, port).await;
    let found = found.map_err(|why| format!("host not found: {host} ({why})"))?;
    let mut failed = format!("host not found: {host}");
    for address in found {
        match rt::connect(&Address::Inet(address), until.saturating_sub(rt::now())).await {
            Ok(socket) => return exchange(socket, ask, outgoing).await,
            Err(error) => failed = format!("connect() to {address} failed ({error})"),
        }
    }
    Err(failed)
}

/// Asks an OCSP responder by POST (RFC 6960, A.1).
pub fn ocsp(url: String, request: Vec<u8>) -> BoxFuture<Result<Vec<u8>, String>> {
    Box::pin(async move {
        let url = Url::parse(&url).ok_or("invalid URL")?;
        let fields = &[("Content-Type", "application/ocsp-request")];
        let (body, most) = (&request[..], 64 << 10);
        let ask = Ask { method: "POST", url: &url, fields, body, most, timeout: 60_000 };
        let answer = fetch(ask, None).await?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(format!("OCSP responder sent status {status}")),
        }
    })
}

async fn exchange(
    socket: rt::Socket,
    ask: &Ask<'_>,
    outgoing: Option<&Outgoing>,
) -> Result<Answer, String> {
    let url = ask.url;
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", url.host);
    if url.secure {
        let outgoing = outgoing.ok_or("nothing encrypted can be asked")?;
        outgoing.secure(*socket, url.name()).map_err(|error| told(&error))?;
    }
    let mut client = Client::new(rt::Stream(rt::Io::new(*socket)));
    let mut request = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: rserve\r\nConnection: close\r\n",
        ask.method, url.path, url.host
    );
    for (name, value) in ask.fields {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !ask.body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", ask.body.len()));
    }
    request.push_str("\r\n");
    let bytes = [request.as_bytes(), ask.body].concat();
    client.send(&bytes).await.map_err(|error| told(&error))?;
    let head = client.head(ask.method, LONGEST_HEAD).await.map_err(|error| told(&error))?;
    let body = client.whole_body(ask.most).await.map_err(|error| told(&error))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let fields = head.fields.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    Ok(Answer { status: head.status, fields, body })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::rc::Rc;

    use super::{Ask, Url, fetch};

    /// Why nothing comes of it, in so many milliseconds.
    fn refused(text: String, timeout: u64) -> String {
        rt::create(rt::Config { slots: 8, multi_accept: false }).expect("a loop");
        let why = Rc::new(RefCell::new(String::new()));
        let told = why.clone();
        rt::spawn(async move {
            let url = Url::parse(&text).expect("a URL");
            let most = 1 << 30;
            let ask = Ask { method: "GET", url: &url, fields: &[], body: b"", most, timeout };
            *told.borrow_mut() = fetch(ask, None).await.expect_err("no answer");
            rt::stop();
        });
        rt::run().expect("the loop runs");
        why.take()
    }

    /// Chunks that have more to say about themselves than in themselves.
    #[test]
    fn a_server_that_never_ends_is_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let server = std::thread::spawn(move || {
            let mut client = listener.accept().expect("a client").0;
            let _ = client.read(&mut [0; 1000]).expect("a request");
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            let chunks = format!("1;{}\r\na\r\n", "x".repeat(1000)).repeat(100);
            while client.write_all(chunks.as_bytes()).is_ok() {}
        });
        let why = refused(format!("http://{host}/"), 200);
        assert!(why.starts_with(&host) && why.ends_with("timed out"), "{why}");
        server.join().expect("it has ended");
    }

    #[test]
    fn urls() {
        let url = Url::parse("https://a.example:14000/dir?x#y").expect("a URL");
        assert_eq!((url.secure, &url.path[..], url.name()), (true, "/dir?x", "a.example"));
        assert_eq!(url.port(), Some(14000));
        let url = Url::parse("http://[::1]").expect("a URL");
        assert_eq!((url.name(), url.port(), &url.path[..]), ("::1", Some(80), "/"));
        for text in ["ftp://a/", "http:///x", "http://a b/", "http://u@a/", "a/b", "http://a/\r\nX"]
        {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }
}
