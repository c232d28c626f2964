//! `http {}`: a core module that serves HTTP/1.x and hands requests to the HTTP modules.
//!
//! ```text
//! readable ─▶ h1: read, parse ─▶ Port: server by name ─▶ phases: server rewrite, location,
//!   rewrite, preaccess, access, precontent, content ─▶ header filters ─▶ head + body ─▶ one write
//! ```
//! A module adds [`Handler`]s to phases, [`Filter`]s and [`Logger`]s, and only to the locations in
//! which its directives switch it on: a location pays for nothing else.
#![forbid(unsafe_code)]

mod api;
mod assemble;
mod block;
mod body;
pub mod client;
mod compression;
mod connect_info;
pub mod cors;
mod directives;
mod error;
mod errors;
mod filters;
mod h1;
mod hosts;
mod instance;
mod io;
mod keyed;
mod listen;
mod location;
mod now;
mod pace;
mod paths;
mod patterns;
mod phases;
mod port;
mod proxy_header;
mod redirect;
mod regex;
mod request;
mod resolve;
mod response;
mod settable;
mod settings;
mod spool;
mod subrequest;
mod takeover;
mod template;
mod trace;
mod types;
mod variables;
pub mod websocket;

pub use api::{
    BoxFuture, Declarations, Entry, Event, Filter, Flow, Handler, Hooks, Level, Logger, Module,
    Order, Phase, entry,
};
pub use block::Http;
pub use body::{Body, BodyFilter, Failed, Source, Trailers, read_chain};
pub use connect_info::ConnectInfo;
pub use error::{Blame, Cause, Error, Phase as ErrorPhase};
pub use keyed::{KeyedZone, undeclared_zone};
pub use location::{Location, Server};
pub use paths::MappedPath;
pub use patterns::{Conflict, Patterns};
pub use regex::Regex;
pub use request::Request;
pub use response::Response;
pub use settable::Settable;
pub use settings::{Alias, Settings};
pub use spool::Spool;
pub use subrequest::Subrequest;
pub use takeover::{Session, Takeover};
pub use template::{Piece, Template, Value};
pub use trace::Happening;
pub use variables::Variable;

pub use proto::http1::Version;
pub use sys::log::Level as LogLevel;
