//! `trace_id on;`: each request has an id, its client's (`X-Trace-Id`) or a new one, which is the variable `$trace_id` and
//! goes back with the answer. State of a request.

use std::cell::Cell;

use rserve_sdk::prelude::*;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        flag trace_id = (contexts!(HTTP | SERVER | LOCATION), "off", "give each request an id");
    }
}

/// The module.
pub struct TraceId;

impl Module for TraceId {
    const NAME: &'static str = "trace_id";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[Variable {
        name: "trace_id",
        get: |request, _, out| {
            let id = request.known_context::<Id>();
            id.inspect(|id| out.extend_from_slice(&id.0)).is_some()
        },
        help: "the request's id",
    }];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.trace_id() {
            hooks.on(Phase::Rewrite, identify);
            hooks.filter(Order::Module, Tell);
        }
        Ok(())
    }
}

/// The state: found by its type, made when it is first asked for, dropped with the request.
#[derive(Default)]
struct Id(Vec<u8>);

thread_local! {
    /// How many this worker has made.
    static MADE: Cell<u64> = const { Cell::new(0) };
}

fn identify(request: &mut Request) -> Flow {
    // It may come here again, after a redirect inside the server.
    if request.known_context::<Id>().is_none() {
        let sent = request.headers_named("x-trace-id").next().map(<[u8]>::to_vec);
        let id = sent.unwrap_or_else(|| {
            let number = MADE.replace(MADE.get() + 1);
            format!("{:x}-{number:x}", std::process::id()).into_bytes()
        });
        request.context::<Id>().0 = id;
    }
    Flow::Declined
}

struct Tell;

impl Filter for Tell {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let id = request.known_context::<Id>().map(|id| Str::copy(&id.0))?;
        request.response.add_header("X-Trace-Id", id);
        None
    }
}
