//! `http {}`: a core module that serves HTTP/1.x and hands requests to the HTTP modules.
//!
//! ```text
//! readable ─▶ Exchange: read, parse ─▶ Port: server by name ─▶ phases: server rewrite, location,
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
pub mod cors;
mod decoder;
mod directives;
mod errors;
mod exchange;
mod hosts;
mod instance;
mod keyed;
mod listen;
mod location;
mod now;
mod output;
mod pace;
mod paths;
mod patterns;
mod phases;
mod proxy_header;
mod redirect;
mod regex;
mod render;
mod request;
mod response;
mod service;
mod settable;
mod settings;
mod takeover;
mod task;
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
pub use body::{Body, BodyFilter, Failed, Source, SourceError, Trailers, read_chain};
pub use exchange::Exchange;
pub use keyed::{KeyedZone, undeclared_zone};
pub use location::{Location, Server};
pub use paths::MappedPath;
pub use patterns::{Conflict, Patterns};
pub use regex::Regex;
pub use request::Request;
pub use response::Response;
pub use settable::Settable;
pub use settings::{Alias, Settings};
pub use takeover::{Session, Takeover};
pub use template::{Piece, Template, Value};
pub use trace::Happening;
pub use variables::Variable;

pub use proto::http1::Version;
pub use sys::log::Level as LogLevel;
