//! `http {}`: a core module that serves HTTP/1.x and HTTP/2, and hands requests to the HTTP modules.
//!
//! ```text
//! readable ─▶ h1: read, parse ─▶ Listener: server by name ─▶ phases: server rewrite, location,
//!   rewrite, preaccess, access, precontent, content ─▶ header filters ─▶ head + body ─▶ one write
//! ```
//! A module adds [`Handler`]s to phases, [`Filter`]s and [`Logger`]s, and only to the locations in
//! which its directives switch it on: a location pays for nothing else.
#![forbid(unsafe_code)]

mod block;
mod body;
pub mod client;
pub mod cors;
mod counts;
mod error;
pub mod forwarded;
mod h1;
mod h2;
mod handshake;
mod now;
pub mod parsed;
mod request;
mod response;
pub mod route;
mod trace;
pub mod vars;
pub mod websocket;

pub use block::Http;
pub use block::api::{Entry, Hooks, Level, Module, entry};
pub use block::declarations::Declarations;
pub use block::installing::Installing;
pub use block::keyed::{KeyedZone, refusal_status, undeclared_zone};
pub use block::settings::{Alias, Settings};
pub use body::coded::Coder;
pub use body::spool::Spool;
pub use body::{Body, Failed, Fields, Source, read_chain};
pub use counts::{Counts, counts};
pub use error::{Blame, Cause, Error, Phase as ErrorPhase};
pub use request::connect_info::ConnectInfo;
pub use request::credentials::Credentials;
pub use request::flow::{BoxFuture, Flow, Order, Phase};
pub use request::log::RequestLog;
pub use request::paths::MappedPath;
pub use request::subrequest::Subrequest;
pub use request::{
    Asked, BodyFilter, Filter, Handler, Location, Logger, Request, Server, Template, Trailers,
    Variable,
};
pub use response::Response;
pub use response::encoder::{Encoder, PREFERENCE as CODINGS};
pub use response::media_types::MediaTypes;
pub use response::names::is_named;
pub use response::takeover::{Session, Takeover};
pub use route::location::MatchKind;
pub use route::patterns::{Conflict, Patterns};
pub use route::regex::Regex;
pub use trace::Happening;
pub use vars::lookup::Lookup;
pub use vars::scope::Value;
pub use vars::settable::Settable;
pub use vars::template::Piece;

pub use proto::http1::Version;
pub use sys::log::Level as LogLevel;
