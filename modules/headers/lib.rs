//! `add_header`: fields of one's own in the answer's header.
#![forbid(unsafe_code)]

use conf::{Arity, Directive, Error, Opt, Setting, Word, contexts};
use http::{Filter, Hooks, Module, Order, Request, Template};
use mem::Str;

/// The module.
pub struct Headers;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    add_header: Opt<Vec<Added>>,
}

/// One `add_header`.
#[derive(Clone, Debug)]
pub struct Added {
    name: Word,
    value: Word,
    always: bool,
}

impl Module for Headers {
    const NAME: &'static str = "headers";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[Directive::new(
        "add_header",
        contexts!(HTTP | SERVER | LOCATION | LIF),
        Arity::Between(2, 3),
        add_header,
        "",
        "add a field to the answer's header; with always, to errors too",
    )];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.add_header.inherit(&outer.add_header);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let mut fields = Vec::new();
        for added in conf.add_header.as_slice() {
            let name = Str::copy(&conf::text::bytes(&added.name.text));
            fields.push((name, hooks.template(&added.value)?, added.always));
        }
        if !fields.is_empty() {
            hooks.filter(Order::Headers, Add { fields });
        }
        Ok(())
    }
}

fn add_header(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let [name, value, rest @ ..] = setting.args() else {
        return Err(setting.error("add_header takes a name and a value"));
    };
    let always = match rest {
        [] => false,
        [word] if word == "always" => true,
        [word, ..] => return Err(setting.error_at(2, format!("invalid parameter \"{word}\""))),
    };
    conf.add_header.push(Added { name: name.clone(), value: value.clone(), always });
    Ok(())
}

struct Add {
    /// Name, value, whether also on errors.
    fields: Vec<(Str, Template, bool)>,
}

impl Filter for Add {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let usual = matches!(
            request.response.status,
            200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308
        );
        for (name, template, always) in &self.fields {
            if usual || *always {
                let value = template.evaluate(request);
                set(request, name, value);
            }
        }
        None
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
