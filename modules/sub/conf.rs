//! The directives.

use ::conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{Hooks, MediaTypes, Module, Order};

use crate::filter::{Bodies, Headers, Pair};

/// The module.
pub struct Sub;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        list sub_filter: (Word, Word) = (
            WEB, Arity::Exactly(2), pair, "",
            "replace a text in answers, in any case, by another; both may have variables"
        );
        value sub_filter_types: MediaTypes = (
            WEB, Arity::AtLeast(1), MediaTypes::parse, "text/html",
            "media types of answers in which texts are replaced, beside text/html; * for all"
        );
        flag sub_filter_once = (WEB, "on", "replace each text once; off: wherever it stands");
        flag sub_filter_last_modified = (
            WEB, "off", "keep Last-Modified and a weak ETag of an answer in which texts are replaced"
        );
    }
}

impl Module for Sub {
    const NAME: &'static str = "sub";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let mut pairs = Vec::new();
        for (text, by) in conf.sub_filter.as_slice() {
            pairs.push(Pair { text: hooks.template(text)?, by: hooks.template(by)? });
        }
        if pairs.is_empty() {
            return Ok(());
        }
        let (types, last_modified) = (conf.sub_filter_types(), conf.sub_filter_last_modified());
        let fault = |why: String| hooks.error(&conf.sub_filter.as_slice()[0].0, why);
        hooks.filter(Order::Sub, Headers::new(pairs, types, last_modified).map_err(fault)?);
        hooks.body_filter(Order::Sub, Bodies { once: conf.sub_filter_once() });
        Ok(())
    }
}

fn pair(setting: &Setting<'_>) -> Result<(Word, Word), Error> {
    let [text, by] = setting.args() else {
        return Err(setting.error("sub_filter takes a text and what replaces it"));
    };
    if text.text.is_empty() {
        return Err(setting.error_at(0, "empty search pattern"));
    }
    Ok((text.clone(), by.clone()))
}
