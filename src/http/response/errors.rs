//! Pages for errors: `error_page`, and the plain page that every status has.

use mem::Str;
use proto::http1::{Method, status};

use super::browser;
use super::error_page::{ErrorPage, Overwrite};
use crate::block::settings::Tokens;
use crate::request::Request;
use crate::request::flow::Flow;

/// What to do for an error: go to its `error_page`, or answer with the plain page.
pub fn answer(request: &mut Request, status: u16) -> Flow {
    if request.answer_substitute() {
        return Flow::Respond;
    }
    let location = request.location();
    let repeated = request.error_page && !location.settings.recursive_error_pages;
    let pages = &location.words.error_pages;
    let page = pages.iter().find(|page| page.statuses.contains(&status));
    match page {
        Some(page) if !repeated => go_to(request, page, status),
        _ => {
            request.forced_status = None;
            plain_page(request, status);
            Flow::Respond
        }
    }
}

impl Request {
    /// Whether the configuration has a page of its own for an error here, which would be shown.
    pub fn has_error_page(&self, status: u16) -> bool {
        let location = self.location();
        let repeated = self.error_page && !location.settings.recursive_error_pages;
        let mut pages = location.words.error_pages.iter();
        !repeated && pages.any(|page| page.statuses.contains(&status))
    }
}

fn go_to(request: &mut Request, page: &ErrorPage<Request>, status: u16) -> Flow {
    let uri = page.uri.evaluate(request);
    request.error_page = true;
    request.forced_type = None;
    request.forced_status = match page.overwrite {
        Overwrite::Keep => Some(presented(status)),
        Overwrite::Page => None,
        Overwrite::With(code) => Some(code),
    };
    if keeps_no_connection(status) {
        request.keep_alive = false;
    }
    match uri.first() {
        Some(b'/') => {
            if request.method != Method::Head {
                request.method = Method::Get;
            }
            let (path, args) = proto::uri::split_args(&uri);
            if page.uri.climbs(path) {
                plain_page(request, status);
                return Flow::Respond;
            }
            let args = args.and_then(|args| uri.slice_of(args)).unwrap_or_default();
            Flow::Redirect(uri.slice(..path.len()), args)
        }
        // A named location gets the request as it is, to do with it what could not be done here.
        Some(b'@') => Flow::Named(uri),
        _ => {
            let code = match page.overwrite {
                Overwrite::With(code @ (301 | 302 | 303 | 307 | 308)) => code,
                _ => 302,
            };
            request.forced_status = None;
            plain_page(request, code);
            request.response.location = Some(uri);
            Flow::Respond
        }
    }
}

/// Makes the answer of this status and nothing else: an HTML page, or no body for those without one.
pub fn plain_page(request: &mut Request, status: u16) {
    let location = request.response.location.take();
    let headers = std::mem::take(&mut request.response.headers);
    request.response.reset();
    request.response.location = location;
    if matches!(status, 401 | 405 | 416 | 429 | 503) {
        request.response.headers = headers;
    }
    if keeps_no_connection(status) {
        request.keep_alive = false;
    }
    let shown = presented(status);
    request.response.plain = shown >= 400;
    if let Some(title) = title(status) {
        let name = signature(request);
        let mut page = page(&title, &name);
        let pads = request.location().settings.msie_padding;
        if shown >= 400 && pads && browser::hides_short_pages(request) {
            page.push_str(&PADDING.repeat(6));
        }
        let page = request.pool.copy(page.as_bytes());
        request.response.set_body(shown, Str::from("text/html"), page);
        if matches!(shown, 301 | 302)
            && request.location().settings.msie_refresh
            && browser::is_msie(request)
            && let Some(location) = request.response.location.clone()
        {
            refresh_page(request, &location);
        }
    } else {
        request.response.set_empty(shown);
        if matches!(shown, 204 | 304) {
            request.response.content_length = None;
        }
    }
}

/// The status that is told to the client for one that only we know.
fn presented(status: u16) -> u16 {
    match status {
        494..=497 => 400,
        status => status,
    }
}

/// After these the connection's bytes cannot be trusted, or are not wanted.
fn keeps_no_connection(status: u16) -> bool {
    matches!(status, 400 | 413 | 414 | 494..=497 | 500 | 501 | 505)
}

fn title(status: u16) -> Option<String> {
    match status {
        // On its page nginx calls it by another name than in the status line.
        302 => Some("302 Found".to_owned()),
        401 => Some("401 Authorization Required".to_owned()),
        494 => Some("400 Request Header Or Cookie Too Large".to_owned()),
        495 => Some("400 The SSL certificate error".to_owned()),
        496 => Some("400 No required SSL certificate was sent".to_owned()),
        497 => Some("400 The plain HTTP request was sent to HTTPS port".to_owned()),
        300..=308 | 400.. if status != 304 => {
            status::phrase(status).map(|phrase| format!("{status} {phrase}"))
        }
        _ => None,
    }
}

fn page(title: &str, name: &Str) -> String {
    let (heading, detail) = match title {
        "400 Bad Request" => (title, None),
        title => match title.strip_prefix("400 ") {
            Some(detail) => ("400 Bad Request", Some(detail)),
            None => (title, None),
        },
    };
    let detail = detail.map(|text| format!("<center>{text}</center>\r\n")).unwrap_or_default();
    let name = match name.is_empty() {
        true => String::new(),
        false => format!("<hr><center>{name}</center>\r\n"),
    };
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n\
         <center><h1>{heading}</h1></center>\r\n{detail}{name}\
         </body>\r\n</html>\r\n"
    )
}

/// How the server names itself; empty: not at all.
pub fn signature(request: &mut Request) -> Str {
    match &request.location().words.name {
        Some(template) => template.evaluate(request),
        None => Str::from(usual_signature(request.location().settings.tokens)),
    }
}

/// The same where the configuration has no words of its own for it.
pub fn usual_signature(tokens: Tokens) -> &'static str {
    match tokens {
        Tokens::On => concat!("rserve/", env!("CARGO_PKG_VERSION")),
        Tokens::Off => "rserve",
    }
}

/// For Internet Explorer: a page that leads to the location.
fn refresh_page(request: &mut Request, location: &[u8]) {
    let mut page = br#"<html><head><meta http-equiv="Refresh" content="0; URL="#.to_vec();
    for &byte in location {
        match byte {
            ..=b' ' | 0x7f.. | b'"' | b'%' | b'\'' | b'<' | b'>' => {
                page.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
            byte => page.push(byte),
        }
    }
    page.extend_from_slice(b"\"></head></html>\r\n");
    let page = request.pool.copy(&page);
    request.response.location = None;
    request.response.set_body(200, Str::from("text/html"), page);
}

/// Six of these are enough for a page to be shown.
const PADDING: &str = "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n";
