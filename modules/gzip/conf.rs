//! The directives. Whether and how hard to compress, and for whom, is the core's: event streams share it.

use ::conf::{Arity, Contexts, Directive, Error, Opt, Setting, contexts};
use http::{Hooks, Module, Order};
use mem::Str;

use crate::filter::{Compress, Decompress};

/// The module.
pub struct Gzip;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    types: Opt<Vec<Str>>,
    min_length: Opt<u64>,
    buffers: Opt<(u64, u64)>,
    gunzip: Opt<bool>,
    gunzip_buffers: Opt<(u64, u64)>,
}

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

impl Module for Gzip {
    const NAME: &'static str = "gzip";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[
        Directive::new(
            "gzip_types",
            WEB,
            Arity::AtLeast(1),
            set_types,
            "text/html",
            "media types of answers that are compressed, beside text/html; * for all",
        ),
        Directive::new(
            "gzip_min_length",
            WEB,
            Arity::Exactly(1),
            |c, s| c.min_length.set_in(s.size(0)?, s),
            "20",
            "shorter answers, whose length is known, are sent as they are",
        ),
        Directive::new(
            "gzip_buffers",
            WEB,
            Arity::Exactly(2),
            |c, s| c.buffers.set_in((s.number(0)?, s.size(1)?), s),
            "32 4k",
            "without effect: a body is compressed as the client takes it, in buffers of the pool",
        ),
        Directive::new(
            "gunzip",
            WEB,
            Arity::Flag,
            |c, s| c.gunzip.set_in(s.flag()?, s),
            "off",
            "decompress answers that are compressed for clients that do not take that",
        ),
        Directive::new(
            "gunzip_buffers",
            WEB,
            Arity::Exactly(2),
            |c, s| c.gunzip_buffers.set_in((s.number(0)?, s.size(1)?), s),
            "32 4k",
            "without effect, as gzip_buffers",
        ),
    ];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.types.inherit(&outer.types);
        conf.min_length.inherit(&outer.min_length);
        conf.buffers.inherit(&outer.buffers);
        conf.gunzip.inherit(&outer.gunzip);
        conf.gunzip_buffers.inherit(&outer.gunzip_buffers);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.gunzip.or_default(false) {
            hooks.filter(Order::Gunzip, Decompress);
            hooks.body_filter(Order::Gunzip, Decompress);
        }
        if hooks.settings.gzip {
            let level = hooks.settings.gzip_comp_level;
            let types = conf.types.as_slice().to_vec();
            let min_length = conf.min_length.or_default(20);
            hooks.filter(Order::Gzip, Compress { types, min_length, level });
            hooks.body_filter(Order::Gzip, Compress { types: Vec::new(), min_length, level });
        }
        Ok(())
    }
}

fn set_types(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    for word in setting.args() {
        conf.types.push(Str::from(word.text.to_ascii_lowercase()));
    }
    Ok(())
}
