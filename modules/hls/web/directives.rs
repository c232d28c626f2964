//! The directives of locations.

use std::rc::Rc;

use conf::{Arity, Directive, Error, Setting, Word, contexts, settings};
use http::cors::Origins;
use http::{Hooks, Module, Phase};

use crate::web::handler::Live;

/// The HTTP module.
pub struct Web;

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option hls_live: Word = (
            contexts!(SERVER | LOCATION), Arity::Exactly(1), word, "off",
            "GET is a live stream as HLS, from memory: APP/NAME (variables); the master playlist is index.m3u8"
        );
        option dash_live: Word = (
            contexts!(SERVER | LOCATION), Arity::Exactly(1), word, "off",
            "GET is a live stream as DASH, from memory: APP/NAME (variables); the description is index.mpd"
        );
        option hls_allow_origin: Origins = (
            contexts!(HTTP | SERVER | LOCATION), Arity::AtLeast(1), origins, "*",
            "pages of these origins may play HLS and DASH: * or https://HOST …"
        );
        time hls_recheck = (
            contexts!(HTTP | SERVER | LOCATION), "10s",
            "how long what on_play has said of a client holds for what hls_live and dash_live give it; 0: it is asked for each"
        );
    }
}

impl Module for Web {
    const NAME: &'static str = "hls web";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.hls_live.inherit(&outer.hls_live);
        conf.dash_live.inherit(&outer.dash_live);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        // Names tell what is asked for, and both are of one stream.
        let mut words = [conf.hls_live.get(), conf.dash_live.get()].into_iter().flatten();
        if let Some(word) = words.find(|word| word.text != "off") {
            let stream = hooks.template(word)?;
            let any = Origins::parse(std::iter::once("*")).unwrap_or_default();
            let origins = Rc::new(conf.hls_allow_origin.or_default(any));
            hooks.on(Phase::Content, Live { stream, origins, recheck: conf.hls_recheck() });
        }
        Ok(())
    }
}

fn word(setting: &Setting<'_>) -> Result<Word, Error> {
    Ok(setting.args()[0].clone())
}

fn origins(setting: &Setting<'_>) -> Result<Origins, Error> {
    let words = setting.args().iter().map(|word| word.text.as_str());
    Origins::parse(words)
        .map_err(|at| setting.error_at(at, "this is no origin: scheme://host[:port]"))
}
