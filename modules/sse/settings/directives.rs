//! The module: what a location's directives make of it.

use std::rc::Rc;

use conf::{Directive, Error, Word};
use http::cors::{AllowedHeaders, Origins};
use http::{Hooks, Module, Phase, Template};

use crate::channels;
use crate::endpoint::handler::Status;
use crate::endpoint::parts::{Cors, Endpoint};
use crate::settings::conf::Conf;
use crate::settings::{resolve, words};
use crate::zone::ZoneConf;

/// The module.
pub struct Sse;

impl Module for Sse {
    const NAME: &'static str = "sse";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.sse_subscribe.inherit(&outer.sse_subscribe);
        conf.sse_publish.inherit(&outer.sse_publish);
        conf.sse_status.inherit(&outer.sse_status);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.sse_status.is_set() {
            let zones = conf.sse_zone.as_slice();
            zones.iter().try_for_each(|zone| install(zone, hooks))?;
            hooks.on(Phase::Content, Status { zones: zones.into() });
        }
        if !conf.sse_subscribe.is_set() && !conf.sse_publish.is_set() {
            return Ok(());
        }
        let zone = resolve::zone(conf, hooks)?;
        install(&zone, hooks)?;
        hooks.limit_bodies();
        let mut subscribe = Vec::new();
        for word in conf.sse_subscribe.as_slice() {
            // The commas that are written separate; those of values do not.
            for part in word.text.split(',') {
                let part = Word { text: part.to_owned(), ..word.clone() };
                subscribe.push(name_of(&part, true, hooks)?);
            }
        }
        let publish = conf.sse_publish.get().map(|word| name_of(word, false, hooks)).transpose()?;
        let settings = resolve::settings(conf, &zone, hooks)?;
        if let Some(publish) = conf.sse_publish.get()
            && !subscribe.is_empty()
            && settings.methods.post
        {
            let message =
                "a POST cannot both publish and subscribe: sse_subscribe_by has POST here";
            return Err(hooks.error(publish, message));
        }
        let cors = Cors {
            origins: conf.sse_allow_origin.or_default(Origins::default()),
            headers: conf.sse_allow_headers.or_default(AllowedHeaders::named(words::USUAL_HEADERS)),
        };
        let settings = Rc::new(settings);
        hooks.on(Phase::Content, Endpoint { zone, subscribe, publish, cors, settings });
        Ok(())
    }
}

/// A location uses a zone.
fn install(zone: &Rc<ZoneConf>, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
    if zone.install(hooks.setup())? {
        hooks.process(zone.clone());
    }
    Ok(())
}

/// A channel's name as it is written.
fn name_of(word: &Word, pattern: bool, hooks: &Hooks<'_, '_>) -> Result<Template, Error> {
    let template = hooks.template(word)?;
    channels::check_written(&template, pattern).map_err(|why| hooks.error(word, why))?;
    Ok(template)
}
