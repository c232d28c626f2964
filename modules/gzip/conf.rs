//! The directives. Whether and how hard to compress, and for whom, is the core's: event streams share it.

use ::conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use http::{Encoder, Hooks, MediaTypes, Module, Order, Variable};

use crate::deflate;
use crate::filter::Decompress;

/// The module.
pub struct Gzip;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        value gzip_types: MediaTypes = (
            WEB, Arity::AtLeast(1), MediaTypes::parse, "text/html",
            "media types of answers that are compressed, beside text/html; * for all"
        );
        size gzip_min_length = (
            WEB, "20", "shorter answers, whose length is known, are sent as they are"
        );
        option gzip_buffers: (u64, u64) = (
            WEB, Arity::Exactly(2), buffers, "32 4k",
            "without effect: a body is compressed as the client takes it, in buffers of the pool"
        );
        flag gunzip = (
            WEB, "off", "decompress answers that are compressed for clients that do not take that"
        );
        option gunzip_buffers: (u64, u64) = (
            WEB, Arity::Exactly(2), buffers, "32 4k", "without effect, as gzip_buffers"
        );
    }
}

impl Module for Gzip {
    const NAME: &'static str = "gzip";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    const VARIABLES: &'static [Variable] = &[Variable {
        name: "gzip_ratio",
        get: |request, _, out| request.coding_ratio("gzip", out),
        help: "how many times longer the answer was before gzip",
    }];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.gunzip() {
            hooks.filter(Order::Gunzip, Decompress);
            hooks.body_filter(Order::Gunzip, Decompress);
        }
        if hooks.settings.gzip {
            let level = hooks.settings.gzip_comp_level;
            let (types, min_length) = (conf.gzip_types(), conf.gzip_min_length());
            let body = Box::new(move |body| deflate::body(body, level));
            hooks.encoder(Encoder { coding: "gzip", types, min_length, body });
        }
        Ok(())
    }
}

fn buffers(setting: &Setting<'_>) -> Result<(u64, u64), Error> {
    Ok((setting.number(0)?, setting.size(1)?))
}
