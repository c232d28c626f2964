//! The directives.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, Word, contexts};
use http::cors::Origins;
use http::{Hooks, Module, Phase};

use crate::web::picture::Parts;
use crate::web::stat::{self, Format};
use crate::web::{control, flv};

/// The HTTP module.
pub struct Web;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    flv_live: Opt<Word>,
    origins: Opt<Origins>,
    stat: Opt<Parts>,
    stylesheet: Opt<String>,
    format: Opt<Format>,
    control: Opt<Vec<Word>>,
}

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

impl Module for Web {
    const NAME: &'static str = "rtmp web";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[
        Directive::new(
            "flv_live",
            contexts!(SERVER | LOCATION),
            Arity::Exactly(1),
            |c, s| c.flv_live.set_in(s.args()[0].clone(), s),
            "off",
            "GET is a live stream as FLV: APP/NAME (variables), or on: by the arguments app and stream",
        ),
        Directive::new(
            "flv_allow_origin",
            WEB,
            Arity::AtLeast(1),
            set_origins,
            "",
            "pages of these origins may play: * or https://HOST …",
        ),
        Directive::new(
            "rtmp_stat",
            WEB,
            Arity::AtLeast(1),
            set_stat,
            "",
            "all|global|live|clients: GET shows streams and clients of all workers",
        ),
        Directive::new(
            "rtmp_stat_stylesheet",
            WEB,
            Arity::Exactly(1),
            |c, s| c.stylesheet.set_in(s.arg(0).to_owned(), s),
            "",
            "the address of a style sheet that the XML names",
        ),
        Directive::new(
            "rtmp_stat_format",
            WEB,
            Arity::Exactly(1),
            |c, s| {
                let choices = [("xml", Format::Xml), ("json", Format::Json)];
                c.format.set_in(s.choice(0, &choices)?, s)
            },
            "xml",
            "the form of rtmp_stat; a client that prefers JSON gets that in any case",
        ),
        Directive::new(
            "rtmp_control",
            WEB,
            Arity::AtLeast(1),
            set_control,
            "",
            "all|drop|redirect: …/drop/publisher?app=&name= and the like steer clients of all workers",
        ),
    ];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.flv_live.inherit(&outer.flv_live);
        conf.origins.inherit(&outer.origins);
        conf.stat.inherit(&outer.stat);
        conf.stylesheet.inherit(&outer.stylesheet);
        conf.format.inherit(&outer.format);
        conf.control.inherit(&outer.control);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let origins = Rc::new(conf.origins.or_default(Origins::default()));
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
        if let Some(parts) = conf.stat.get() {
            let stylesheet = conf.stylesheet.get().cloned();
            let format = conf.format.or_default(Format::Xml);
            hooks.on(Phase::Content, stat::Stat { stylesheet, format, parts: *parts });
        }
        if conf.control.is_set() {
            let may = |name: &str| {
                let words = conf.control.as_slice();
                words.iter().any(|word| word.text == name || word.text == "all")
            };
            hooks.on(
                Phase::Content,
                control::Control { drop: may("drop"), redirect: may("redirect") },
            );
        }
        Ok(())
    }
}

fn set_origins(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let words = setting.args().iter().map(|word| word.text.as_str());
    let origins = Origins::parse(words)
        .map_err(|at| setting.error_at(at, "this is no origin: scheme://host[:port]"))?;
    conf.origins.set_in(origins, setting)
}

fn set_stat(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
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
    conf.stat.set_in(parts, setting)
}

fn set_control(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    for (at, word) in setting.args().iter().enumerate() {
        match word.text.as_str() {
            "all" | "drop" | "redirect" => {}
            "record" => setting.warn("streams are not recorded yet: there is nothing to control"),
            _ => return Err(setting.error_at(at, format!("invalid value \"{word}\""))),
        }
        conf.control.push(word.clone());
    }
    Ok(())
}
