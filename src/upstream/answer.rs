//! A peer's answer as the client gets it.

use std::rc::Rc;

use cache::Fill;

use crate::caching::keeping::Keeping;
use crate::exchange::Reply;
use crate::passing::Passing;
use crate::relay::Relay;
use crate::settings::Settings;
use crate::tries::{Fields, Tries};
use crate::tunnel::Tunnel;
use http::{Body, Flow, LogLevel, Request, Response};
use mem::Str;
use proto::http1::{AnswerHead, Field, Method, Name, Range32};

/// The head of an answer, wherever that has come from.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// It, as offsets.
    pub head: &'a AnswerHead,
    /// Into these.
    pub bytes: &'a Str,
}

impl Passing {
    /// Makes the request's response of an answer, or leads the request elsewhere. `fill`: it is stored, too. `change`: what the
    /// family has instead of the value of a Location, Refresh or Set-Cookie, if it has something.
    pub fn answer(
        &self,
        request: &mut Request,
        mut reply: Reply,
        fill: Option<Fill>,
        change: impl Fn(&mut Request, Name, &Str) -> Option<Str>,
    ) -> Flow {
        let bytes = reply.block.share(..reply.head.fields.end);
        let head = Head { head: &reply.head, bytes: &bytes };
        head.keep(request);
        if let Some(flow) = self.leads_elsewhere(request, head) {
            match (fill, &flow) {
                (Some(fill), Flow::Status(status)) => fill.keep_status(*status),
                (Some(fill), _) => fill.unkept(),
                (None, _) => {}
            }
            return flow;
        }
        let settings = self.obey(request, head);
        head.begin(request);
        self.copy_fields(request, head, change);
        match reply.head.status {
            101 => hand_over(request, reply, &settings),
            _ => self.give_body(request, reply, settings, fill),
        }
        Flow::Respond
    }

    /// The same of an answer without fields: all of it is the body. `fields`: what is to be said of it.
    pub fn answer_plainly(
        &self,
        request: &mut Request,
        mut reply: Reply,
        fields: impl FnOnce(&mut Response),
    ) -> Flow {
        let bytes = reply.block.share(..reply.head.fields.end);
        Head { head: &reply.head, bytes: &bytes }.begin(request);
        request.response.content_length = reply.framing.length();
        fields(&mut request.response);
        self.give_body(request, reply, self.settings.clone(), None);
        Flow::Respond
    }

    /// The value of a field that is obeyed.
    fn obeyed(&self, head: Head<'_>, name: Name) -> Option<Str> {
        match self.settings.ignored.has(name) {
            true => None,
            false => head.value(name),
        }
    }

    /// Another location, or the page of an error, makes the answer.
    pub(crate) fn leads_elsewhere(&self, request: &mut Request, head: Head<'_>) -> Option<Flow> {
        if let Some(target) = self.obeyed(head, Name::XAccelRedirect).filter(|to| !to.is_empty()) {
            return Some(head.go_elsewhere(request, &target));
        }
        let status = head.head.status;
        if status < 300 || !self.settings.intercept_errors || !request.has_error_page(status) {
            return None;
        }
        if status == 401
            && let Some(asks) = head.value(Name::WwwAuthenticate)
        {
            request.response.add_header("WWW-Authenticate", asks);
        }
        Some(Flow::Status(status))
    }

    /// Does what the answer wants of this server, and gives the settings that it is passed on by.
    pub(crate) fn obey(&self, request: &mut Request, head: Head<'_>) -> Rc<Settings> {
        if let Some(rate) = self.obeyed(head, Name::XAccelLimitRate) {
            request.limit_rate =
                rate.as_str().and_then(|text| text.parse().ok()).or(request.limit_rate);
        }
        let mut settings = self.settings.clone();
        let buffering = self.obeyed(head, Name::XAccelBuffering);
        let wish = buffering.as_deref().map(<[u8]>::to_ascii_lowercase);
        match wish.as_deref() {
            Some(b"no") => Rc::make_mut(&mut settings).buffering = false,
            Some(b"yes") => Rc::make_mut(&mut settings).buffering = true,
            _ => {}
        }
        settings
    }

    /// The fields that are passed on.
    pub(crate) fn copy_fields(
        &self,
        request: &mut Request,
        head: Head<'_>,
        change: impl Fn(&mut Request, Name, &Str) -> Option<Str>,
    ) {
        let (list, bytes) = (&head.head.fields.list, &head.bytes[..]);
        let has_own = list.iter().any(|field| field.id == Name::Connection);
        let own = |field: &Field, bytes: &[u8]| {
            let lists = list.iter().filter(|field| field.id == Name::Connection);
            let mut words = lists.flat_map(|list| list.value.of(bytes).split(|&byte| byte == b','));
            words.any(|word| word.trim_ascii().eq_ignore_ascii_case(field.name.of(bytes)))
        };
        for field in list {
            // What belongs to the peer's connection is not the client's.
            let is_own = has_own && field.id != Name::Upgrade && own(field, bytes);
            if is_own || self.hidden.has(field.name.of(bytes)) {
                continue;
            }
            let (name, value) = head.shared(field);
            let is_tunnel = request.is_tunnel;
            let response = &mut request.response;
            match field.id {
                // Of the connection; and the server's own to say.
                Name::Connection | Name::KeepAlive | Name::TransferEncoding => {}
                // HTTP/2 says it without (RFC 8441 §5).
                Name::Upgrade if is_tunnel => {}
                Name::ContentLength if request.method == Method::Head => {
                    response.content_length = value.as_str().and_then(|text| text.parse().ok());
                }
                Name::ContentLength => {}
                Name::ContentType => {
                    first(&mut response.content_type, value);
                    request.forced_type = None;
                }
                Name::LastModified => first(&mut response.last_modified_text, value),
                Name::Etag => first(&mut response.etag, value),
                Name::Date => first(&mut response.date, value),
                Name::Server => first(&mut response.server, value),
                Name::Location => match change(request, field.id, &value) {
                    Some(changed) => request.response.location = Some(changed),
                    None => response_field(request, name, value),
                },
                Name::Refresh | Name::SetCookie => {
                    let changed = change(request, field.id, &value);
                    response_field(request, name, changed.unwrap_or(value));
                }
                _ => response_field(request, name, value),
            }
        }
    }

    /// The body, as it comes.
    fn give_body(
        &self,
        request: &mut Request,
        reply: Reply,
        settings: Rc<Settings>,
        fill: Option<Fill>,
    ) {
        let status = reply.head.status;
        // What is not read ahead is not stored, as in nginx.
        let fill = match fill {
            Some(fill) if !settings.buffering => {
                fill.unkept();
                None
            }
            fill => fill,
        };
        if fill.is_some() {
            // Whether the client has it already the peer was not asked.
            request.response.unconditional = false;
            let modified = request.response.last_modified_text.as_deref();
            request.response.last_modified = modified.and_then(proto::date::parse);
        }
        request.response.allow_ranges = (self.force_ranges || fill.is_some()) && status == 200;
        let mut relay = Relay::new(reply, settings);
        if request.method == Method::Head {
            // Of a length that the peer does not say nothing is known.
            request.response.unknown_length = request.response.content_length.is_none();
            // What is stored goes on by itself.
            drop(fill.map(|fill| Keeping::new(relay, fill)));
            return;
        }
        if let Some(length) = http::Source::length(&relay).filter(|_| status != 304) {
            request.response.content_length = Some(length);
        }
        request.response.body = match fill {
            Some(fill) => {
                let mut keeping = Keeping::new(relay, fill);
                let whole = keeping.whole();
                whole.map_or_else(|| Body::Source(Box::new(keeping)), Body::Chain)
            }
            None => match relay.whole() {
                Some(chain) => Body::Chain(chain),
                None => Body::Source(Box::new(relay)),
            },
        };
    }
}

/// The client's connection is the peer's from now on.
fn hand_over(request: &mut Request, reply: Reply, settings: &Settings) {
    let Reply { head, block, link, record, .. } = reply;
    let first = block.filled()[head.fields.end..].to_vec();
    let idle = settings.read_timeout;
    if request.is_tunnel {
        request.response.status = 200;
        request.response.reason = None;
        request.response.remove_header("sec_websocket_accept");
    }
    request.response.takeover = Some(Box::new(Tunnel { link, first, idle, record }));
}

impl Head<'_> {
    /// Status and reason.
    pub fn begin(self, request: &mut Request) {
        let status = self.head.status;
        // Whoever has led here by X-Accel-Redirect has said some.
        let kept = std::mem::take(&mut request.response.headers);
        request.response.reset();
        request.response.headers = kept;
        request.response.status = status;
        request.response.unconditional = true;
        let reason = self.part(self.head.reason);
        request.response.reason = (!reason.is_empty()).then_some((status, reason));
    }

    /// For variables, whatever becomes of the answer.
    pub fn keep(self, request: &mut Request) {
        let list = self.head.fields.list.clone();
        request.context::<Tries>().set_fields(Fields { list, bytes: self.bytes.clone() });
    }

    /// A part, sharing the memory that it is in.
    fn part(self, range: Range32) -> Str {
        self.bytes.slice(range.start as usize..range.end as usize)
    }

    /// The value of a field.
    fn value(self, name: Name) -> Option<Str> {
        self.head.fields.get(name).map(|field| self.part(field.value))
    }

    /// Name and value.
    fn shared(self, field: &Field) -> (Str, Str) {
        (self.part(field.name), self.part(field.value))
    }

    /// `X-Accel-Redirect`: another location makes the answer.
    fn go_elsewhere(self, request: &mut Request, target: &Str) -> Flow {
        request.response.reset();
        for field in &self.head.fields.list {
            let kept = matches!(
                field.id,
                Name::SetCookie | Name::CacheControl | Name::Expires | Name::AcceptRanges
            );
            let (name, value) = self.shared(field);
            if field.id == Name::ContentType {
                request.forced_type = Some(value);
            } else if kept || name.eq_ignore_ascii_case(b"content-disposition") {
                request.response.add_header(name, value);
            }
        }
        if target.starts_with(b"@") {
            return Flow::Named(target.clone());
        }
        if request.method != Method::Head {
            request.method = Method::Get;
        }
        let (path, args) = proto::uri::split_args(target);
        let mut uri = Vec::with_capacity(path.len());
        if proto::uri::normalize(path, true, &mut uri).is_err() {
            request.error(
                LogLevel::Error,
                format_args!("unsafe URI \"{target}\" in X-Accel-Redirect"),
            );
            return Flow::Status(404);
        }
        let args = args.and_then(|args| target.slice_of(args)).unwrap_or_default();
        Flow::Redirect(Str::from(uri), args)
    }
}

/// Of fields that may stand there once the first counts.
fn first(known: &mut Option<Str>, value: Str) {
    known.get_or_insert(value);
}

fn response_field(request: &mut Request, name: Str, value: Str) {
    request.response.headers.push((name, value));
}
