//! `slice`: a large answer is asked for in parts of one size, so that each can be kept by itself.
//!
//! `$slice_range` is the part that is asked for, for `proxy_set_header Range` and `proxy_cache_key`. An answer that is such a part
//! becomes the whole (`whole.rs`): the other parts are asked for one after the other, as the client takes them, and all must be of the
//! same. What is answered from here, and not by a server behind, is whole already: as in nginx nothing is done to it.
#![forbid(unsafe_code)]

mod whole;

use conf::{Directive, Error, contexts, settings};
use http::{Hooks, Module, Order, Request, Variable};
use proto::http1::Name;

/// The module.
pub struct Slice;

settings! {
    /// What its directive sets.
    #[derive(Default)]
    pub struct Conf {
        size slice = (
            contexts!(HTTP | SERVER | LOCATION), "0", "bytes of the parts in which answers of servers behind are asked for; 0: as a whole"
        );
    }
}

/// Bytes of a part.
struct Part(u64);

/// Where the part begins that is asked for next, on behalf of a request.
#[derive(Default)]
struct Next(Option<u64>);

impl Module for Slice {
    const NAME: &'static str = "slice";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[Variable {
        name: "slice_range",
        get: |request, _, out| range(request, out).is_some(),
        help: "the part of an answer that is asked for: bytes=0-1048575",
    }];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.slice() > 0 {
            hooks.keep(Part(conf.slice()));
            hooks.filter(Order::NotModified, whole::Whole);
        }
        Ok(())
    }
}

fn range(request: &Request, out: &mut Vec<u8>) -> Option<()> {
    // As in nginx: where there is an answer already it is too late to ask for a part of one.
    if request.response.status != 0 {
        return None;
    }
    let Part(size) = request.kept()?;
    let start = match request.is_subrequest() {
        true => request.known_lasting(|next: &Next| next.0).flatten()?,
        false => first(request, *size),
    };
    let end = start.checked_add(size - 1)?;
    out.extend_from_slice(format!("bytes={start}-{end}").as_bytes());
    Some(())
}

/// Where the part begins that is asked for first.
fn first(request: &Request, size: u64) -> u64 {
    start(request).unwrap_or(0) / size * size
}

/// Where the part begins that the client wants, if it wants one that has a beginning.
fn start(request: &Request) -> Option<u64> {
    // Whether a condition holds is known only when there is an answer.
    if request.header(Name::IfRange).is_some() {
        return None;
    }
    let value = request.header(Name::Range)?;
    let (unit, range) = value.split_at_checked(6)?;
    let text = std::str::from_utf8(range).ok()?;
    let (first, rest) = text.split_once('-')?;
    let one = unit.eq_ignore_ascii_case(b"bytes=") && !rest.contains(',');
    first.trim().parse().ok().filter(|_| one)
}
