//! Pages for errors: `error_page`, and the plain page that every status has.

use mem::Str;
use proto::http1::{Method, status};

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

fn go_to(request: &mut Request, page: &ErrorPage<Request>, status: u16) -> Flow {
    let uri = page.uri.evaluate(request);
    request.error_page = true;
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
        let mut page = page(&title, request.location().settings.tokens);
        if shown >= 400 && pads(request) {
            page.push_str(&PADDING.repeat(6));
        }
        let page = request.pool.copy(page.as_bytes());
        request.response.set_body(shown, Str::from("text/html"), page);
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

fn page(title: &str, tokens: Tokens) -> String {
    let name = signature(tokens);
    let (heading, detail) = match title {
        "400 Bad Request" => (title, None),
        title => match title.strip_prefix("400 ") {
            Some(detail) => ("400 Bad Request", Some(detail)),
            None => (title, None),
        },
    };
    let detail = detail.map(|text| format!("<center>{text}</center>\r\n")).unwrap_or_default();
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n\
         <center><h1>{heading}</h1></center>\r\n{detail}<hr><center>{name}</center>\r\n\
         </body>\r\n</html>\r\n"
    )
}

/// How the server names itself.
pub fn signature(tokens: Tokens) -> &'static str {
    match tokens {
        Tokens::On => concat!("rserve/", env!("CARGO_PKG_VERSION")),
        Tokens::Off => "rserve",
    }
}

/// Old browsers show their own page instead of one that is shorter than 512 bytes.
const PADDING: &str = "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n";

fn pads(request: &Request) -> bool {
    let agent = request.header(proto::http1::Name::UserAgent).unwrap_or_default();
    let find = |word: &[u8]| agent.windows(word.len()).position(|part| part == word);
    let msie = find(b"MSIE ").is_some_and(|at| at + 7 < agent.len());
    let chrome = || find(b"Gecko/").is_none() && find(b"Chrome/").is_some();
    find(b"Opera").is_none() && (msie || chrome())
}
