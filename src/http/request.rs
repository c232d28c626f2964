//! A request on its way through the phases.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use mem::{Pool, Str};
use proto::http1::{Body as Framing, Head, Method, Name, Version};
use sys::log::Level;
use sys::socket::{Address, Peer};

use crate::body::Body;
use crate::connect_info::ConnectInfo;
use crate::error::Error;
use crate::hosts::Hosts;
use crate::location::{Location, Server};
use crate::paths::MappedPath;
use crate::port::Port;
use crate::regex::Captures;
use crate::response::Response;
use crate::settable::Assigned;

/// One request and the answer that is being made for it.
///
/// Everything that it names was cut from the bytes that the client sent, or from its own pool: it
/// outlives the read buffer, but not the next request.
pub struct Request {
    /// The connection that it came on.
    pub connection: ConnectInfo,
    /// The head as offsets into [`Request::bytes`].
    pub head: Head,
    /// The bytes of the head.
    pub bytes: Str,
    /// The method that handlers see; an error page with a URI is fetched with GET or HEAD.
    pub method: Method,
    /// The normalised path: `$uri`.
    pub uri: Str,
    /// What follows `?`: `$args`.
    pub args: Str,
    /// The host asked for: lower case, without port.
    pub host: Str,
    /// The answer.
    pub response: Response,
    /// Memory that lives as long as the request.
    pub pool: Pool,
    /// What regular expressions have captured.
    pub captures: RefCell<Captures>,
    /// Variables that are set.
    pub(crate) set: Rc<RefCell<Vec<Assigned>>>,
    /// `$limit_rate`, if that is set.
    pub(crate) limit_rate: Option<u64>,
    /// How deep in variables that are made of others.
    pub(crate) depth: Cell<u8>,
    /// It has been found that they are made of themselves.
    pub(crate) cycle: Cell<bool>,
    /// Whether the client may get it compressed, once that is known.
    pub(crate) accepts_gzip: Cell<Option<bool>>,
    /// Values of variables that are found out once.
    pub(crate) values: RefCell<Vec<(usize, Option<Str>)>>,
    /// How the body was framed.
    pub framing: Framing,
    /// The body, as far as nobody has taken it.
    pub body: Body,
    /// The connection may serve another request after this one.
    pub keep_alive: bool,
    /// The request was redirected inside the server: `internal` locations are open to it.
    pub internal: bool,
    /// The page of an error is being made: its own errors get the plain page.
    pub error_page: bool,
    /// Status that an `error_page` wants its page to have.
    pub forced_status: Option<u16>,
    /// The URI is not the one that the location was chosen by.
    pub uri_changed: bool,
    /// The URI is to be appended to an `alias` that is a whole path: `try_files` has found it there.
    pub below_alias: bool,
    /// When its first byte was read, in the loop's milliseconds.
    pub started: u64,
    /// Its number on the connection, from 1.
    pub number: u32,
    /// Bytes of the answer handed to the kernel, head included.
    pub bytes_sent: u64,
    /// Bytes of the answer's head.
    pub head_sent: u64,
    /// Bytes of the body that were read or thrown away.
    pub body_received: u64,
    /// The answer, whatever it comes to, depends on what encodings the client takes.
    pub(crate) varies_by_encoding: bool,
    pub(crate) contexts: Vec<Box<dyn Any>>,
    /// Those that stay as long as the client is served, whatever serves it.
    pub(crate) lasting: Vec<Box<dyn Any>>,
    /// What contexts the requests have on whose behalf it is.
    pub(crate) known_above: Vec<TypeId>,
    pub(crate) scratch: Vec<u8>,
    pub(crate) port: &'static Port,
    pub(crate) hosts: &'static Hosts,
    pub(crate) server: &'static Server,
    pub(crate) location: &'static Location,
    /// The next handler of the location.
    pub(crate) cursor: usize,
    pub(crate) stage: crate::phases::Stage,
    pub(crate) redirects: u8,
    /// How many requests it is asked on behalf of.
    pub(crate) nesting: u8,
    /// The status of an access handler that refused, while another may still let in.
    pub(crate) refused: Option<u16>,
}

impl Request {
    pub(crate) fn new(connection: ConnectInfo, port: &'static Port) -> Request {
        let hosts = port.first_hosts();
        let server = hosts.default_server();
        Request {
            connection,
            head: Head::default(),
            bytes: Str::EMPTY,
            method: Method::Get,
            uri: Str::EMPTY,
            args: Str::EMPTY,
            host: Str::EMPTY,
            response: Response::default(),
            pool: Pool::new(),
            captures: RefCell::default(),
            set: Rc::default(),
            limit_rate: None,
            depth: Cell::new(0),
            cycle: Cell::new(false),
            accepts_gzip: Cell::new(None),
            values: RefCell::default(),
            framing: Framing::None,
            body: Body::default(),
            keep_alive: false,
            internal: false,
            error_page: false,
            forced_status: None,
            uri_changed: false,
            below_alias: false,
            started: 0,
            number: 0,
            bytes_sent: 0,
            head_sent: 0,
            body_received: 0,
            varies_by_encoding: false,
            contexts: Vec::new(),
            lasting: Vec::new(),
            known_above: Vec::new(),
            scratch: Vec::new(),
            port,
            hosts,
            server,
            location: server.location(),
            cursor: 0,
            stage: crate::phases::Stage::ServerRewrite,
            redirects: 0,
            nesting: 0,
            refused: None,
        }
    }

    /// Makes it ready for the next request; keeps its memory.
    pub(crate) fn reset(&mut self) {
        self.head.clear();
        self.bytes = Str::EMPTY;
        self.method = Method::Get;
        self.uri = Str::EMPTY;
        self.args = Str::EMPTY;
        self.host = Str::EMPTY;
        self.response.reset();
        self.captures.get_mut().clear();
        self.values.get_mut().clear();
        self.set.borrow_mut().clear();
        self.limit_rate = None;
        self.accepts_gzip.set(None);
        self.pool.reset();
        self.framing = Framing::None;
        self.body = Body::default();
        self.keep_alive = false;
        self.internal = false;
        self.error_page = false;
        self.forced_status = None;
        self.uri_changed = false;
        self.below_alias = false;
        self.started = 0;
        self.number = 0;
        self.bytes_sent = 0;
        self.head_sent = 0;
        self.body_received = 0;
        self.varies_by_encoding = false;
        self.contexts.clear();
        self.lasting.clear();
        self.restart();
        self.redirects = 0;
        self.attach(self.connection, self.port);
    }

    /// Puts an empty request to a connection, and to the servers that it begins with.
    pub(crate) fn attach(&mut self, connection: ConnectInfo, port: &'static Port) {
        self.connection = connection;
        self.port = port;
        self.hosts = port.first_hosts();
        self.server = self.hosts.default_server();
        self.location = self.server.location();
    }

    /// Starts the phases over.
    pub(crate) fn restart(&mut self) {
        self.cursor = 0;
        self.stage = crate::phases::Stage::ServerRewrite;
        self.refused = None;
        self.below_alias = false;
    }

    /// A module's own state in this request, named by its type: made when it is first asked for.
    pub fn context<T: Default + 'static>(&mut self) -> &mut T {
        of_type(&mut self.contexts)
    }

    /// The same, of what is to stay as long as the client is served: also while an event stream, which has left
    /// HTTP, goes on. When the client has gone it is dropped.
    pub fn lasting_context<T: Default + 'static>(&mut self) -> &mut T {
        of_type(&mut self.lasting)
    }

    /// Whether there is one here, or in a request on whose behalf this one is.
    pub fn has_context<T: 'static>(&self) -> bool {
        self.known_context::<T>().is_some() || self.known_above.contains(&TypeId::of::<T>())
    }

    /// Either of them, if there is one.
    pub fn known_context<T: 'static>(&self) -> Option<&T> {
        let mut all = self.contexts.iter().chain(&self.lasting);
        all.find_map(|context| context.downcast_ref())
    }

    /// The server that was chosen by name.
    pub fn server(&self) -> &'static Server {
        self.server
    }

    /// The location that was chosen by URI.
    pub fn location(&self) -> &'static Location {
        self.location
    }

    /// The value of a header field.
    pub fn header(&self, name: Name) -> Option<&[u8]> {
        self.head.value(name, &self.bytes)
    }

    /// The value of a header field, sharing the bytes of the head.
    pub fn header_str(&self, name: Name) -> Option<Str> {
        self.bytes.slice_of(self.header(name)?)
    }

    /// The values of all header fields of that name (lower case, `-` or `_`).
    pub fn headers_named<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r [u8]> {
        let same = move |field: &&proto::http1::Field| same_name(field.name.of(&self.bytes), name);
        self.head.fields.iter().filter(same).map(|field| field.value.of(&self.bytes))
    }

    /// The value of a header field that is a list, put together of all its lines (RFC 9110 §5.3).
    pub fn header_list<'r>(&'r self, name: &'r str) -> Cow<'r, [u8]> {
        let mut lines = self.headers_named(name);
        let first = lines.next().unwrap_or_default();
        let mut rest = lines.peekable();
        if rest.peek().is_none() {
            return Cow::Borrowed(first);
        }
        let mut all = first.to_vec();
        rest.for_each(|line| all.extend_from_slice(&[b", ", line].concat()));
        Cow::Owned(all)
    }

    /// The first line as it was sent.
    pub fn request_line(&self) -> &[u8] {
        self.head.request_line.of(&self.bytes)
    }

    /// The URI as it was sent, arguments included.
    pub fn request_uri(&self) -> &[u8] {
        self.head.uri.of(&self.bytes)
    }

    /// The protocol version.
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.connection.peer()
    }

    /// The address that the client connected to.
    pub fn local_address(&self) -> Option<Address> {
        self.connection.local_address()
    }

    /// The port that the client connected to; 0 on a Unix socket.
    pub fn local_port(&self) -> u16 {
        match self.port.address() {
            Address::Inet(address) => address.port(),
            Address::Unix(_) => 0,
        }
    }

    /// Waits, while the client does. The error is the status of a request whose client has gone.
    pub async fn sleep(&mut self, ms: u64) -> Result<(), u16> {
        let conn = self.connection.conn();
        let mut sleep = pin!(rt::sleep(ms));
        let waits = poll_fn(|cx| match conn.hung_up() {
            true => Poll::Ready(false),
            false => sleep.as_mut().poll(cx).map(|()| true),
        });
        if waits.await {
            return Ok(());
        }
        self.error(Level::Info, format_args!("client prematurely closed connection"));
        Err(499)
    }

    /// The body of the request, all of it, if that is at most `limit` bytes. The error has the status to answer with.
    pub async fn read_body(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        self.take_body().read_whole(limit).await
    }

    /// Takes the body, to be read piece by piece, or to be passed on.
    pub fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    /// Whether the client can tell where the answer's body ends without the connection's end.
    pub(crate) fn has_length(&self) -> bool {
        let response = &self.response;
        match response.streaming {
            true => self.version() >= Version::V11 || self.is_head(),
            false => {
                let bodiless = matches!(response.status, 100..=199 | 204 | 304);
                response.content_length.is_some() || response.chunked || bodiless || self.is_head()
            }
        }
    }

    /// Keeps only what a log line is made of, in no more memory than that takes.
    pub(crate) fn compact(&mut self) {
        let response = &mut self.response;
        response.body.clear();
        response.takeover = None;
        for text in [&mut self.bytes, &mut self.uri, &mut self.args, &mut self.host] {
            *text = Str::copy(text);
        }
        for (name, value) in &mut response.headers {
            (*name, *value) = (Str::copy(name), Str::copy(value));
        }
        response.headers.shrink_to_fit();
        for assigned in self.set.borrow_mut().iter_mut() {
            assigned.value = Str::copy(&assigned.value);
        }
        self.captures.get_mut().clear();
        self.head.fields.shrink_to_fit();
        self.scratch = Vec::new();
        self.contexts = Vec::new();
        self.pool.release();
    }

    /// Whether the answer has no body, whatever was made for it.
    pub(crate) fn has_bodiless_answer(&self) -> bool {
        self.is_head() || matches!(self.response.status, 100..=199 | 204 | 304)
    }

    /// Whether it is asked on behalf of another request.
    pub fn is_subrequest(&self) -> bool {
        self.nesting > 0
    }

    /// Whether the answer has no body whatever the status: HEAD.
    pub fn is_head(&self) -> bool {
        self.method == Method::Head
    }

    /// The file that the URI stands for here.
    pub fn map_path(&mut self) -> Result<MappedPath, u16> {
        let uri = self.uri.clone();
        crate::paths::map(self, &uri)
    }

    /// The file that another URI would stand for here.
    pub fn map_uri(&mut self, uri: &Str) -> Result<MappedPath, u16> {
        crate::paths::map(self, uri)
    }

    /// Notes something in the trace of this connection, if it is traced.
    pub fn trace(&self, happening: crate::Happening<'_>) {
        self.port.trace(self.connection.conn(), happening);
    }

    /// Writes to the location's error log, with who asked for what.
    pub fn error(&self, level: Level, message: std::fmt::Arguments<'_>) {
        let logs = &self.location.settings.error_logs;
        let takes = match logs.is_empty() {
            true => sys::log::takes(level),
            false => logs.iter().any(|log| log.takes(level)),
        };
        if !takes {
            return;
        }
        let line = self.with_context(message);
        match logs.is_empty() {
            true => sys::log::write(level, format_args!("{line}")),
            false => logs.iter().for_each(|log| log.write(level, format_args!("{line}"))),
        }
    }

    fn with_context(&self, message: std::fmt::Arguments<'_>) -> String {
        let lossy = String::from_utf8_lossy;
        let mut line = format!("*{} {message}, client: {}", self.connection.serial(), self.peer());
        line.push_str(&format!(", server: {}", self.server.name));
        if !self.request_line().is_empty() {
            line.push_str(&format!(", request: \"{}\"", lossy(self.request_line())));
        }
        if self.is_subrequest() {
            line.push_str(&format!(", subrequest: \"{}\"", self.uri));
        }
        if let Some(host) = self.header(Name::Host) {
            line.push_str(&format!(", host: \"{}\"", lossy(host)));
        }
        if let Some(referrer) = self.header(Name::Referer) {
            line.push_str(&format!(", referrer: \"{}\"", lossy(referrer)));
        }
        // What a client sent must not make lines of its own.
        line.replace(|c: char| c.is_control(), "?")
    }
}

/// The one of that type, made if there is none.
fn of_type<T: Default + 'static>(contexts: &mut Vec<Box<dyn Any>>) -> &mut T {
    let at = contexts.iter().position(|context| context.is::<T>());
    let at = at.unwrap_or_else(|| {
        contexts.push(Box::new(T::default()));
        contexts.len() - 1
    });
    contexts[at].downcast_mut().expect("it was looked for, or made, by its type")
}

/// Whether a field's name is that of a variable: `user_agent` is `User-Agent`.
fn same_name(field: &[u8], name: &str) -> bool {
    let same = |(field, name): (&u8, u8)| match name {
        b'_' => *field == b'-' || *field == b'_',
        name => field.eq_ignore_ascii_case(&name),
    };
    field.len() == name.len() && field.iter().zip(name.bytes()).all(same)
}
