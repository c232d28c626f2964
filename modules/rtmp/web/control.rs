//! `rtmp_control`: `…/drop/publisher|subscriber|client`, `…/redirect/…` and `…/record/start|stop`, as nginx-rtmp has them. The
//! body of the answer is how many clients that concerned, in all workers, or the file that is recorded.

use std::collections::BTreeSet;

use http::cors::Origins;
use http::{BoxFuture, Flow, Handler, Request};
use mem::Str;
use proto::http1::Method;

use crate::running::running;
use proto::query;

/// The handler of a location.
pub struct Control {
    /// Recorders may be started and stopped.
    pub record: bool,
    /// Clients may be dropped.
    pub drop: bool,
    /// Clients may be sent to another stream.
    pub redirect: bool,
}

/// The arguments of a command.
const ARGUMENTS: &[&str] = &["srv", "app", "name", "addr", "clientid", "newname", "rec"];

impl Handler for Control {
    fn handle(&self, request: &mut Request) -> Flow {
        if is_foreign(request) {
            let why = "a command is refused: a page of another origin has sent it";
            request.error(sys::log::Level::Error, format_args!("{why}"));
            return Flow::Status(403);
        }
        match request.method {
            Method::Get | Method::Post => Flow::Wait,
            _ => Flow::Status(405),
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async {
            let Some(question) = self.question(request) else {
                return Flow::Status(404);
            };
            let Some(running) = running() else { return Flow::Status(404) };
            let Some(replies) = running.call(&question).await else {
                return Flow::Status(503);
            };
            if query::get(&question, b"call").as_deref() == Some(b"record") {
                let mut paths = replies.all.iter().filter_map(|reply| query::get(reply, b"path"));
                return paths.next().map_or(Flow::Status(404), |path| answer(request, &path));
            }
            let counts = replies.all.iter().filter_map(|answer| {
                let count = query::get(answer, b"count")?;
                std::str::from_utf8(&count).ok()?.parse::<u64>().ok()
            });
            // Each once: a viewer may have asked several workers.
            let viewers = replies.all.iter().filter_map(|answer| query::get(answer, b"viewers"));
            let viewers: BTreeSet<Vec<u8>> = viewers
                .flat_map(|ids| {
                    ids.split(|&byte| byte == b',').map(<[u8]>::to_vec).collect::<Vec<_>>()
                })
                .collect();
            let body = (counts.sum::<u64>() + viewers.len() as u64).to_string();
            answer(request, body.as_bytes())
        })
    }
}

fn answer(request: &mut Request, body: &[u8]) -> Flow {
    if body.is_empty() {
        return Flow::Status(204);
    }
    let body = request.pool.copy(body);
    request.response.set_body(200, Str::from("text/plain"), body);
    request.response.add_header("Cache-Control", Str::from("no-store"));
    Flow::Respond
}

/// Whether a browser says that a page from elsewhere asks. Who may give commands may be known by the address alone, and that
/// is also the address of whatever page the operator is looking at.
fn is_foreign(request: &Request) -> bool {
    match request.headers_named("Sec-Fetch-Site").next() {
        Some(from) => !matches!(from, b"same-origin" | b"none"),
        None => !Origins::default().admit(request),
    }
}

impl Control {
    /// The last two parts of the path say what, and to whom.
    fn question(&self, request: &Request) -> Option<Vec<u8>> {
        let mut parts = request.uri.rsplit(|&byte| byte == b'/');
        let (who, call) = (parts.next()?, parts.next()?);
        let may = match call {
            b"record" => self.record,
            b"drop" => self.drop,
            b"redirect" => self.redirect && query::get(&request.args, b"newname").is_some(),
            _ => false,
        };
        let known = match call {
            b"record" => matches!(who, b"start" | b"stop"),
            _ => matches!(who, b"publisher" | b"subscriber" | b"client"),
        };
        if !may || !known {
            return None;
        }
        let mut question = Vec::new();
        query::add(&mut question, "call", call);
        query::add(&mut question, "who", who);
        for name in ARGUMENTS {
            if let Some(value) = query::get(&request.args, name.as_bytes()) {
                query::add(&mut question, name, &value);
            }
        }
        Some(question)
    }
}
