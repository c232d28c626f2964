//! `more_set_headers`, `more_clear_headers` and the same of a request's header: the directives of the well-known module of
//! that name.
//!
//! What frames a message is the server's: those fields cannot be changed.
#![forbid(unsafe_code)]

mod answers;
mod read;
mod requests;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Opt, contexts};
use http::{Hooks, Module, Order, Phase};

use crate::read::Written;

/// The module.
pub struct HeadersMore;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    answers: Opt<Vec<Rc<Written>>>,
    requests: Opt<Vec<Rc<Written>>>,
}

const ANY: Contexts = contexts!(HTTP | SERVER | LOCATION | LIF);

impl Module for HeadersMore {
    const NAME: &'static str = "headers_more";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[
        Directive::new(
            "more_set_headers",
            ANY,
            Arity::AtLeast(1),
            |c, s| read::set(s, false).map(|written| c.answers.push(Rc::new(written))),
            "",
            "set fields of the answer's header, whatever its status: [-s STATUSES] [-t TYPES] [-a (add)] 'Name: value'…; an empty value takes them away",
        ),
        Directive::new(
            "more_clear_headers",
            ANY,
            Arity::AtLeast(1),
            |c, s| read::clear(s, false).map(|written| c.answers.push(Rc::new(written))),
            "",
            "take fields of the answer's header away: [-s STATUSES] [-t TYPES] NAME… (a * may stand at the end)",
        ),
        Directive::new(
            "more_set_input_headers",
            ANY,
            Arity::AtLeast(1),
            |c, s| read::set(s, true).map(|written| c.requests.push(Rc::new(written))),
            "",
            "set fields of the request's header: [-r (only those that are there)] [-t TYPES] 'Name: value'…",
        ),
        Directive::new(
            "more_clear_input_headers",
            ANY,
            Arity::AtLeast(1),
            |c, s| read::clear(s, true).map(|written| c.requests.push(Rc::new(written))),
            "",
            "take fields of the request's header away: [-t TYPES] NAME… (a * may stand at the end)",
        ),
    ];

    /// What the blocks around say is done first.
    fn inherit(conf: &mut Conf, outer: &Conf) {
        let prepend = |own: &mut Opt<Vec<Rc<Written>>>, outer: &Opt<Vec<Rc<Written>>>| {
            let all: Vec<_> = outer.as_slice().iter().chain(own.as_slice()).cloned().collect();
            if !all.is_empty() {
                own.replace(all);
            }
        };
        prepend(&mut conf.answers, &outer.answers);
        prepend(&mut conf.requests, &outer.requests);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.answers.is_set() {
            let changes = read::compile(conf.answers.as_slice(), hooks)?;
            hooks.filter(Order::Module, answers::Changes(changes));
        }
        if conf.requests.is_set() {
            let changes = read::compile(conf.requests.as_slice(), hooks)?;
            hooks.on(Phase::Rewrite, requests::Changes(changes));
        }
        Ok(())
    }
}
