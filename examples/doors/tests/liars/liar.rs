//! `lie WHAT;`: answers whose bodies are not what is said of them. What comes of them is the server's matter.
#![forbid(unsafe_code)]

use std::task::{Context, Poll};

use rserve_sdk::prelude::*;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        option lie: Lie = (contexts!(LOCATION), Arity::Exactly(1), lie, "", "what is wrong with the body");
    }
}

/// What is wrong with a body of which ten bytes are promised.
#[derive(Clone, Copy)]
pub enum Lie {
    /// It gives twelve.
    More,
    /// It gives six.
    Less,
    /// The handler says twelve, and has ten.
    Chain,
    /// Nothing.
    None,
}

fn lie(setting: &Setting<'_>) -> Result<Lie, Error> {
    let all =
        [("more", Lie::More), ("less", Lie::Less), ("chain", Lie::Chain), ("none", Lie::None)];
    setting.choice(0, &all)
}

/// The module.
pub struct Liar;

impl Module for Liar {
    const NAME: &'static str = "lie";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if let Some(&lie) = conf.lie.get() {
            hooks.on(Phase::Content, move |request: &mut Request| {
                let response = &mut request.response;
                response.set_body(200, Str::from("text/plain"), Str::from("0123456789"));
                let pieces: &[&str] = match lie {
                    Lie::More => &["012345", "6789ab"],
                    Lie::Less => &["012345"],
                    Lie::None => &["012345", "6789"],
                    Lie::Chain => {
                        response.content_length = Some(12);
                        return Flow::Respond;
                    }
                };
                response.body = Body::Source(Box::new(Pieces(pieces.to_vec())));
                Flow::Respond
            });
        }
        Ok(())
    }
}

struct Pieces(Vec<&'static str>);

impl Source for Pieces {
    fn length(&self) -> Option<u64> {
        Some(10)
    }

    fn poll(&mut self, _: &mut Context<'_>, _: usize) -> Poll<Result<Option<Chain>, BodyError>> {
        if self.0.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let mut chain = Chain::new();
        chain.push(Buf::memory(Str::from(self.0.remove(0))));
        Poll::Ready(Ok(Some(chain)))
    }
}

rserve_sdk::main!(http: [access_log::Log, Liar]);
