//! The way of a request through the handlers of its server and location.

use sys::log::Level;

use mem::Str;
use proto::http1::Body as Framing;

use super::flow::{Flow, Phase};
use super::{Handler, Request, Stage, delay};
use crate::response::errors;

/// What the phases came to.
pub enum Outcome {
    /// `request.response` is the answer.
    Respond,
    /// The handler must be waited for; its flow goes to [`waited`].
    Wait(&'static dyn Handler),
    /// Close the connection without an answer; the status is for the log.
    Close(u16),
}

/// A request that was redirected more often goes in circles.
const MOST_REDIRECTS: u8 = 10;

/// Goes on with the request where it is.
pub fn run(request: &mut Request) -> Outcome {
    resume(request, Flow::Declined)
}

/// Goes on after [`Outcome::Wait`].
pub fn waited(request: &mut Request, flow: Flow) -> Outcome {
    if std::mem::take(&mut request.delayed) {
        return resume(request, flow);
    }
    let flow = match request.location.handlers.get(request.cursor.wrapping_sub(1)) {
        Some((phase, _)) if request.stage == Stage::Location => {
            let flow = admit(request, *phase, flow);
            delay::refusal(request, *phase, flow)
        }
        _ => flow,
    };
    resume(request, flow)
}

/// Goes on with what the latest handler said.
pub fn resume(request: &mut Request, mut flow: Flow) -> Outcome {
    loop {
        flow = match flow {
            Flow::Declined | Flow::Granted => step(request),
            Flow::Respond => return Outcome::Respond,
            Flow::Close => return Outcome::Close(444),
            // Nobody is there who would read an answer, or is meant to get one.
            Flow::Status(status @ (408 | 444 | 499)) => return Outcome::Close(status),
            Flow::Status(status) => errors::answer(request, status),
            Flow::Redirect(uri, args) => redirect(request, uri, args),
            Flow::Rewritten => search_again(request),
            Flow::Named(name) => go_to_named(request, &name),
            Flow::Wait => match current(request) {
                Some(handler) => return Outcome::Wait(handler),
                None => Flow::Status(500),
            },
        }
    }
}

/// The handler that was called last.
fn current(request: &Request) -> Option<&'static dyn Handler> {
    if request.delayed {
        return Some(&delay::Delay);
    }
    let at = request.cursor.checked_sub(1)?;
    match request.stage {
        Stage::Location => request.location.handlers.get(at).map(|(_, handler)| &**handler),
        _ => request.server.location().rewrite.get(at).map(|handler| &**handler),
    }
}

/// Calls the next handler.
fn step(request: &mut Request) -> Flow {
    match request.stage {
        Stage::ServerRewrite => match request.server.location().rewrite.get(request.cursor) {
            Some(handler) => {
                request.cursor += 1;
                handler.handle(request)
            }
            None => {
                request.stage = Stage::Find;
                Flow::Declined
            }
        },
        Stage::Find => find_location(request),
        Stage::Location => {
            let Some((phase, handler)) = request.location.handlers.get(request.cursor) else {
                return nobody(request);
            };
            if *phase > Phase::Access
                && let Some(status) = request.refused.take()
            {
                return delay::refusal(request, Phase::Access, Flow::Status(status));
            }
            request.cursor += 1;
            if *phase == Phase::Access && request.is_subrequest() {
                return Flow::Declined;
            }
            let flow = handler.handle(request);
            let flow = admit(request, *phase, flow);
            delay::refusal(request, *phase, flow)
        }
    }
}

fn find_location(request: &mut Request) -> Flow {
    request.location = match request.server.find(&request.uri, request.captures.get_mut()) {
        Ok(location) => location,
        // In which location it is, and who may have it there, is not known.
        Err(gave_up) => {
            request.location = request.server.location();
            request.error(Level::Alert, format_args!("{gave_up}"));
            return Flow::Status(500);
        }
    };
    request.stage = Stage::Location;
    request.cursor = 0;
    let is_internal = request.location.settings.internal;
    request.location = request.location.for_method(request.method);
    let settings = &request.location.settings;
    if is_internal && !request.internal {
        return Flow::Status(404);
    }
    if let Framing::Length(length) = request.framing
        && settings.client_max_body_size != 0
        && length > settings.client_max_body_size
        && !request.error_page
    {
        let message = format_args!("client intended to send too large body: {length} bytes");
        request.error(Level::Error, message);
        return Flow::Status(413);
    }
    Flow::Declined
}

/// In the access phase a handler lets in or refuses. With `satisfy any` one that lets in is enough,
/// and a refusal counts only if no other lets in.
fn admit(request: &mut Request, phase: Phase, flow: Flow) -> Flow {
    if phase != Phase::Access {
        return flow;
    }
    let any = request.location.settings.satisfy_any;
    match flow {
        Flow::Granted if any => {
            request.refused = None;
            // As nginx: who is in is not asked who he is.
            request.response.remove_header("www_authenticate");
            let handlers = &request.location.handlers;
            while handlers.get(request.cursor).is_some_and(|(phase, _)| *phase == Phase::Access) {
                request.cursor += 1;
            }
            Flow::Declined
        }
        Flow::Granted => Flow::Declined,
        Flow::Status(status @ (401 | 403)) if any => {
            // Who may still say who he is, is asked, whoever else has refused.
            if request.refused != Some(401) {
                request.refused = Some(status);
            }
            Flow::Declined
        }
        flow => flow,
    }
}

/// No handler took the request.
fn nobody(request: &mut Request) -> Flow {
    if let Some(status) = request.refused.take() {
        return delay::refusal(request, Phase::Access, Flow::Status(status));
    }
    if !request.uri.ends_with(b"/") {
        return Flow::Status(404);
    }
    if let Ok(mapped) = request.map_path() {
        let message = format_args!("directory index of \"{}\" is forbidden", mapped.path);
        request.error(Level::Error, message);
    }
    Flow::Status(403)
}

fn redirect(request: &mut Request, uri: Str, args: Str) -> Flow {
    if is_cycle(request, &uri) {
        return Flow::Status(500);
    }
    request.uri = uri;
    request.args = args;
    request.internal = true;
    request.broke_off = false;
    request.restart();
    request.location = request.server.location();
    Flow::Declined
}

/// A rewrite in a location: the server's own are not done again.
fn search_again(request: &mut Request) -> Flow {
    request.redirects += 1;
    if request.redirects > MOST_REDIRECTS {
        let message = "rewrite or internal redirection cycle while processing";
        request.error(Level::Error, format_args!("{message} \"{}\"", request.uri));
        request.error_page = true;
        return Flow::Status(500);
    }
    request.restart();
    request.stage = Stage::Find;
    request.location = request.server.location();
    Flow::Declined
}

fn go_to_named(request: &mut Request, name: &Str) -> Flow {
    if is_cycle(request, name) {
        return Flow::Status(500);
    }
    let Some(location) = request.server.named(name) else {
        let message = format_args!("could not find named location \"{name}\"");
        request.error(Level::Error, message);
        return Flow::Status(500);
    };
    request.restart();
    request.location = location.for_method(request.method);
    request.stage = Stage::Location;
    request.internal = true;
    Flow::Declined
}

fn is_cycle(request: &mut Request, target: &Str) -> bool {
    request.redirects += 1;
    let cycle = request.redirects > MOST_REDIRECTS;
    if cycle {
        let message = "rewrite or internal redirection cycle while internally redirecting to";
        request.error(Level::Error, format_args!("{message} \"{target}\""));
        // The error's own page may be part of the circle.
        request.error_page = true;
    }
    cycle
}
