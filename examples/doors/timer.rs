//! `delay 200ms;`: each request waits before it is served. A handler that waits for a timer.

use rserve_sdk::prelude::*;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        time delay = (contexts!(HTTP | SERVER | LOCATION), "0", "wait so long before a request is served");
    }
}

/// The module.
pub struct Delay;

impl Module for Delay {
    const NAME: &'static str = "delay";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.delay() > 0 {
            hooks.on(Phase::Preaccess, Wait { ms: conf.delay() });
        }
        Ok(())
    }
}

struct Wait {
    ms: u64,
}

impl Handler for Wait {
    fn handle(&self, _: &mut Request) -> Flow {
        Flow::Wait
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            match request.sleep(self.ms).await {
                Ok(()) => Flow::Declined,
                // The client has gone.
                Err(status) => Flow::Status(status),
            }
        })
    }
}
