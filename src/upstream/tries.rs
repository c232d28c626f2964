//! What a request's tries came to, for variables: `$upstream_addr` and its like list them, `, ` between those of one location,
//! ` : ` where the request went to another.

use std::cell::Cell;
use std::rc::Rc;

use http::{Request, Variable};
use mem::Str;
use proto::http1::{Field, Name};

use crate::caching::look::Outcome;
use crate::next::Fault;

/// One try with one peer. Times are milliseconds from its beginning.
#[derive(Debug)]
pub struct Try {
    /// The peer's address, or the group's name where nobody could be asked.
    pub peer: Str,
    /// Counts locations: the first has 1.
    location: u32,
    begun: u64,
    /// The status of its answer; 0: none.
    pub status: Cell<u16>,
    /// Until the connection was there.
    pub connect: Cell<Option<u64>>,
    /// Until the answer's head was.
    pub header: Cell<Option<u64>>,
    /// Until all of it was, or the try ended.
    pub response: Cell<Option<u64>>,
    /// Bytes of the answer's body.
    pub length: Cell<u64>,
    /// Bytes that were sent.
    pub sent: Cell<u64>,
    /// Bytes that were read.
    pub received: Cell<u64>,
}

impl Try {
    /// Since it began.
    pub fn elapsed(&self) -> u64 {
        rt::now().saturating_sub(self.begun)
    }

    /// The first byte came at this time, in the loop's milliseconds.
    pub fn came_first(&self, at: Option<u64>) {
        self.header.set(at.map(|at| at.saturating_sub(self.begun)));
    }

    /// It has ended, if it has not before.
    pub fn end(&self) {
        if self.response.get().is_none() {
            self.response.set(Some(self.elapsed()));
        }
    }
}

/// The tries of a request.
#[derive(Default)]
pub struct Tries {
    all: Vec<Rc<Try>>,
    location: u32,
    /// The fields of the newest answer.
    fields: Option<Fields>,
    /// How it has to do with the cache.
    pub cache: Option<Outcome>,
    /// What went wrong at last, where nobody has answered.
    pub fault: Option<Fault>,
}

/// The fields of an answer, and the bytes that they are in.
pub struct Fields {
    /// Offsets.
    pub list: Vec<Field>,
    /// The head.
    pub bytes: Str,
}

impl Tries {
    /// Those that follow are of another location.
    pub fn begin(&mut self) {
        self.location += 1;
    }

    /// The fields of the newest answer.
    pub fn set_fields(&mut self, fields: Fields) {
        self.fields = Some(fields);
    }

    /// Another one.
    pub fn add(&mut self, peer: Str) -> Rc<Try> {
        let one = Rc::new(Try {
            peer,
            location: self.location,
            begun: rt::now(),
            status: Cell::default(),
            connect: Cell::default(),
            header: Cell::default(),
            response: Cell::default(),
            length: Cell::default(),
            sent: Cell::default(),
            received: Cell::default(),
        });
        self.all.push(one.clone());
        one
    }

    /// Writes what each try says, or `-`. `false`: there is none.
    pub fn list(&self, out: &mut Vec<u8>, each: impl Fn(&Try, &mut Vec<u8>) -> bool) -> bool {
        for (at, one) in self.all.iter().enumerate() {
            if at > 0 {
                let is_first = self.all[at - 1].location != one.location;
                out.extend_from_slice(if is_first { b" : " } else { b", " });
            }
            if !each(one, out) {
                out.push(b'-');
            }
        }
        !self.all.is_empty()
    }

    /// The newest.
    pub fn last(&self) -> Option<&Rc<Try>> {
        self.all.last()
    }
}

fn list(request: &Request, out: &mut Vec<u8>, each: impl Fn(&Try, &mut Vec<u8>) -> bool) -> bool {
    request.known_context::<Tries>().is_some_and(|tries| tries.list(out, each))
}

/// Writes a number.
pub fn number(number: u64, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(number.to_string().as_bytes());
    true
}

/// Writes seconds with three digits behind the point, if the time is known.
pub fn seconds(ms: Option<u64>, out: &mut Vec<u8>) -> bool {
    let Some(ms) = ms else { return false };
    out.extend_from_slice(format!("{}.{:03}", ms / 1000, ms % 1000).as_bytes());
    true
}

/// The fields of the newest answer.
fn newest(request: &Request) -> Option<&Fields> {
    request.known_context::<Tries>().and_then(|tries| tries.fields.as_ref())
}

/// The values of a field of the newest answer, put together.
fn field(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let Some(Fields { list, bytes }) = newest(request) else { return false };
    let start = out.len();
    for field in list.iter().filter(|field| http::is_named(field.name.of(bytes), name)) {
        if out.len() > start {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(field.value.of(bytes));
    }
    out.len() > start
}

/// The value of a cookie that the newest answer sets.
fn cookie(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let Some(Fields { list, bytes }) = newest(request) else { return false };
    let mut cookies = list.iter().filter(|field| field.id == Name::SetCookie);
    let value = cookies.find_map(|field| {
        let pair = field.value.of(bytes).split(|&byte| byte == b';').next()?;
        let at = pair.iter().position(|&byte| byte == b'=')?;
        pair[..at].eq_ignore_ascii_case(name.as_bytes()).then(|| &pair[at + 1..])
    });
    value.inspect(|value| out.extend_from_slice(value)).is_some()
}

/// The variables.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "upstream_addr",
        get: |request, _, out| {
            list(request, out, |one, out| {
                out.extend_from_slice(&one.peer);
                true
            })
        },
        help: "the peers that were asked, in order",
    },
    Variable {
        name: "upstream_http_",
        get: field,
        help: "a field of the newest answer of a peer, whether it is passed on or not",
    },
    Variable {
        name: "upstream_cookie_",
        get: cookie,
        help: "a cookie that the newest answer of a peer sets",
    },
    Variable {
        name: "upstream_status",
        get: |request, _, out| {
            list(request, out, |one, out| match one.status.get() {
                0 => false,
                status => number(status.into(), out),
            })
        },
        help: "the status of each one's answer; 502 and 504 where it had none",
    },
    Variable {
        name: "upstream_cache_status",
        get: |request, _, out| {
            let known = request.known_context::<Tries>().and_then(|tries| tries.cache);
            known.inspect(|one| out.extend_from_slice(one.name().as_bytes())).is_some()
        },
        help: "how the answer has to do with the cache: MISS, BYPASS, EXPIRED, STALE, UPDATING, REVALIDATED or HIT",
    },
    Variable {
        name: "upstream_connect_time",
        get: |request, _, out| list(request, out, |one, out| seconds(one.connect.get(), out)),
        help: "seconds until the connection to each was there",
    },
    Variable {
        name: "upstream_header_time",
        get: |request, _, out| list(request, out, |one, out| seconds(one.header.get(), out)),
        help: "seconds until the head of each one's answer was",
    },
    Variable {
        name: "upstream_response_time",
        get: |request, _, out| list(request, out, |one, out| seconds(one.response.get(), out)),
        help: "seconds until each one's answer was",
    },
    Variable {
        name: "upstream_response_length",
        get: |request, _, out| list(request, out, |one, out| number(one.length.get(), out)),
        help: "bytes of the body of each one's answer",
    },
    Variable {
        name: "upstream_bytes_sent",
        get: |request, _, out| list(request, out, |one, out| number(one.sent.get(), out)),
        help: "bytes that were sent to each",
    },
    Variable {
        name: "upstream_bytes_received",
        get: |request, _, out| list(request, out, |one, out| number(one.received.get(), out)),
        help: "bytes that came from each",
    },
];
