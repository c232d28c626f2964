//! What routes, words with variables and settings are, completed by what is done with requests.

use std::any::Any;

use super::Request;
use super::flow::Phase;
use super::handlers::{BodyFilter, Filter, Handler, Logger, Trailers};
use crate::block::settings::{Settings, Words};
use crate::route::{listener, location};
use crate::vars::{names, template};

/// A location, ready to serve.
pub type Location = location::Location<Content>;
/// A server, ready to serve.
pub type Server = location::Server<Content>;
/// A listening address, and the servers behind it.
pub type Listener = listener::Listener<Server>;
/// A word with variables.
pub type Template = template::Template<Request>;
/// The variables that a configuration knows.
pub type Names = names::Names<Request>;
/// A variable that a module provides.
pub type Variable = names::Variable<Request>;

/// What is done in a location.
pub struct Content {
    /// The core's settings.
    pub settings: Settings,
    pub(crate) words: Words<Request>,
    /// Of a server: before a location is looked for.
    pub(crate) rewrite: Box<[Box<dyn Handler>]>,
    pub(crate) handlers: Box<[(Phase, Box<dyn Handler>)]>,
    pub(crate) filters: Box<[Box<dyn Filter>]>,
    pub(crate) body_filters: Box<[Box<dyn BodyFilter>]>,
    pub(crate) trailers: Box<[Box<dyn Trailers>]>,
    pub(crate) loggers: Box<[Box<dyn Logger>]>,
    pub(crate) kept: Box<[Box<dyn Any>]>,
}
