//! `mp4`: a part of an MP4 file as a file of its own, for players that ask for it by `start=SECONDS` and `end=SECONDS`.
//!
//! The file is answered by whoever answers with files; what is sent of it is changed here, before ranges are cut.
#![forbid(unsafe_code)]

mod file;

use conf::{Arity, Contexts, Directive, Error, contexts, settings};
use http::{Body, Filter, Flow, Hooks, LogLevel, Module, Order, Phase, Request};
use mem::Str;
use proto::http1::Method;
use proto::mp4::Part;

/// The module.
pub struct Mp4;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        here mp4: bool = (
            Contexts::LOCATION, Arity::Exactly(0), |c, s| c.mp4.set_in(true, s), "",
            "send the part of an MP4 file that the arguments start and end name, in seconds"
        );
        size mp4_buffer_size = (WEB, "512k", "without effect: what describes a movie is read at once");
        size mp4_max_buffer_size = (WEB, "10m", "the longest description of a movie (moov) that is read");
        flag mp4_start_key_frame = (
            WEB, "off", "begin with the key frame before start; players skip what is too early"
        );
    }
}

impl Module for Mp4 {
    const NAME: &'static str = "mp4";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.mp4.inherit(&outer.mp4);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.mp4.is_set() {
            let most = conf.mp4_max_buffer_size();
            hooks.on(Phase::Content, refuse_others);
            hooks.filter(Order::Module, Parts { most, from_key_frame: conf.mp4_start_key_frame() });
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

struct Parts {
    /// Bytes of a description.
    most: u64,
    from_key_frame: bool,
}

impl Filter for Parts {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let part = self.wanted(request)?;
        let response = &request.response;
        // A file has a date; what else is answered here is none.
        let (Body::Chain(chain), 200, true) =
            (&response.body, response.status, response.last_modified.is_some())
        else {
            return None;
        };
        match file::cut(chain, part, self.most) {
            Ok(part) => {
                let response = &mut request.response;
                response.content_length = Some(part.len());
                response.tag_part(part.len());
                response.body = Body::Chain(part);
                None
            }
            Err(error) => {
                let uri: Str = request.uri.clone();
                request.error(LogLevel::Error, format_args!("{error} in \"{uri}\""));
                Some(500)
            }
        }
    }
}

impl Parts {
    /// The part that is asked for, if it is not the whole.
    fn wanted(&self, request: &Request) -> Option<Part> {
        if request.args.is_empty() {
            return None;
        }
        let argument = |name: &[u8]| milliseconds(&proto::query::get(&request.args, name)?);
        let start = argument(b"start").unwrap_or(0);
        let end = argument(b"end").filter(|end| *end > start);
        let whole = start == 0 && end.is_none();
        (!whole).then_some(Part { start, end, from_key_frame: self.from_key_frame })
    }
}

/// `12.5` as 12500.
fn milliseconds(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(fraction.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn times() {
        for (text, expected) in [
            ("12.5", Some(12_500)),
            ("0", Some(0)),
            ("1.2345", Some(1234)),
            ("1.", Some(1000)),
            (".5", None),
            ("-1", None),
            ("1e3", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(milliseconds(text.as_bytes()), expected, "{text}");
        }
    }
}
