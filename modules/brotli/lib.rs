//! `brotli`: answers in the coding `br` (RFC 7932), with the directives of ngx_brotli.
#![forbid(unsafe_code)]

mod encode;

use conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use http::{Encoder, Hooks, MediaTypes, Module, Variable};

/// The module.
pub struct Brotli;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
const WEB_IF: Contexts = contexts!(HTTP | SERVER | LOCATION | LIF);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        flag brotli = (WEB_IF, "off", "compress answers by brotli, for clients that accept it");
        value brotli_types: MediaTypes = (
            WEB, Arity::AtLeast(1), MediaTypes::parse, "text/html",
            "media types of answers that are compressed, beside text/html; * for all"
        );
        value brotli_comp_level: u64 = (
            WEB, Arity::Exactly(1), |s: &Setting<'_>| s.number_in(0, 0..=11), "6",
            "how hard to compress, 0 to 11"
        );
        size brotli_min_length = (
            WEB, "20", "shorter answers, whose length is known, are sent as they are"
        );
        value brotli_window: u32 = (
            WEB, Arity::Exactly(1), window, "512k",
            "how far back a repetition is found: a power of two from 1k to 16m"
        );
        option brotli_buffers: (u64, u64) = (
            WEB, Arity::Exactly(2), buffers, "32 4k",
            "without effect: a body is compressed as the client takes it, in buffers of the pool"
        );
    }
}

/// The logarithm of a window's size.
fn window(setting: &Setting<'_>) -> Result<u32, Error> {
    let size = setting.size(0)?;
    match size.is_power_of_two() && (1 << 10..=1 << 24).contains(&size) {
        true => Ok(size.ilog2()),
        false => Err(setting.error_at(
            0,
            "must be 1k, 2k, 4k, 8k, 16k, 32k, 64k, 128k, 256k, 512k, 1m, 2m, 4m, 8m or 16m",
        )),
    }
}

fn buffers(setting: &Setting<'_>) -> Result<(u64, u64), Error> {
    Ok((setting.number(0)?, setting.size(1)?))
}

impl Module for Brotli {
    const NAME: &'static str = "brotli";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[Variable {
        name: "brotli_ratio",
        get: |request, _, out| request.coding_ratio("br", out),
        help: "how many times longer the answer was before brotli",
    }];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.brotli() {
            let (level, window) = (conf.brotli_comp_level() as u32, conf.brotli_window());
            hooks.encoder(Encoder {
                coding: "br",
                types: conf.brotli_types(),
                min_length: conf.brotli_min_length(),
                body: Box::new(move |body| encode::body(body, level, window)),
            });
        }
        Ok(())
    }
}
