//! `add_before_body`, `add_after_body`: answers of other locations before and behind a body.
#![forbid(unsafe_code)]

mod around;

use conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use http::{Body, BodyFilter, Filter, Hooks, MediaTypes, Module, Order, Request};
use mem::Str;

use crate::around::Around;

/// The module.
pub struct Addition;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option add_before_body: Str = (
            WEB, Arity::Exactly(1), uri, "",
            "put the answer to a subrequest to this URI before the body; an empty text: none"
        );
        option add_after_body: Str = (
            WEB, Arity::Exactly(1), uri, "",
            "put the answer to a subrequest to this URI behind the body; an empty text: none"
        );
        value addition_types: MediaTypes = (
            WEB, Arity::AtLeast(1), MediaTypes::parse, "text/html",
            "media types of answers to which others are added, beside text/html; * for all"
        );
    }
}

fn uri(setting: &Setting<'_>) -> Result<Str, Error> {
    Ok(Str::copy(&conf::text::bytes(setting.arg(0))))
}

impl Module for Addition {
    const NAME: &'static str = "addition";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let before = conf.add_before_body.get().filter(|uri| !uri.is_empty()).cloned();
        let after = conf.add_after_body.get().filter(|uri| !uri.is_empty()).cloned();
        if before.is_some() || after.is_some() {
            hooks.filter(Order::Addition, Added { types: conf.addition_types() });
            // What is added has been through the filters of its own location.
            hooks.body_filter(Order::Postpone, Bodies { before, after });
        }
        Ok(())
    }
}

/// To which answers.
struct Added {
    types: MediaTypes,
}

/// What.
struct Bodies {
    before: Option<Str>,
    after: Option<Str>,
}

/// It was decided to add to this answer.
#[derive(Default)]
struct Adding(bool);

impl Filter for Added {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let response = &request.response;
        let wanted = response.status == 200
            && !request.is_subrequest()
            && !response.streaming
            && self.types.has(response);
        if wanted || request.known_context::<Adding>().is_some() {
            request.context::<Adding>().0 = wanted;
        }
        if wanted {
            request.response.change_body();
            request.response.weaken_etag();
        }
        None
    }
}

impl BodyFilter for Bodies {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        match request.known_context::<Adding>() {
            Some(Adding(true)) => {
                let (before, after) = (self.before.clone(), self.after.clone());
                Body::Source(Box::new(Around::new(request.aside(), before, body, after)))
            }
            _ => body,
        }
    }
}
