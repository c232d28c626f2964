//! `ticks 5 100ms;`: an answer that comes line by line. A body that is made while it is sent.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rserve_sdk::prelude::*;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        option ticks: (u64, u64) = (contexts!(LOCATION), Arity::Exactly(2), ticks, "", "answer with so many lines, one each TIME");
    }
}

fn ticks(setting: &Setting<'_>) -> Result<(u64, u64), Error> {
    Ok((setting.number(0)?, setting.time_ms(1)?))
}

/// The module.
pub struct Ticks;

impl Module for Ticks {
    const NAME: &'static str = "ticks";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if let Some(&(count, ms)) = conf.ticks.get() {
            hooks.on(Phase::Content, move |request: &mut Request| {
                let response = &mut request.response;
                response.status = 200;
                response.content_type = Some(Str::from("text/plain"));
                response.body = Body::Source(Box::new(Ticking { next: 1, count, ms, sleep: None }));
                Flow::Respond
            });
        }
        Ok(())
    }
}

struct Ticking {
    next: u64,
    count: u64,
    ms: u64,
    sleep: Option<rt::Sleep>,
}

impl Source for Ticking {
    /// Not known: the answer goes out in chunks.
    fn length(&self) -> Option<u64> {
        None
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Result<Option<Chain>, BodyError>> {
        if self.next > self.count {
            return Poll::Ready(Ok(None));
        }
        if self.ms == 0 {
            return Poll::Ready(Ok(Some(self.lines(most))));
        }
        let sleep = self.sleep.get_or_insert_with(|| rt::sleep(self.ms));
        ready!(Pin::new(sleep).poll(cx));
        self.sleep = None;
        // It goes out now, and does not wait for what follows.
        let piece = self.lines(1);
        Poll::Ready(Ok(Some(piece)))
    }
}

impl Ticking {
    /// The next lines, of about so many bytes: what comes without a pause comes in pieces that are worth their price.
    fn lines(&mut self, most: usize) -> Chain {
        let mut lines = Vec::new();
        while lines.len() < most && self.next <= self.count {
            lines.extend_from_slice(format!("tick {}\n", self.next).as_bytes());
            self.next += 1;
        }
        let mut piece = Chain::new();
        piece.push(Buf::memory(Str::from(lines)));
        piece
    }
}
