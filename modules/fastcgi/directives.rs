//! The directives, and what becomes of them in a location.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts};
use http::{Hooks, Level, Module, Variable};
use upstream::{Params, Place, Script, WEB, WrittenParam, cached_family_settings};

use crate::asking::Asking;
use crate::split::{Split, VARIABLES};

/// The module.
pub struct FastCgi;

const ONE: Arity = Arity::Exactly(1);
const LOCATIONS: Contexts = contexts!(LOCATION | LIF);

cached_family_settings! {
    family_settings; "fastcgi_", "fastcgi", "(none)";
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        here pass: Word = (
            LOCATIONS, ONE, |c: &mut Conf, s: &Setting<'_>| c.pass.set_in(s.args()[0].clone(), s), "",
            "where requests go: HOST:PORT, unix:PATH, an upstream by its name; variables may stand in it"
        );
        list param: WrittenParam = (
            WEB, Arity::Between(2, 3), upstream::param, "",
            "a variable that applications get: NAME VALUE [if_not_empty]; one in a block is in the place of all of the blocks around"
        );
        option index: String = (
            WEB, ONE, |s: &Setting<'_>| Ok::<_, Error>(s.arg(0).to_owned()), "(none)",
            "what is appended to $fastcgi_script_name where it ends with a slash"
        );
        option split_path_info: Word = (
            WEB, ONE, |s: &Setting<'_>| Ok::<_, Error>(s.args()[0].clone()), "(none)",
            "an expression whose two groups are $fastcgi_script_name and $fastcgi_path_info"
        );
        flag keep_conn = (WEB, "off", "ask applications to keep connections, and use them again");
        list catch_stderr: String = (
            WEB, ONE, |s: &Setting<'_>| Ok::<_, Error>(s.arg(0).to_owned()), "",
            "what an application may not say in its standard error before it answers; else that counts as an invalid answer"
        );
    }
}

impl Module for FastCgi {
    const NAME: &'static str = "fastcgi";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = VARIABLES;
    const KEEPS_LIMITED: bool = true;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.pass.inherit(&outer.pass);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        conf.make_caches(hooks)?;
        let (pattern, index) = (conf.split_path_info.get(), conf.index.get());
        if pattern.is_some() || index.is_some() {
            let index = index.map(String::as_str).unwrap_or_default();
            let split = Split::compile(pattern, index, hooks)?;
            hooks.keep(Rc::new(split));
        }
        let Some(pass) = conf.pass.get().filter(|_| hooks.level == Level::Location) else {
            return Ok(());
        };
        let mut passing = conf.passing(&["Status"], pass, hooks)?;
        passing.caching = conf.caching(hooks)?;
        let catches = conf.catch_stderr.as_slice().iter();
        let script = Script {
            place: Place::compile(pass, &pass.text, hooks)?,
            params: Params::compile(conf.param.as_slice(), pass, &passing, hooks)?,
            family: Asking {
                keeps: conf.keep_conn(),
                catches: catches.map(|text| conf::text::bytes(text).to_vec()).collect(),
            },
            passing,
        };
        script.install("fastcgi_temp_path", hooks);
        Ok(())
    }
}
