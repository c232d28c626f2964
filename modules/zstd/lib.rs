//! `zstd`: answers in the coding of that name (RFC 8878), with the directives of zstd-nginx-module.
#![forbid(unsafe_code)]

mod encode;

use conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use http::{Encoder, Hooks, MediaTypes, Module, Variable};

/// The module.
pub struct Zstd;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
const WEB_IF: Contexts = contexts!(HTTP | SERVER | LOCATION | LIF);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        flag zstd = (WEB_IF, "off", "compress answers by zstd, for clients that accept it");
        value zstd_types: MediaTypes = (
            WEB, Arity::AtLeast(1), MediaTypes::parse, "text/html",
            "media types of answers that are compressed, beside text/html; * for all"
        );
        value zstd_comp_level: u64 = (
            WEB, Arity::Exactly(1), |s: &Setting<'_>| s.number_in(0, 1..=22), "1",
            "how hard to compress, 1 to 22"
        );
        size zstd_min_length = (
            WEB, "20", "shorter answers, whose length is known, are sent as they are"
        );
        option zstd_buffers: (u64, u64) = (
            WEB, Arity::Exactly(2), buffers, "32 4k",
            "without effect: a body is compressed as the client takes it, in buffers of the pool"
        );
        option zstd_dict_file: () = (
            Contexts::HTTP, Arity::Exactly(1), dictionary, "",
            "refused: browsers have no dictionary, and could not read what is compressed with one"
        );
    }
}

fn buffers(setting: &Setting<'_>) -> Result<(u64, u64), Error> {
    Ok((setting.number(0)?, setting.size(1)?))
}

fn dictionary(setting: &Setting<'_>) -> Result<(), Error> {
    let why =
        "\"zstd_dict_file\" is refused: a client that accepts zstd does not have the dictionary";
    Err(setting.error(why))
}

impl Module for Zstd {
    const NAME: &'static str = "zstd";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[Variable {
        name: "zstd_ratio",
        get: |request, _, out| request.coding_ratio("zstd", out),
        help: "how many times longer the answer was before zstd",
    }];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.zstd() {
            let level = conf.zstd_comp_level() as i32;
            hooks.encoder(Encoder {
                coding: "zstd",
                types: conf.zstd_types(),
                min_length: conf.zstd_min_length(),
                body: Box::new(move |body| encode::body(body, level)),
            });
        }
        Ok(())
    }
}
