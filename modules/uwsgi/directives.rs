//! The directives, and what becomes of them in a location.

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts};
use http::{Hooks, Level, Module};
use upstream::{Params, Place, Script, WEB, WrittenParam, cached_family_settings};

use crate::asking::{Asking, split};

/// The module.
pub struct Uwsgi;

const ONE: Arity = Arity::Exactly(1);
const LOCATIONS: Contexts = contexts!(LOCATION | LIF);

cached_family_settings! {
    encrypted_family_settings; "uwsgi_", "uwsgi", "(none)";
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        here pass: Word = (
            LOCATIONS, ONE, |c: &mut Conf, s: &Setting<'_>| c.pass.set_in(s.args()[0].clone(), s), "",
            "where requests go: [uwsgi://]HOST:PORT, unix:PATH, an upstream by its name; suwsgi:// the same encrypted; variables may stand in it"
        );
        list param: WrittenParam = (
            WEB, Arity::Between(2, 3), upstream::param, "",
            "a variable that applications get: NAME VALUE [if_not_empty]; one in a block is in the place of all of the blocks around"
        );
        value modifier1: u8 = (WEB, ONE, modifier, "0", "what kind of application is asked; 0: WSGI");
        value modifier2: u8 = (WEB, ONE, modifier, "0", "more of that, for some kinds");
        option string: String = (
            WEB, ONE, |s: &Setting<'_>| Ok::<_, Error>(s.arg(0).to_owned()), "(none)", "what stands behind the variables, for some kinds"
        );
    }
}

fn modifier(setting: &Setting<'_>) -> Result<u8, Error> {
    Ok(setting.number_in(0, 0..=255)? as u8)
}

impl Module for Uwsgi {
    const NAME: &'static str = "uwsgi";
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
        let mut passing = conf.passing(&[], pass, hooks)?;
        passing.caching = conf.caching(hooks)?;
        let (is_encrypted, place) = split(&pass.text);
        let place = Place::compile(pass, place, hooks)?;
        let is_variable = matches!(place, Place::Variable(_));
        let may_be_encrypted = is_encrypted || is_variable;
        let script = Script {
            place,
            params: Params::compile(conf.param.as_slice(), pass, &passing, hooks)?,
            family: Asking {
                modifiers: (conf.modifier1(), conf.modifier2()),
                string: conf
                    .string
                    .get()
                    .map(|text| conf::text::bytes(text).to_vec())
                    .unwrap_or_default(),
                encrypting: may_be_encrypted.then(|| conf.encryption(pass, hooks)).transpose()?,
                place: (!is_variable).then(|| pass.text.clone()),
            },
            passing,
        };
        script.install("uwsgi_temp_path", hooks);
        Ok(())
    }
}
