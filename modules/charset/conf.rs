//! The directives.

use std::rc::Rc;

use ::conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{Hooks, MediaTypes, Module, Order, Template};

use crate::filter::{Bodies, Headers};
use crate::read;
use crate::table::{Map, find};

/// The module.
pub struct Charset;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
const WEB_IF: Contexts = contexts!(HTTP | SERVER | LOCATION | LIF);
const ONE: Arity = Arity::Exactly(1);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option charset: Option<Word> = (
            WEB_IF, ONE, charset, "off",
            "the charset that Content-Type tells, to which a body is converted; a variable may stand for it"
        );
        option source_charset: Option<Word> = (
            WEB_IF, ONE, source, "", "the charset that bodies have; a variable may stand for it"
        );
        flag override_charset = (
            WEB_IF, "off", "convert also answers whose Content-Type tells a charset already"
        );
        value charset_types: MediaTypes = (
            WEB, Arity::AtLeast(1), MediaTypes::parse,
            "text/html text/xml text/plain text/vnd.wap.wml application/javascript application/rss+xml",
            "media types of answers that get a charset, beside text/html; * for all"
        );
        block charset_map: Vec<Rc<Map>> = (
            Contexts::HTTP, Arity::Exactly(2), map, "",
            "a table between two charsets, of which the second may be utf-8: lines of two codes in hex"
        );
    }
}

fn charset(setting: &Setting<'_>) -> Result<Option<Word>, Error> {
    Ok((setting.arg(0) != "off").then(|| setting.args()[0].clone()))
}

fn source(setting: &Setting<'_>) -> Result<Option<Word>, Error> {
    Ok(Some(setting.args()[0].clone()))
}

fn map(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let map = read::map(setting, conf.charset_map.as_slice())?;
    conf.charset_map.push(Rc::new(map));
    Ok(())
}

impl Module for Charset {
    const NAME: &'static str = "charset";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let (charset, source) = (conf.charset.get(), conf.source_charset.get());
        let (charset, source) = (charset.and_then(Option::as_ref), source.and_then(Option::as_ref));
        if charset.is_none() && source.is_none() {
            return Ok(());
        }
        let maps: Rc<[Rc<Map>]> = conf.charset_map.as_slice().into();
        let headers = Headers {
            charset: charset.map(|word| template(word, hooks)).transpose()?,
            source: source.map(|word| template(word, hooks)).transpose()?,
            overrides: conf.override_charset(),
            types: conf.charset_types(),
            maps: maps.clone(),
        };
        let literal =
            |name: &Option<Template>| name.as_ref().and_then(|name| name.as_literal().cloned());
        if let (Some(to), Some(from)) = (literal(&headers.charset), literal(&headers.source))
            && !to.eq_ignore_ascii_case(&from)
            && find(&maps, &from, &to).is_none()
            && let Some(word) = charset
        {
            let why = format!("no \"charset_map\" between the charsets \"{from}\" and \"{to}\"");
            return Err(hooks.error(word, why));
        }
        hooks.filter(Order::Charset, headers);
        hooks.body_filter(Order::Charset, Bodies);
        Ok(())
    }
}

/// As in nginx: a name, or a variable alone.
fn template(word: &Word, hooks: &Hooks<'_, '_>) -> Result<Template, Error> {
    match word.text.starts_with('$') {
        true => hooks.template(word),
        false => Ok(Template::literal(&word.text)),
    }
}
