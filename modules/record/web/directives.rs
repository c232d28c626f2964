//! The directives of locations.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::cors::Origins;
use http::{Hooks, Module, Phase};

use crate::web::handler::Play;

/// The HTTP module.
pub struct Web;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

/// `record_play`
#[derive(Clone, Debug)]
pub struct What {
    /// `APP/NAME`, or `off`.
    stream: Word,
    recorder: Option<Word>,
}

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option record_play: What = (
            contexts!(SERVER | LOCATION), Arity::Between(1, 2), what, "off",
            "GET is what was recorded of APP/NAME (variables), by one RECORDER or by all: the list, files, index.m3u8, video.mp4; of APP alone which streams there are"
        );
        value record_play_limit: u64 = (
            WEB, Arity::Exactly(1), |s: &Setting<'_>| s.number_in(0, 1..=100_000), "1000",
            "recordings in one answer of the list, at most"
        );
        value record_play_longest: u64 = (
            WEB, Arity::Exactly(1), |s: &Setting<'_>| s.time_ms(0), "1d",
            "so much of recordings is in one playlist or movie, at most"
        );
        time record_play_recheck = (
            WEB, "10s",
            "how long what on_play has said of a client holds for what it is given of recordings; 0: it is asked for each"
        );
        option record_play_allow_origin: Origins = (
            WEB, Arity::AtLeast(1), origins, "*",
            "pages of these origins may play what was recorded: * or https://HOST …"
        );
    }
}

impl Module for Web {
    const NAME: &'static str = "record web";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.record_play.inherit(&outer.record_play);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let what = conf.record_play.get().filter(|what| what.stream.text != "off");
        if let Some(What { stream, recorder }) = what {
            let stream = hooks.template(stream)?;
            let recorder = recorder.as_ref().map(|word| hooks.template(word)).transpose()?;
            let any = Origins::parse(std::iter::once("*")).unwrap_or_default();
            let origins = Rc::new(conf.record_play_allow_origin.or_default(any));
            let limit = conf.record_play_limit() as usize;
            let longest = conf.record_play_longest();
            let recheck = conf.record_play_recheck();
            let play = Play { stream, recorder, origins, limit, longest, recheck };
            hooks.on(Phase::Content, play);
        }
        Ok(())
    }
}

fn what(setting: &Setting<'_>) -> Result<What, Error> {
    let words = setting.args();
    Ok(What { stream: words[0].clone(), recorder: words.get(1).cloned() })
}

fn origins(setting: &Setting<'_>) -> Result<Origins, Error> {
    let words = setting.args().iter().map(|word| word.text.as_str());
    Origins::parse(words)
        .map_err(|at| setting.error_at(at, "this is no origin: scheme://host[:port]"))
}
