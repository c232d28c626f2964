//! The directives, and what becomes of them in a location.

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts};
use http::{Hooks, Level, Module};
use upstream::{Params, Place, Script, WEB, WrittenParam, cached_family_settings};

use crate::asking::Asking;

/// The module.
pub struct Scgi;

const LOCATIONS: Contexts = contexts!(LOCATION | LIF);

cached_family_settings! {
    family_settings; "scgi_", "scgi", "(none)";
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        here pass: Word = (
            LOCATIONS, Arity::Exactly(1), |c: &mut Conf, s: &Setting<'_>| c.pass.set_in(s.args()[0].clone(), s), "",
            "where requests go: HOST:PORT, unix:PATH, an upstream by its name; variables may stand in it"
        );
        list param: WrittenParam = (
            WEB, Arity::Between(2, 3), upstream::param, "",
            "a variable that applications get, behind CONTENT_LENGTH and SCGI: NAME VALUE [if_not_empty]; one in a block is in the place of all of the blocks around"
        );
    }
}

impl Module for Scgi {
    const NAME: &'static str = "scgi";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const KEEPS_LIMITED: bool = true;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.pass.inherit(&outer.pass);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        conf.make_caches(hooks)?;
        let Some(pass) = conf.pass.get().filter(|_| hooks.level == Level::Location) else {
            return Ok(());
        };
        let mut passing = conf.passing(&["Status"], pass, hooks)?;
        passing.caching = conf.caching(hooks)?;
        let script = Script {
            place: Place::compile(pass, &pass.text, hooks)?,
            params: Params::compile(conf.param.as_slice(), pass, &passing, hooks)?,
            family: Asking,
            passing,
        };
        script.install("scgi_temp_path", hooks);
        Ok(())
    }
}
