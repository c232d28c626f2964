//! `shout on;`: answers of type `text/plain` in capital letters. A body filter, with the header filter that goes with it.

use std::task::{Context, Poll, ready};

use rserve_sdk::prelude::*;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        flag shout = (contexts!(HTTP | SERVER | LOCATION), "off", "text in capital letters");
    }
}

/// The module.
pub struct Shout;

impl Module for Shout {
    const NAME: &'static str = "shout";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.shout() {
            hooks.filter(Order::Module, Capitals);
            hooks.body_filter(Order::Module, Capitals);
        }
        Ok(())
    }
}

struct Capitals;

fn is_text(response: &Response) -> bool {
    response.content_type.as_deref().is_some_and(|kind| kind.starts_with(b"text/plain"))
}

/// What the header says of the body must be true of the one that is sent. This one has the length that it had; of one that
/// has not, `content_length` is `None` and `unknown_length` is set.
impl Filter for Capitals {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let response = &mut request.response;
        if is_text(response) {
            // It is another body: not that of the file's tag, and its parts are not windows of the file.
            response.etag = None;
            (response.allow_ranges, response.accept_ranges) = (false, false);
            response.file = false;
        }
        None
    }
}

impl BodyFilter for Capitals {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        match is_text(&request.response) {
            true => Body::Source(Box::new(Shouting { from: body })),
            false => body,
        }
    }
}

/// Reads the body before it as it is asked for its own.
struct Shouting {
    from: Body,
}

impl Source for Shouting {
    fn length(&self) -> Option<u64> {
        self.from.len()
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Result<Option<Chain>, BodyError>> {
        let mut piece = Vec::new();
        if !ready!(self.from.poll_read(cx, &mut piece, most))? {
            return Poll::Ready(Ok(None));
        }
        piece.make_ascii_uppercase();
        let mut chain = Chain::new();
        chain.push(Buf::memory(Str::from(piece)));
        Poll::Ready(Ok(Some(chain)))
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.from.trailers()
    }
}
