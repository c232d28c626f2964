//! What directives set in a block.

use std::rc::Rc;

use conf::{Opt, Word};
use http::cors::{AllowedHeaders, Origins};

use crate::settings::values::{Figures, From, History, Lag, Methods, Start};
use crate::zone::ZoneConf;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    pub zones: Opt<Vec<Rc<ZoneConf>>>,
    pub subscribe: Opt<Vec<Word>>,
    pub publish: Opt<Word>,
    pub zone: Opt<Word>,
    pub publish_from: Opt<Vec<From>>,
    pub history: Opt<History>,
    pub max_history: Opt<u32>,
    pub start: Opt<Start>,
    pub keepalive: Opt<u64>,
    pub retry: Opt<u64>,
    pub lag: Opt<Lag>,
    pub max_message: Opt<u64>,
    pub max_channels: Opt<u32>,
    pub max_subscribers: Opt<u32>,
    pub max_per_address: Opt<u32>,
    pub max_streams: Opt<u32>,
    pub allow_origin: Opt<Origins>,
    pub allow_headers: Opt<AllowedHeaders>,
    pub wildcards: Opt<bool>,
    pub split: Opt<bool>,
    pub figures: Opt<Figures>,
    pub methods: Opt<Methods>,
    pub places: Opt<Vec<Word>>,
    pub heartbeat: Opt<(Vec<u8>, Vec<u8>)>,
    pub gap_event: Opt<Vec<u8>>,
    pub end_event: Opt<Vec<u8>>,
    pub status: Opt<()>,
}

impl Conf {
    /// Takes what is unset from the block around this one.
    pub fn inherit(&mut self, outer: &Conf) {
        self.zones.inherit(&outer.zones);
        self.zone.inherit(&outer.zone);
        self.publish_from.inherit(&outer.publish_from);
        self.history.inherit(&outer.history);
        self.max_history.inherit(&outer.max_history);
        self.start.inherit(&outer.start);
        self.keepalive.inherit(&outer.keepalive);
        self.retry.inherit(&outer.retry);
        self.lag.inherit(&outer.lag);
        self.max_message.inherit(&outer.max_message);
        self.max_channels.inherit(&outer.max_channels);
        self.max_subscribers.inherit(&outer.max_subscribers);
        self.max_per_address.inherit(&outer.max_per_address);
        self.allow_origin.inherit(&outer.allow_origin);
        self.wildcards.inherit(&outer.wildcards);
        self.max_streams.inherit(&outer.max_streams);
        self.allow_headers.inherit(&outer.allow_headers);
        self.split.inherit(&outer.split);
        self.figures.inherit(&outer.figures);
        self.methods.inherit(&outer.methods);
        self.places.inherit(&outer.places);
        self.heartbeat.inherit(&outer.heartbeat);
        self.gap_event.inherit(&outer.gap_event);
        self.end_event.inherit(&outer.end_event);
    }
}
