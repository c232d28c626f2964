//! What modules do in a location, put together.

use std::any::Any;

use crate::block::settings::{Settings, Words};
use crate::request::flow::{Order, Phase};
use crate::request::{BodyFilter, Content, Filter, Handler, Logger, Request, Trailers};
use crate::response::encoder::{Encoder, Encoders};

/// In the order of the list of modules.
#[derive(Default)]
pub(crate) struct Parts {
    pub handlers: Vec<(Phase, Box<dyn Handler>)>,
    pub filters: Vec<(Order, Box<dyn Filter>)>,
    pub body_filters: Vec<(Order, Box<dyn BodyFilter>)>,
    pub encoders: Vec<Encoder>,
    pub trailers: Vec<Box<dyn Trailers>>,
    pub loggers: Vec<Box<dyn Logger>>,
    pub kept: Vec<Box<dyn Any>>,
}

impl Parts {
    /// In the order in which it is done.
    pub fn content(mut self, settings: Settings, words: Words<Request>) -> Content {
        if !self.encoders.is_empty() {
            let (headers, bodies) = Encoders::new(self.encoders);
            self.filters.push((Order::Gzip, Box::new(headers)));
            self.body_filters.push((Order::Gzip, Box::new(bodies)));
        }
        // Stable: within a phase the order is that of the list of modules.
        self.handlers.sort_by_key(|(phase, _)| *phase);
        self.filters.sort_by_key(|(order, _)| *order);
        self.body_filters.sort_by_key(|(order, _)| *order);
        Content {
            settings,
            words,
            rewrite: Box::default(),
            handlers: self.handlers.into(),
            filters: self.filters.into_iter().map(|(_, filter)| filter).collect(),
            body_filters: self.body_filters.into_iter().map(|(_, filter)| filter).collect(),
            trailers: self.trailers.into(),
            loggers: self.loggers.into(),
            kept: self.kept.into(),
        }
    }
}
