//! The directives, and what becomes of them in a location.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts};
use http::{Declarations, Hooks, Level, Module, Phase, Variable};
use upstream::{Upstreams, WEB, cached_family_settings};

use crate::cookies::{self, Cookies, Pair, WrittenFlags};
use crate::handler::Handler;
use crate::head::{Fields, Version};
use crate::pass::{Pass, Url, may_be_encrypted};
use crate::proxying::Proxying;
use crate::redirect::{self, Rule, Written};
use crate::variables::VARIABLES;

/// The module.
pub struct Proxy;

const ONE: Arity = Arity::Exactly(1);
const LOCATIONS: Contexts = contexts!(LOCATION | LIF | LIMIT_EXCEPT);
const VERSIONS: &[(&str, Version)] = &[("1.0", Version::V10), ("1.1", Version::V11)];

cached_family_settings! {
    encrypted_family_settings; "proxy_", "proxy", "(where it goes, and the URI as it goes out)";
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        // And whether it is that of the location around.
        here pass: (Word, bool) = (
            LOCATIONS, ONE, |c: &mut Conf, s: &Setting<'_>| c.pass.set_in((s.args()[0].clone(), false), s), "",
            "where requests go: http://HOST[:PORT][URI], http://unix:PATH[:URI], an upstream by its name, https:// the same encrypted; variables may stand in it"
        );
        list set_header: (Word, Word) = (
            WEB, Arity::Exactly(2), |s: &Setting<'_>| Ok::<_, Error>((s.args()[0].clone(), s.args()[1].clone())),
            "Host $proxy_host", "a field of requests that go out; an empty value: none of that name goes out"
        );
        option set_body: Word = (WEB, ONE, |s: &Setting<'_>| Ok::<_, Error>(s.args()[0].clone()), "", "the body that goes out instead of the client's");
        option method: Word = (WEB, ONE, |s: &Setting<'_>| Ok::<_, Error>(s.args()[0].clone()), "", "the method that goes out instead of the client's");
        value http_version: Version = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, VERSIONS), "1.1",
            "the version of HTTP that goes out: 1.0 has a connection for each request, 1.1 keeps them"
        );
        list redirect: Written = (
            WEB, Arity::Between(1, 2), redirect::read, "default",
            "what is replaced in an answer's Location and Refresh, and by what; ~ is an expression; default: the URL of proxy_pass, by the location; off"
        );
        list cookie_domain: Pair = (
            WEB, Arity::Between(1, 2), cookies::pair, "off", "a Domain of an answer's cookies, and what replaces it"
        );
        list cookie_path: Pair = (
            WEB, Arity::Between(1, 2), cookies::pair, "off", "the beginning of a Path of an answer's cookies, and what replaces it"
        );
        list cookie_flags: WrittenFlags = (
            WEB, Arity::Between(1, 4), cookies::flags, "off",
            "flags of an answer's cookie: secure, httponly, samesite=strict|lax|none, or the same with no before it"
        );
        flag cache_convert_head = (
            WEB, "on", "ask with GET for HEAD; off: the method should be in the key"
        );
        number headers_hash_max_size = (WEB, "512", "without effect");
        number headers_hash_bucket_size = (WEB, "64", "without effect");
    }
}

impl Conf {
    fn expressions(&self) -> impl Iterator<Item = (&Word, &str, bool)> {
        let rules = self.redirect.as_slice().iter().filter_map(|written| match written {
            Written::Rule(pattern, _) => Some(pattern),
            _ => None,
        });
        let rules = rules.filter_map(|word| {
            redirect::expression(word).map(|(text, caseless)| (word, text, caseless))
        });
        let pairs = self.cookie_domain.as_slice().iter().chain(self.cookie_path.as_slice());
        rules.chain(cookies::expressions(pairs, self.cookie_flags.as_slice().iter()))
    }

    fn rules(&self, pass: &Word, hooks: &Hooks<'_, '_>) -> Result<Vec<Rule>, Error> {
        let is_variable = pass.text.contains('$');
        let by_default = || {
            let url = Url::parse(&pass.text).ok()?;
            Some(Rule::by_default(&pass.text, url.uri.is_some(), hooks.pattern))
        };
        let written = self.redirect.as_slice();
        if written.is_empty() {
            return Ok(if is_variable { Vec::new() } else { by_default().into_iter().collect() });
        }
        let mut rules = Vec::new();
        for one in written {
            match one {
                Written::Off => return Ok(Vec::new()),
                Written::Default(word) if is_variable => {
                    let message = "\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with variables";
                    return Err(hooks.error(word, message));
                }
                Written::Default(_) => rules.extend(by_default()),
                Written::Rule(pattern, replacement) => {
                    rules.push(Rule::compile(pattern, replacement, hooks)?);
                }
            }
        }
        Ok(rules)
    }

    fn handler(
        &self,
        pass: &Word,
        is_kept: bool,
        hooks: &mut Hooks<'_, '_>,
    ) -> Result<Handler, Error> {
        let template = |word: Option<&Word>, hooks: &Hooks<'_, '_>| {
            word.map(|word| hooks.template(word)).transpose()
        };
        let mut passing = self.passing(&["Date", "Server", "X-Pad"], pass, hooks)?;
        passing.caching = self.caching(hooks)?;
        if let Some(caching) = &mut passing.caching {
            caching.convert_head = self.cache_convert_head();
        }
        let target = Pass::compile(pass, is_kept, hooks)?;
        let is_encrypted = may_be_encrypted(pass);
        let encrypting = is_encrypted.then(|| self.encryption(pass, hooks)).transpose()?;
        let set = self.set_header.as_slice();
        let version = self.http_version();
        let pairs = (self.cookie_domain.as_slice(), self.cookie_path.as_slice());
        Ok(Handler(Rc::new(Proxying {
            prefix: hooks.pattern.len(),
            rules: self.rules(pass, hooks)?,
            fields: Fields::compile(set, version, passing.passes_headers, hooks)?,
            cookies: Cookies::compile(pairs.0, pairs.1, self.cookie_flags.as_slice(), hooks)?,
            method: template(self.method.get(), hooks)?,
            body: template(self.set_body.get(), hooks)?,
            pass: target,
            encrypting,
            version,
            passing,
        })))
    }
}

impl Module for Proxy {
    const NAME: &'static str = "proxy";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = VARIABLES;
    const KEEPS_LIMITED: bool = true;

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        for (word, pattern, caseless) in conf.expressions() {
            let regex = declarations.regex(word, pattern, caseless)?;
            declarations.capture(word, &regex)?;
        }
        Ok(())
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        if let (None, Some((pass, _))) = (conf.pass.get(), outer.pass.get()) {
            conf.pass.replace((pass.clone(), true));
        }
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        conf.make_caches(hooks)?;
        let Some((pass, is_kept)) = conf.pass.get().filter(|_| hooks.level == Level::Location)
        else {
            return Ok(());
        };
        let handler = conf.handler(pass, *is_kept, hooks)?;
        hooks.setup().shared::<Upstreams>().install(hooks);
        hooks.keeps_bodies();
        let folder = upstream::folder(&handler.0.passing.settings.temp_path, "proxy_temp_path");
        hooks.setup().folder(folder);
        hooks.keep(handler.0.clone());
        hooks.on(Phase::Content, handler);
        Ok(())
    }
}
