//! `empty_gif`: a picture of one transparent pixel, from memory.
#![forbid(unsafe_code)]

use conf::{Arity, Contexts, Directive, Error, settings};
use http::{Flow, Hooks, Module, Phase, Request};
use mem::Str;
use proto::http1::Method;

/// The module.
pub struct EmptyGif;

settings! {
    /// What its directive sets.
    #[derive(Default)]
    pub struct Conf {
        here empty_gif: bool = (
            Contexts::LOCATION, Arity::Exactly(0), |c, s| c.empty_gif.set_in(true, s), "",
            "answer with a picture of one transparent pixel"
        );
    }
}

/// GIF89a: a screen of one pixel with two colours, of which the second is transparent (GIF specification, 1989).
static PIXEL: [u8; 43] =
    *b"GIF89a\x01\0\x01\0\x80\x01\0\0\0\0\xff\xff\xff\x21\xf9\x04\x01\0\0\x01\0\
    \x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0\x3b";
/// As old as nginx's: clients that have that one have this one.
const MODIFIED: u64 = 23_349_600;

impl Module for EmptyGif {
    const NAME: &'static str = "empty_gif";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.empty_gif.inherit(&outer.empty_gif);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.empty_gif.is_set() {
            hooks.on(Phase::Content, show);
        }
        Ok(())
    }
}

fn show(request: &mut Request) -> Flow {
    if !matches!(request.method, Method::Get | Method::Head) {
        return Flow::Status(405);
    }
    request.response.set_body(200, Str::from("image/gif"), Str::copy(&PIXEL));
    request.response.last_modified = Some(MODIFIED);
    Flow::Respond
}
