//! The directives.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::cors::Origins;
use http::{Hooks, Module, Phase};

use crate::handler::Live;

/// The module.
pub struct StreamLive;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option stream_live: Word = (
            contexts!(SERVER | LOCATION), Arity::Exactly(1), word, "off",
            "GET is a live stream in the form that is asked for: APP/NAME (variables), with a suffix (.flv .ts .mp4 .m3u8 .mpd) or by Accept"
        );
        option stream_page: Word = (
            WEB, Arity::Exactly(1), word, "",
            "the address (variables) that browsers are sent to which ask stream_live for a page; off: a page of its own"
        );
        option stream_allow_origin: Origins = (
            WEB, Arity::AtLeast(1), origins, "",
            "pages of these origins may play stream_live, in every form: * or https://HOST …"
        );
        time stream_recheck = (
            WEB, "10s",
            "how long what on_play has said of a client holds for the playlists and segments that it asks for; 0: it is asked for each"
        );
    }
}

impl Module for StreamLive {
    const NAME: &'static str = "stream_live";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.stream_live.inherit(&outer.stream_live);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let Some(word) = conf.stream_live.get().filter(|word| word.text != "off") else {
            return Ok(());
        };
        let stream = hooks.template(word)?;
        let page = conf.stream_page.get().filter(|word| word.text != "off");
        let page = page.map(|word| hooks.template(word)).transpose()?;
        let origins = Rc::new(conf.stream_allow_origin.or_default(Origins::default()));
        hooks.on(Phase::Content, Live { stream, page, origins, recheck: conf.stream_recheck() });
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
