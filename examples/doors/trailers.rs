//! `tell_lines on;`: behind an answer of type `text/plain` stands how many lines it had. Trailers of a body.

use std::task::{Context, Poll, ready};

use rserve_sdk::prelude::*;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        flag tell_lines = (contexts!(HTTP | SERVER | LOCATION), "off", "count the lines of text in a trailer");
    }
}

/// The module.
pub struct TellLines;

impl Module for TellLines {
    const NAME: &'static str = "tell_lines";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.tell_lines() {
            hooks.filter(Order::Module, Tell);
            hooks.body_filter(Order::Module, Tell);
        }
        Ok(())
    }
}

struct Tell;

fn is_text(response: &Response) -> bool {
    response.content_type.as_deref().is_some_and(|kind| kind.starts_with(b"text/plain"))
}

/// Trailers have a place behind chunks alone, and what has a length is sent without.
impl Filter for Tell {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let response = &mut request.response;
        if is_text(response) {
            (response.content_length, response.unknown_length) = (None, true);
            (response.allow_ranges, response.file) = (false, false);
            response.add_header("Trailer", Str::from("X-Lines"));
        }
        None
    }
}

impl BodyFilter for Tell {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        match is_text(&request.response) {
            true => Body::Source(Box::new(Counted { from: body, lines: 0 })),
            false => body,
        }
    }
}

struct Counted {
    from: Body,
    lines: usize,
}

impl Source for Counted {
    fn length(&self) -> Option<u64> {
        None
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
        self.lines += piece.iter().filter(|&&byte| byte == b'\n').count();
        let mut chain = Chain::new();
        chain.push(Buf::memory(Str::from(piece)));
        Poll::Ready(Ok(Some(chain)))
    }

    fn trailers(&mut self) -> Option<Fields> {
        let mut fields = self.from.trailers().unwrap_or_default();
        fields.push((Str::from("X-Lines"), Str::from(self.lines.to_string().into_bytes())));
        Some(fields)
    }
}
