//! `modern_browser`, `ancient_browser`: what a client's browser is taken for, by its name and version.
#![forbid(unsafe_code)]

mod agent;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{Hooks, Module, Request, Template, Variable};
use proto::http1::Name;

use crate::agent::{Age, Rules};

/// The module.
pub struct Browser;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        list modern_browser: agent::Modern = (
            WEB, Arity::Between(1, 2), agent::modern, "(none)",
            "from which VERSION on a browser is modern: msie, gecko, opera, safari, konqueror; unlisted: all others"
        );
        lists ancient_browser: String = (
            WEB, Arity::AtLeast(1), texts, "", "browsers are ancient whose User-Agent has one of these texts; netscape4"
        );
        option modern_browser_value: Word = (WEB, Arity::Exactly(1), word, "1", "$modern_browser of a modern one");
        option ancient_browser_value: Word = (WEB, Arity::Exactly(1), word, "1", "$ancient_browser of an ancient one");
    }
}

fn texts(setting: &Setting<'_>) -> Result<Vec<String>, Error> {
    Ok(setting.args().iter().map(|word| word.text.clone()).collect())
}

fn word(setting: &Setting<'_>) -> Result<Word, Error> {
    Ok(setting.args()[0].clone())
}

/// What is known in a location.
struct Known {
    rules: Rules,
    modern_value: Option<Template>,
    ancient_value: Option<Template>,
}

impl Module for Browser {
    const NAME: &'static str = "browser";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[
        Variable {
            name: "modern_browser",
            get: |request, _, out| told(request, Age::Modern, out),
            help: "modern_browser_value, if the client's browser is one",
        },
        Variable {
            name: "ancient_browser",
            get: |request, _, out| told(request, Age::Ancient, out),
            help: "ancient_browser_value, if the client's browser is one",
        },
        Variable {
            name: "msie",
            get: |request, _, out| {
                let is_msie = agent::is_msie(request.header(Name::UserAgent).unwrap_or_default());
                out.extend_from_slice(if is_msie { b"1" } else { b"" });
                true
            },
            help: "1, if the client's browser is Internet Explorer",
        },
    ];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let valued = conf.modern_browser_value.is_set() || conf.ancient_browser_value.is_set();
        if valued || conf.modern_browser.is_set() || conf.ancient_browser.is_set() {
            let compile = |word: Option<&Word>| word.map(|word| hooks.template(word)).transpose();
            let known = Known {
                rules: Rules::new(
                    conf.modern_browser.as_slice(),
                    conf.ancient_browser.as_slice().to_vec(),
                ),
                modern_value: compile(conf.modern_browser_value.get())?,
                ancient_value: compile(conf.ancient_browser_value.get())?,
            };
            hooks.keep(known);
        }
        Ok(())
    }
}

fn told(request: &Request, age: Age, out: &mut Vec<u8>) -> bool {
    let Some(known) = request.kept::<Known>() else {
        // Without rules all are ancient.
        out.extend_from_slice(if age == Age::Ancient { b"1" } else { b"" });
        return true;
    };
    if known.rules.age(request.header(Name::UserAgent)) == age {
        let value = match age {
            Age::Modern => &known.modern_value,
            Age::Ancient => &known.ancient_value,
        };
        match value {
            Some(template) => template.write(request, out, |_, _, _| {}),
            None => out.push(b'1'),
        }
    }
    true
}
