//! `add_header`, `add_trailer`, `expires`: fields of one's own in the answer's header, and behind its body.
#![forbid(unsafe_code)]

mod expires;

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, Word, contexts, settings};
use http::{Filter, Hooks, Module, Order, Request, Template, Trailers};
use mem::Str;

/// The module.
pub struct Headers;

const ANY: Contexts = contexts!(HTTP | SERVER | LOCATION | LIF);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option expires: expires::Written = (
            ANY, Arity::Between(1, 2), expires::read, "off",
            "set Expires and Cache-Control: [modified] TIME, @TIME of day, epoch, max, off"
        );
        here add_header: Vec<Added> = (
            ANY, Arity::Between(2, 3), |c, s| added(s).map(|field| c.add_header.push(field)), "",
            "add a field to the answer's header; with always, to errors too"
        );
        here add_trailer: Vec<Added> = (
            ANY, Arity::Between(2, 3), |c, s| added(s).map(|field| c.add_trailer.push(field)), "",
            "add a field behind the answer's body, which goes out in chunks; with always, to errors too"
        );
        value add_header_inherit: Inheritance = (
            ANY, Arity::Exactly(1), inheritance, "on",
            "whether a block has the add_headers of the one around it: on (if it has none), off, merge (too)"
        );
        value add_trailer_inherit: Inheritance = (
            ANY, Arity::Exactly(1), inheritance, "on", "the same of add_trailer"
        );
    }
}

/// What becomes of the fields of the block around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inheritance {
    /// They are this block's, if it has none.
    On,
    /// They are not.
    Off,
    /// They follow this block's.
    Merge,
}

impl Inheritance {
    fn inherit(self, own: &mut Opt<Vec<Added>>, outer: &Opt<Vec<Added>>) {
        match self {
            Inheritance::On => own.inherit(outer),
            Inheritance::Off => {}
            Inheritance::Merge => outer.as_slice().iter().for_each(|added| own.push(added.clone())),
        }
    }
}

fn inheritance(setting: &Setting<'_>) -> Result<Inheritance, Error> {
    use Inheritance::{Merge, Off, On};
    setting.choice(0, &[("on", On), ("off", Off), ("merge", Merge)])
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
        conf.add_header_inherit().inherit(&mut conf.add_header, &outer.add_header);
        conf.add_trailer_inherit().inherit(&mut conf.add_trailer, &outer.add_trailer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if let Some(written) = conf.expires.get()
            && let Some(expiry) = expires::Expiry::compile(written, hooks)?
        {
            hooks.filter(Order::Headers, expiry);
        }
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

/// Statuses that fields are added to in any case.
fn is_usual(status: u16) -> bool {
    matches!(status, 200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308)
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
        let usual = is_usual(status);
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
