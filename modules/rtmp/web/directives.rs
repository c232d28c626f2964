//! The directives.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::cors::Origins;
use http::{Hooks, Module, Phase};

use crate::web::picture::Parts;
use crate::web::stat::{self, Format};
use crate::web::{control, flv};

/// The HTTP module.
pub struct Web;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option flv_live: Word = (
            contexts!(SERVER | LOCATION), Arity::Exactly(1), word, "off",
            "GET is a live stream as FLV: APP/NAME (variables), or on: by the arguments app and stream"
        );
        option flv_allow_origin: Origins = (
            WEB, Arity::AtLeast(1), origins, "",
            "pages of these origins may play: * or https://HOST …"
        );
        option rtmp_stat: Parts = (
            WEB, Arity::AtLeast(1), parts, "",
            "all|global|live|clients: GET shows streams and clients of all workers"
        );
        option rtmp_stat_stylesheet: String = (
            WEB, Arity::Exactly(1), stylesheet, "", "the address of a style sheet that the XML names"
        );
        value rtmp_stat_format: Format = (
            WEB, Arity::Exactly(1), format, "xml",
            "the form of rtmp_stat; a client that prefers JSON gets that in any case"
        );
        lists rtmp_control: Word = (
            WEB, Arity::AtLeast(1), commands, "",
            "all|record|drop|redirect: …/drop/publisher?app=&name=, …/record/start?app=&name=&rec= and the like, in all workers"
        );
    }
}

impl Module for Web {
    const NAME: &'static str = "rtmp web";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let origins = Rc::new(conf.flv_allow_origin.or_default(Origins::default()));
        match conf.flv_live.get() {
            Some(word) if word.text == "on" => {
                hooks.on(Phase::Content, flv::Live { stream: None, origins });
            }
            Some(word) if word.text != "off" => {
                let stream = Some(hooks.template(word)?);
                hooks.on(Phase::Content, flv::Live { stream, origins });
            }
            _ => {}
        }
        if let Some(parts) = conf.rtmp_stat.get() {
            let stylesheet = conf.rtmp_stat_stylesheet.get().cloned();
            let format = conf.rtmp_stat_format();
            hooks.on(Phase::Content, stat::Stat { stylesheet, format, parts: *parts });
        }
        if conf.rtmp_control.is_set() {
            let may = |name: &str| {
                let words = conf.rtmp_control.as_slice();
                words.iter().any(|word| word.text == name || word.text == "all")
            };
            hooks.on(
                Phase::Content,
                control::Control {
                    record: may("record"),
                    drop: may("drop"),
                    redirect: may("redirect"),
                },
            );
        }
        Ok(())
    }
}

fn word(setting: &Setting<'_>) -> Result<Word, Error> {
    Ok(setting.args()[0].clone())
}

fn stylesheet(setting: &Setting<'_>) -> Result<String, Error> {
    Ok(setting.arg(0).to_owned())
}

fn format(setting: &Setting<'_>) -> Result<Format, Error> {
    setting.choice(0, &[("xml", Format::Xml), ("json", Format::Json)])
}

fn origins(setting: &Setting<'_>) -> Result<Origins, Error> {
    let words = setting.args().iter().map(|word| word.text.as_str());
    Origins::parse(words)
        .map_err(|at| setting.error_at(at, "this is no origin: scheme://host[:port]"))
}

fn parts(setting: &Setting<'_>) -> Result<Parts, Error> {
    let mut parts = Parts::default();
    for (at, word) in setting.args().iter().enumerate() {
        match word.text.as_str() {
            "all" => parts = Parts { global: true, live: true, clients: true },
            "global" => parts.global = true,
            "live" => parts.live = true,
            "clients" => (parts.live, parts.clients) = (true, true),
            _ => return Err(setting.error_at(at, format!("invalid value \"{word}\""))),
        }
    }
    Ok(parts)
}

fn commands(setting: &Setting<'_>) -> Result<Vec<Word>, Error> {
    for (at, word) in setting.args().iter().enumerate() {
        match word.text.as_str() {
            "all" | "record" | "drop" | "redirect" => {}
            _ => return Err(setting.error_at(at, format!("invalid value \"{word}\""))),
        }
    }
    Ok(setting.args().to_vec())
}
