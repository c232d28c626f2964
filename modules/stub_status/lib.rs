//! `stub_status`: what all workers count of their connections, as nginx's page has it.
#![forbid(unsafe_code)]

use conf::{Arity, Directive, Error, contexts, settings};
use http::{Flow, Hooks, Module, Phase, Request, counts};
use mem::Str;
use proto::http1::Method;

/// The module.
pub struct StubStatus;

settings! {
    /// What its directive sets.
    #[derive(Default)]
    pub struct Conf {
        here stub_status: bool = (
            contexts!(SERVER | LOCATION), Arity::Between(0, 1), |c, s| c.stub_status.set_in(true, s), "",
            "answer with the numbers of connections and requests of all workers"
        );
    }
}

impl Module for StubStatus {
    const NAME: &'static str = "stub_status";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.stub_status.inherit(&outer.stub_status);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.stub_status.is_set() {
            hooks.count_connections();
            hooks.on(Phase::Content, show);
        }
        Ok(())
    }
}

fn show(request: &mut Request) -> Flow {
    if !matches!(request.method, Method::Get | Method::Head) {
        return Flow::Status(405);
    }
    let counts = counts().unwrap_or_default();
    let (active, accepted, requests) = (counts.active, counts.accepted, counts.requests);
    let (reading, writing, waiting) = (counts.reading, counts.writing, counts.waiting);
    // A connection that is accepted is handled: one for which there is no slot waits in the kernel.
    let text = format!(
        "Active connections: {active} \nserver accepts handled requests\n {accepted} {accepted} {requests} \n\
         Reading: {reading} Writing: {writing} Waiting: {waiting} \n"
    );
    request.response.set_body(200, Str::from("text/plain"), Str::from(text));
    Flow::Respond
}
