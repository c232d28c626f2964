//! `mirror`: requests go to other locations, too, whose answers nobody gets.
//!
//! The client's request goes on at once; what the others do with theirs is waited for by nobody.
#![forbid(unsafe_code)]

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{BoxFuture, Flow, Handler, Hooks, Module, Phase, Request, Subrequest, Template};
use mem::Str;

/// The module.
pub struct Mirror;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        list mirror: Option<Word> = (
            WEB, Arity::Exactly(1), target, "off", "a URI that gets each request, too, and whose answer nobody gets"
        );
        flag mirror_request_body = (WEB, "on", "it gets the request's body, which is read before");
    }
}

fn target(setting: &Setting<'_>) -> Result<Option<Word>, Error> {
    Ok(Some(setting.args()[0].clone()).filter(|word| word.text != "off"))
}

impl Module for Mirror {
    const NAME: &'static str = "mirror";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let all = conf.mirror.as_slice();
        if let Some(word) = all.iter().flatten().next()
            && all.contains(&None)
        {
            return Err(hooks.error(word, "\"mirror off\" stands beside other mirrors"));
        }
        let mut targets = Vec::new();
        for word in all.iter().flatten() {
            targets.push(hooks.template(word)?);
        }
        if !targets.is_empty() {
            hooks.keeps_bodies();
            hooks.on(Phase::Precontent, Targets { targets, with_body: conf.mirror_request_body() });
        }
        Ok(())
    }
}

struct Targets {
    targets: Vec<Template>,
    with_body: bool,
}

impl Handler for Targets {
    fn handle(&self, request: &mut Request) -> Flow {
        // A request that came back here (`error_page`, `rewrite`) was mirrored before.
        if request.is_subrequest() || request.known_context::<Mirrored>().is_some() {
            return Flow::Declined;
        }
        request.context::<Mirrored>();
        if self.with_body && !request.body.is_empty() {
            return Flow::Wait;
        }
        self.send(request);
        Flow::Declined
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            if let Err(error) = request.keep_body().await {
                return Flow::Status(error.status());
            }
            self.send(request);
            Flow::Declined
        })
    }
}

/// It has been sent to the mirrors.
#[derive(Default)]
struct Mirrored;

impl Targets {
    fn send(&self, request: &mut Request) {
        for target in &self.targets {
            let uri: Str = target.evaluate(request);
            let Some(mut subrequest) = Subrequest::copy(request, uri, self.with_body) else {
                continue;
            };
            if !subrequest.is_done() {
                rt::spawn(async move { subrequest.done().await });
            }
        }
    }
}
