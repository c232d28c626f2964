//! `flv`: FLV files from a place in the middle on, for players that ask for it by `start=BYTES`.
#![forbid(unsafe_code)]

use conf::{Arity, Contexts, Directive, Error, settings};
use http::{Body, Filter, Flow, Hooks, Module, Order, Phase, Request};
use mem::{Chain, Str};
use proto::http1::Method;

/// The module.
pub struct Flv;

settings! {
    /// What its directive sets.
    #[derive(Default)]
    pub struct Conf {
        here flv: bool = (
            Contexts::LOCATION, Arity::Exactly(0), |c, s| c.flv.set_in(true, s), "",
            "send FLV files from the byte that the argument start names"
        );
    }
}

impl Module for Flv {
    const NAME: &'static str = "flv";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.flv.inherit(&outer.flv);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.flv.is_set() {
            hooks.on(Phase::Content, refuse_others);
            hooks.filter(Order::Module, FromTheMiddle);
        }
        Ok(())
    }
}

/// Of what is no directory only reading is known here.
fn refuse_others(request: &mut Request) -> Flow {
    match matches!(request.method, Method::Get | Method::Head) {
        true => Flow::Declined,
        false => Flow::Status(405),
    }
}

/// A file's header with audio and video, and the size of the tag before the first: none.
const HEAD: &[u8] = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00";

struct FromTheMiddle;

impl Filter for FromTheMiddle {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let response = &request.response;
        let (Body::Chain(file), Some(len), 200, true) = (
            &response.body,
            response.content_length,
            response.status,
            response.last_modified.is_some(),
        ) else {
            return None;
        };
        let start = proto::query::get(&request.args, b"start")?;
        let start: u64 = std::str::from_utf8(&start).ok()?.parse().ok()?;
        if start == 0 || start >= len {
            return None;
        }
        let mut body = Chain::new();
        body.push_str(Str::copy(HEAD));
        body.append(&mut file.slice(start, len - start));
        let response = &mut request.response;
        response.content_length = Some(body.len());
        response.tag_part(body.len());
        response.body = Body::Chain(body);
        None
    }
}
