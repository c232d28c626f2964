//! What scripts are told of a request: `fastcgi_param` and its like, and the client's fields (RFC 3875 §4.1.18).

use conf::{Error, Setting, Word};
use http::{Hooks, Request, Template};
use mem::Str;
use proto::cgi::{BadVariables, field_variable};
use proto::http1::{Body as Framing, Name};

use crate::caching::purpose::Purpose;
use crate::passing::Passing;

/// `NAME VALUE [if_not_empty]`, as it is written.
#[derive(Clone, Debug)]
pub struct WrittenParam {
    name: Word,
    value: Word,
    if_not_empty: bool,
}

/// Reads one.
pub fn param(setting: &Setting<'_>) -> Result<WrittenParam, Error> {
    let if_not_empty = match setting.arg(2) {
        "" => false,
        "if_not_empty" => true,
        other => return Err(setting.error_at(2, format!("invalid parameter \"{other}\""))),
    };
    let (name, value) = (setting.args()[0].clone(), setting.args()[1].clone());
    Ok(WrittenParam { name, value, if_not_empty })
}

/// All of a location.
pub struct Params {
    list: Vec<Param>,
    /// Variables of fields (`HTTP_…`) that are not the client's to set.
    own: Vec<Vec<u8>>,
    passes_headers: bool,
    passes_body: bool,
}

struct Param {
    name: Str,
    value: Template,
    if_not_empty: bool,
    /// It is `$content_length`: of a body in chunks, too, once that was read.
    is_length: bool,
}

/// Its variable is HTTP_PROXY, which libraries take for the proxy that they are to use: nginx passes it on, here nobody gets it.
const PROXY: &[u8] = b"proxy";
const HOST: &[u8] = b"HTTP_HOST";

/// What is told, and what for.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// What is told.
    pub params: &'a Params,
    /// What the answer is for.
    pub purpose: Purpose<'a>,
}

impl Params {
    /// Of what directives say. `place`: the word that says where requests go.
    pub fn compile(
        written: &[WrittenParam],
        place: &Word,
        passing: &Passing,
        hooks: &Hooks<'_, '_>,
    ) -> Result<Params, Error> {
        let (mut list, mut own) = (Vec::new(), Vec::new());
        for one in written {
            let name = conf::text::bytes(&one.name.text).to_vec();
            if name.starts_with(b"HTTP_") {
                own.push(name.to_ascii_uppercase());
            }
            list.push(Param {
                name: Str::copy(&name),
                value: hooks.template(&one.value)?,
                if_not_empty: one.if_not_empty,
                is_length: matches!(&one.value.text[..], "$content_length" | "${content_length}"),
            });
        }
        let Passing { passes_headers, passes_body, .. } = *passing;
        if passes_headers && !own.iter().any(|own| own == HOST) {
            // As nginx since 1.30: a Host that the URI contradicts is not believed.
            let text = "$host$is_request_port$request_port".to_owned();
            let value = hooks.template(&Word { text, ..place.clone() })?;
            let name = Str::from_static(HOST);
            list.push(Param { name, value, if_not_empty: true, is_length: false });
            own.push(HOST.to_vec());
        }
        Ok(Params { list, own, passes_headers, passes_body })
    }
}

impl Told<'_> {
    /// Tells all of a request, whose body has this length, if that is known.
    pub fn each(
        &self,
        request: &mut Request,
        length: Option<u64>,
        mut tell: impl FnMut(&[u8], &[u8]) -> Result<(), BadVariables>,
    ) -> Result<(), BadVariables> {
        for param in &self.params.list {
            let mut value = param.value.evaluate(request);
            if param.is_length && (value.is_empty() || !self.params.passes_body) {
                // Of what has no body nothing is said; and no length of a body that does not come: it would be waited for.
                let known = length.filter(|_| request.framing != Framing::None);
                value = known.map(|length| Str::from(length.to_string())).unwrap_or_default();
            }
            if !(param.if_not_empty && value.is_empty()) {
                tell(&param.name, &value)?;
            }
        }
        for (name, value) in self.purpose.conditions() {
            let mut variable = Vec::with_capacity(32);
            field_variable(name.as_bytes(), &mut variable);
            tell(&variable, value)?;
        }
        match self.params.passes_headers {
            true => self.each_field(request, tell),
            false => Ok(()),
        }
    }

    /// The client's fields: what stands there more than once is told once.
    fn each_field(
        &self,
        request: &Request,
        mut tell: impl FnMut(&[u8], &[u8]) -> Result<(), BadVariables>,
    ) -> Result<(), BadVariables> {
        let (fields, bytes) = (&request.head.fields, &request.bytes[..]);
        let mut variable = Vec::with_capacity(64);
        for (at, field) in fields.iter().enumerate() {
            let name = field.name.of(bytes);
            let same = |other: &proto::http1::Field| is_same(other.name.of(bytes), name);
            let is_kept_back = is_same(name, PROXY) || self.purpose.keeps_back(field.id);
            if is_kept_back || fields[..at].iter().any(same) {
                continue;
            }
            variable.clear();
            field_variable(name, &mut variable);
            if self.params.own.contains(&variable) {
                continue;
            }
            let mut others = fields[at + 1..].iter().filter(|other| same(other)).peekable();
            let value = field.value.of(bytes);
            if others.peek().is_none() {
                tell(&variable, value)?;
                continue;
            }
            let between: &[u8] = if field.id == Name::Cookie { b"; " } else { b", " };
            let mut all = value.to_vec();
            for other in others {
                all.extend_from_slice(between);
                all.extend_from_slice(other.value.of(bytes));
            }
            tell(&variable, &all)?;
        }
        Ok(())
    }
}

/// Whether two names are one variable.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    let plain = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    a.len() == b.len() && a.iter().map(plain).eq(b.iter().map(plain))
}
