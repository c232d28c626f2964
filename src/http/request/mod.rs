//! A request on its way through the phases, what modules do on that way, and the answer that comes of it.

pub mod aside;
pub mod body;
pub mod check;
pub mod connect_info;
pub mod content;
pub mod context;
pub mod credentials;
pub mod delay;
pub mod fields;
pub mod flow;
pub mod handlers;
pub mod log;
pub mod paths;
pub mod phases;
pub mod subrequest;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mem::{Pool, Str};
use proto::http1::{Body as Framing, Head, Method};
use rt::Conn;
use sys::socket::{Address, Peer};
use tls::Asked as AskedName;

use self::aside::Substitute;
use self::connect_info::ConnectInfo;
pub use self::content::{Content, Listener, Location, Names, Server, Template, Variable};
use self::context::Lasting;
use self::flow::Phase;
pub use self::handlers::{BodyFilter, Filter, Handler, Logger, Trailers};
use crate::body::Body;
use crate::response::Response;
use crate::route::hosts::Hosts;
use crate::route::regex::Captures;
use crate::vars::assigned::Assigned;
use crate::vars::connection::Connected;
use crate::vars::handshake::Early;
use crate::vars::scope::{Memo, Scope};

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The server's rewrite handlers.
    ServerRewrite,
    /// The location is looked for.
    Find,
    /// The location's handlers.
    Location,
}

/// Another server that is asked on behalf of a request, as messages name it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is spoken with it: `http`.
    pub scheme: &'static str,
    /// Its address.
    pub peer: Str,
    /// The head of what it is asked, which begins with a method and a URI.
    pub head: Str,
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let uri = self.head.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        write!(f, "{}://{}{}", self.scheme, self.peer, String::from_utf8_lossy(uri))
    }
}

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
    pub limit_rate: Option<u64>,
    /// Whether the client may get it compressed, once that is known.
    pub(crate) accepts_gzip: Cell<Option<bool>>,
    /// What variables have come to.
    pub(crate) memo: Memo,
    /// How the body was framed.
    pub framing: Framing,
    /// The body, as far as nobody has taken it.
    pub body: Body,
    /// The connection may serve another request after this one.
    pub keep_alive: bool,
    /// It asks for a tunnel of a WebSocket through a stream (RFC 8441): what would follow the handshake is what the stream has.
    pub is_tunnel: bool,
    /// The peer that was asked for it last, for messages.
    pub upstream: Option<Asked>,
    /// It had come before the answer to the request before it had gone.
    pub is_pipelined: bool,
    /// The request was redirected inside the server: `internal` locations are open to it.
    pub internal: bool,
    /// The page of an error is being made: its own errors get the plain page.
    pub error_page: bool,
    /// Status that an `error_page` wants its page to have.
    pub forced_status: Option<u16>,
    /// The type that the answer of another location is to have (`X-Accel-Redirect`).
    pub forced_type: Option<Str>,
    /// `rewrite … break` has changed the URI: it is not the one that the location is chosen by.
    pub broke_off: bool,
    /// The URI is to be appended to an `alias` that is a whole path: `try_files` has found it there.
    pub below_alias: bool,
    /// There is no request yet, but a handshake that asks for this name.
    pub(crate) asked_name: Option<Str>,
    /// When its first byte was read, in the loop's milliseconds.
    pub started: u64,
    /// Its number on the connection, from 1.
    pub number: u32,
    /// Bytes of the answer handed to the kernel, head included.
    pub bytes_sent: u64,
    /// Bytes of the answer's head.
    pub head_sent: u64,
    /// All of the answer was handed on to be sent.
    pub is_answered: bool,
    /// Bytes of the body that were read or thrown away.
    pub body_received: u64,
    /// Fields that were sent behind the body.
    pub(crate) sent_trailers: Vec<(Str, Str)>,
    /// `$request_id`, once somebody has asked for it.
    pub(crate) id: Rc<Cell<Option<u128>>>,
    /// The answer, whatever it comes to, depends on what encodings the client takes.
    pub(crate) varies_by_encoding: bool,
    pub(crate) contexts: Vec<Box<dyn Any>>,
    /// Those that stay as long as the client is served, whatever serves it: also those of its subrequests.
    pub(crate) lasting: Rc<Lasting>,
    pub(crate) scratch: Vec<u8>,
    pub(crate) listener: &'static Listener,
    pub(crate) hosts: &'static Hosts<Server>,
    pub(crate) server: &'static Server,
    pub(crate) location: &'static Location,
    /// The next handler of the location.
    pub(crate) cursor: usize,
    pub(crate) stage: Stage,
    pub(crate) redirects: u8,
    /// How deep it is among subrequests: 0 is the client's own.
    pub(crate) nesting: u8,
    /// What stands for its answer should that be an error or empty: of a subrequest.
    pub(crate) substitute: Option<Substitute>,
    /// The status of an access handler that refused, while another may still let in.
    pub(crate) refused: Option<u16>,
    /// A refusal waits for `auth_delay`.
    pub(crate) delayed: bool,
    /// Who is at the other end, as a trusted proxy tells it.
    pub(crate) told_peer: Option<Peer>,
}

impl Request {
    pub(crate) fn new(connection: ConnectInfo, listener: &'static Listener) -> Request {
        let hosts = listener.first_hosts();
        let server = connection.first_server(hosts);
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
            accepts_gzip: Cell::new(None),
            memo: Memo::default(),
            framing: Framing::None,
            body: Body::default(),
            keep_alive: false,
            is_tunnel: false,
            upstream: None,
            is_pipelined: false,
            sent_trailers: Vec::new(),
            id: Rc::default(),
            internal: false,
            error_page: false,
            forced_status: None,
            forced_type: None,
            broke_off: false,
            below_alias: false,
            asked_name: None,
            started: 0,
            number: 0,
            bytes_sent: 0,
            is_answered: false,
            head_sent: 0,
            body_received: 0,
            varies_by_encoding: false,
            contexts: Vec::new(),
            lasting: Rc::default(),
            scratch: Vec::new(),
            listener,
            hosts,
            server,
            location: server.location(),
            cursor: 0,
            stage: Stage::ServerRewrite,
            redirects: 0,
            nesting: 0,
            substitute: None,
            refused: None,
            delayed: false,
            told_peer: None,
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
        self.memo.clear();
        self.set.borrow_mut().clear();
        self.limit_rate = None;
        self.accepts_gzip.set(None);
        self.pool.reset();
        self.framing = Framing::None;
        self.body = Body::default();
        self.keep_alive = false;
        self.is_tunnel = false;
        self.upstream = None;
        self.is_pipelined = false;
        self.sent_trailers.clear();
        self.id.set(None);
        self.internal = false;
        self.error_page = false;
        self.forced_status = None;
        self.forced_type = None;
        self.broke_off = false;
        self.below_alias = false;
        self.started = 0;
        self.number = 0;
        self.bytes_sent = 0;
        self.is_answered = false;
        self.head_sent = 0;
        self.body_received = 0;
        self.varies_by_encoding = false;
        self.contexts.clear();
        self.lasting.clear();
        self.restart();
        self.redirects = 0;
        self.attach(self.connection, self.listener);
    }

    /// Puts an empty request to a connection, and to the servers that it begins with.
    pub(crate) fn attach(&mut self, connection: ConnectInfo, listener: &'static Listener) {
        self.connection = connection;
        // Whatever was told of another connection's peer is not of this one's.
        self.told_peer = None;
        self.listener = listener;
        self.hosts = listener.first_hosts();
        self.server = connection.first_server(self.hosts);
        self.location = self.server.location();
    }

    /// Starts the phases over.
    pub(crate) fn restart(&mut self) {
        self.cursor = 0;
        self.stage = Stage::ServerRewrite;
        self.refused = None;
        self.delayed = false;
        self.below_alias = false;
    }

    /// The server that was chosen by name.
    pub fn server(&self) -> &'static Server {
        self.server
    }

    /// The location that was chosen by URI.
    pub fn location(&self) -> &'static Location {
        self.location
    }

    /// Goes on in a branch of `location`, the one that the handler was called in whose conditions lead there. What
    /// branches have is not done by it once more.
    pub fn enter_branch(&mut self, location: &'static Location, number: usize) {
        let Some(branch) = location.branches.get(number) else { return };
        self.location = branch;
        if self.stage == Stage::Location {
            self.cursor = branch.handlers.partition_point(|(phase, _)| *phase < Phase::Rewrite);
        }
    }

    /// A number by which it is known in logs, and to whom it is passed on: random, so that two servers have no two alike.
    pub fn id(&self) -> u128 {
        let id = self.id.get().unwrap_or_else(sys::random::number);
        self.id.set(Some(id));
        id
    }

    /// Whether it is asked on behalf of another request.
    pub fn is_subrequest(&self) -> bool {
        self.nesting > 0
    }

    /// Whether the answer has no body whatever the status: HEAD.
    pub fn is_head(&self) -> bool {
        self.method == Method::Head
    }
}

impl Scope for Request {
    fn captures(&self) -> &RefCell<Captures> {
        &self.captures
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn memory(&mut self) -> (&mut Vec<u8>, &mut Pool) {
        (&mut self.scratch, &mut self.pool)
    }

    fn log(&self, level: sys::log::Level, message: std::fmt::Arguments<'_>) {
        Request::error(self, level, message);
    }
}

impl Connected for Request {
    fn conn(&self) -> Conn {
        self.connection.conn()
    }

    fn peer(&self) -> Peer {
        Request::peer(self)
    }

    fn listening(&self) -> &Address {
        self.listener.address()
    }

    fn tls(&self) -> Option<&'static tls::Server> {
        self.server.tls.as_ref()
    }

    fn asked_name(&self) -> Option<&[u8]> {
        self.asked_name.as_deref()
    }
}

impl Early for Request {
    fn early(asked: &AskedName<'_>) -> Option<Request> {
        let listener: &'static Listener = asked.listener.downcast_ref()?;
        let mut request = Request::new(ConnectInfo::of(asked.conn), listener);
        let name = Some(asked.name).filter(|name| !name.is_empty());
        let hosts = listener.hosts_for(asked.conn)?;
        if let Some((server, _)) = hosts.choose(name, request.captures.get_mut()) {
            (request.server, request.location) = (server, server.location());
        }
        request.asked_name = Some(Str::copy(asked.name.as_bytes()));
        Some(request)
    }
}
