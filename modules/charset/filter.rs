//! Which charset an answer has, and which it gets.

use std::rc::Rc;

use http::{Body, BodyFilter, Filter, LogLevel, MediaTypes, Request, Response, Template};
use mem::Str;

use crate::recode::Recoder;
use crate::table::{Map, Table, find};

/// What is written of it.
pub struct Headers {
    pub charset: Option<Template>,
    pub source: Option<Template>,
    pub overrides: bool,
    pub types: MediaTypes,
    pub maps: Rc<[Rc<Map>]>,
}

/// Converts what was decided to be converted.
pub struct Bodies;

/// It was decided to convert this answer's body.
#[derive(Default)]
struct Converting(Option<Table>);

/// The charset of the answer that the client gets: what is included gets it, too.
#[derive(Default)]
struct MainCharset(Option<Str>);

impl Filter for Headers {
    fn header(&self, request: &mut Request) -> Option<u16> {
        if request.known_context::<Converting>().is_some() {
            request.context::<Converting>().0 = None;
        }
        if request.response.streaming {
            return None;
        }
        let to = match request.is_subrequest() {
            true => request.known_lasting(|main: &MainCharset| main.0.clone()).flatten()?,
            false => self.destination(request)?,
        };
        let from = match told(&request.response) {
            Some(told) => Some(told),
            None => self.source.as_ref().map(|source| source.evaluate(request)),
        };
        let table = match from {
            Some(from) if !from.eq_ignore_ascii_case(&to) => {
                let Some(table) = find(&self.maps, &from, &to) else {
                    let why = format_args!(
                        "no \"charset_map\" between the charsets \"{from}\" and \"{to}\""
                    );
                    request.error(LogLevel::Error, why);
                    return None;
                };
                Some(table)
            }
            _ => None,
        };
        if !request.is_subrequest() {
            tell(request, &to);
        }
        if let Some(table) = table {
            change(&mut request.response, &table);
            request.context::<Converting>().0 = Some(table);
        }
        None
    }
}

impl Headers {
    fn destination(&self, request: &mut Request) -> Option<Str> {
        let charset = self.charset.as_ref()?;
        request.response.content_type.as_ref().filter(|name| !name.is_empty())?;
        let wanted = match told(&request.response) {
            Some(_) => self.overrides,
            None => self.types.has(&request.response),
        };
        let name = if wanted { charset.evaluate(request) } else { return None };
        (!name.is_empty()).then_some(name)
    }
}

/// The charset that Content-Type tells.
fn told(response: &Response) -> Option<Str> {
    let content_type = response.content_type.as_ref()?;
    let mut parameters = content_type.split(|&byte| byte == b';').skip(1).map(<[u8]>::trim_ascii);
    let charset = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_at_checked(8)?;
        name.eq_ignore_ascii_case(b"charset=").then_some(value)
    })?;
    let charset = charset.trim_ascii();
    let quoted = charset.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    Some(Str::copy(quoted.unwrap_or(charset)))
}

/// Tells it in Content-Type.
fn tell(request: &mut Request, charset: &Str) {
    // As nginx: old browsers took it for that of the next page.
    let redirects = matches!(request.response.status, 301 | 302);
    let kept = Str::copy(charset);
    request.with_lasting(|main: &mut MainCharset| main.0 = (!redirects).then_some(kept));
    let Some(content_type) = request.response.content_type.take() else { return };
    let plain = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
    request.response.content_type = Some(match redirects {
        true => Str::copy(plain),
        false => request.pool.copy(&[plain, b"; charset=", charset].concat()),
    });
}

/// The body becomes another one, and of another length if a character is of several bytes.
fn change(response: &mut Response, table: &Table) {
    response.file = false;
    if !matches!(table, Table::Single(_)) {
        response.content_length = None;
        response.unknown_length = true;
    }
}

impl BodyFilter for Bodies {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        let table = request.known_context::<Converting>().and_then(|known| known.0.clone());
        let Some(table) = table else { return body };
        body.by_threads(request.location().settings.aio_threads).coded(Recoder::new(table))
    }
}
