//! `add_header`, `add_trailer`: fields of one's own in the answer's header, and behind its body.
#![forbid(unsafe_code)]

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{Filter, Hooks, Module, Order, Request, Template, Trailers};
use mem::Str;

/// The module.
pub struct Headers;

const ANY: Contexts = contexts!(HTTP | SERVER | LOCATION | LIF);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        list add_header: Added = (
            ANY, Arity::Between(2, 3), added, "",
            "add a field to the answer's header; with always, to errors too"
        );
        list add_trailer: Added = (
            ANY, Arity::Between(2, 3), added, "",
            "add a field behind the answer's body, which goes out in chunks; with always, to errors too"
        );
    }
}

/// One `add_header`, one `add_trailer`.
#[derive(Clone, Debug)]
pub struct Added {
    name: Word,
    value: Word,
    always: bool,
}

impl Module for Headers {
    const NAME: &'static str = "headers";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let fields = Fields::compile(conf.add_header.as_slice(), hooks)?;
        if !fields.0.is_empty() {
            hooks.filter(Order::Headers, fields);
        }
        let fields = Fields::compile(conf.add_trailer.as_slice(), hooks)?;
        if !fields.0.is_empty() {
            hooks.trailers(fields);
        }
        Ok(())
    }
}

fn added(setting: &Setting<'_>) -> Result<Added, Error> {
    let [name, value, rest @ ..] = setting.args() else {
        return Err(setting.error("it takes a name and a value"));
    };
    let always = match rest {
        [] => false,
        [word] if word == "always" => true,
        [word, ..] => return Err(setting.error_at(2, format!("invalid parameter \"{word}\""))),
    };
    Ok(Added { name: name.clone(), value: value.clone(), always })
}

/// Name, value, whether also on errors.
struct Fields(Vec<(Str, Template, bool)>);

impl Fields {
    fn compile(all: &[Added], hooks: &Hooks<'_, '_>) -> Result<Fields, Error> {
        let compile = |added: &Added| {
            let name = Str::copy(&conf::text::bytes(&added.name.text));
            Ok((name, hooks.template(&added.value)?, added.always))
        };
        Ok(Fields(all.iter().map(compile).collect::<Result<_, Error>>()?))
    }

    /// Those that an answer of this status has.
    fn of(&self, status: u16) -> impl Iterator<Item = (&Str, &Template)> {
        let usual = matches!(status, 200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308);
        let wanted = move |(_, _, always): &&(Str, Template, bool)| usual || *always;
        self.0.iter().filter(wanted).map(|(name, template, _)| (name, template))
    }
}

impl Filter for Fields {
    fn header(&self, request: &mut Request) -> Option<u16> {
        for (name, template) in self.of(request.response.status) {
            let value = template.evaluate(request);
            set(request, name, value);
        }
        None
    }
}

impl Trailers for Fields {
    fn expects(&self, request: &Request) -> bool {
        self.of(request.response.status).next().is_some()
    }

    fn fields(&self, request: &mut Request, out: &mut Vec<(Str, Str)>) {
        for (name, template) in self.of(request.response.status) {
            let value = template.evaluate(request);
            if !value.is_empty() {
                out.push((name.clone(), value));
            }
        }
    }
}

/// An empty value adds nothing. `Last-Modified` and `ETag` replace the answer's own.
fn set(request: &mut Request, name: &Str, value: Str) {
    if name.eq_ignore_ascii_case(b"last-modified") {
        request.response.last_modified = proto::date::parse(&value);
        request.response.last_modified_text = (!value.is_empty()).then_some(value);
    } else if name.eq_ignore_ascii_case(b"etag") {
        request.response.etag = (!value.is_empty()).then_some(value);
    } else if !value.is_empty() {
        request.response.add_header(name.clone(), value);
    }
}
