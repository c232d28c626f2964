//! `autoindex`: what is in a directory, as a page or as data.
//!
//! A directory is read on another thread: one with many files, or on a disk that is slow, stops nobody else.
#![forbid(unsafe_code)]

mod data;
mod entries;
mod html;
mod page;

use conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use http::{BoxFuture, Flow, Handler, Hooks, LogLevel, Module, Phase, Request};
use mem::Str;
use proto::http1::Method;

use crate::entries::Entry;

/// The module.
pub struct Autoindex;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        flag autoindex = (WEB, "off", "show what is in a directory that has no index file");
        flag autoindex_exact_size = (WEB, "on", "show sizes in bytes, not in K, M and G");
        flag autoindex_localtime = (WEB, "off", "show times of this time zone, not of Greenwich");
        value autoindex_format: Format = (
            WEB, Arity::Exactly(1), format, "html", "the form of the answer: html, xml, json, jsonp"
        );
        flag autoindex_style = (
            WEB, "off", "in html, a page that suits small screens and dark ones, instead of nginx's"
        );
    }
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A page.
    Html,
    /// XML.
    Xml,
    /// JSON.
    Json,
    /// JSON in a call of the function that the argument `callback` names.
    Jsonp,
}

fn format(setting: &Setting<'_>) -> Result<Format, Error> {
    use Format::{Html, Json, Jsonp, Xml};
    setting.choice(0, &[("html", Html), ("xml", Xml), ("json", Json), ("jsonp", Jsonp)])
}

impl Module for Autoindex {
    const NAME: &'static str = "autoindex";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.autoindex() {
            let list = List {
                format: conf.autoindex_format(),
                exact: conf.autoindex_exact_size(),
                local: conf.autoindex_localtime(),
                styled: conf.autoindex_style(),
            };
            hooks.on(Phase::Content, list);
        }
        Ok(())
    }
}

/// Lists directories.
#[derive(Clone, Copy)]
struct List {
    format: Format,
    exact: bool,
    local: bool,
    styled: bool,
}

impl Handler for List {
    fn handle(&self, request: &mut Request) -> Flow {
        let served = matches!(request.method, Method::Get | Method::Head);
        match request.uri.ends_with(b"/") && served {
            true => Flow::Wait,
            false => Flow::Declined,
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            let path = match request.map_path() {
                Ok(mapped) => mapped.path,
                Err(status) => return Flow::Status(status),
            };
            let (list, uri) = (*self, request.uri.to_vec());
            let callback = match self.format {
                Format::Jsonp => callback(request),
                _ => Ok(Vec::new()),
            };
            let callback = match callback {
                Ok(callback) => callback,
                Err(status) => return Flow::Status(status),
            };
            let content_type = self.content_type(!callback.is_empty());
            let directory = path.to_vec();
            let links = static_files::links(request, &path);
            let work = move || {
                entries::read(&directory, links).map(|all| list.show(&uri, &callback, &all))
            };
            match rt::offload(work).await {
                Ok(body) => {
                    request.response.set_body(200, content_type, Str::from(body));
                    Flow::Respond
                }
                Err(error) => Flow::Status(failed(request, &path, &error)),
            }
        })
    }
}

impl List {
    fn show(self, uri: &[u8], callback: &[u8], entries: &[Entry]) -> Vec<u8> {
        let mut out = Vec::new();
        match self.format {
            Format::Html if self.styled => page::write(uri, entries, self.local, &mut out),
            Format::Html => html::write(uri, entries, self.exact, self.local, &mut out),
            Format::Xml => data::xml(entries, &mut out),
            Format::Json => data::json(entries, &mut out),
            Format::Jsonp => data::jsonp(callback, entries, &mut out),
        }
        out
    }

    fn content_type(self, has_callback: bool) -> Str {
        Str::from(match self.format {
            Format::Html => "text/html",
            // As nginx: names of files are taken for UTF-8, which is what XML is, too.
            Format::Xml => "text/xml; charset=utf-8",
            Format::Json => "application/json",
            Format::Jsonp if !has_callback => "application/json",
            Format::Jsonp => "application/javascript",
        })
    }
}

/// The function that a client wants to be called; empty: none. The error is a status: it is no name.
fn callback(request: &Request) -> Result<Vec<u8>, u16> {
    let mut arguments = proto::query::arguments(&request.args);
    let name = arguments.find(|argument| argument.name.eq_ignore_ascii_case(b"callback"));
    let name =
        name.and_then(|argument| argument.value).map(proto::query::decode).unwrap_or_default();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    match name.len() <= LONGEST && name.iter().all(plain) {
        true => Ok(name),
        false => {
            let name = String::from_utf8_lossy(&name);
            let message = format_args!("client sent invalid callback name: \"{name}\"");
            request.error(LogLevel::Info, message);
            Err(400)
        }
    }
}

/// Bytes of a function's name.
const LONGEST: usize = 128;

/// The answer where the directory cannot be read.
fn failed(request: &Request, path: &Str, error: &std::io::Error) -> u16 {
    use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound, PermissionDenied};
    let (level, status) = match error.kind() {
        NotFound | NotADirectory | InvalidFilename => (LogLevel::Error, 404),
        PermissionDenied => (LogLevel::Error, 403),
        _ if sys::file::is_link_refusal(error) => (LogLevel::Error, 403),
        _ => (LogLevel::Crit, 500),
    };
    let errno = sys::log::errno(error);
    request.error(level, format_args!("opendir() \"{path}\" failed {errno}"));
    status
}
