//! `server_timing on;`: the field `Server-Timing` tells how long the answer has taken. A header filter.

use rserve_sdk::prelude::*;

settings! {
    /// What the directive sets.
    #[derive(Default)]
    pub struct Conf {
        flag server_timing = (contexts!(HTTP | SERVER | LOCATION), "off", "tell the client how long its answer has taken");
    }
}

/// The module.
pub struct Timing;

impl Module for Timing {
    const NAME: &'static str = "server_timing";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.server_timing() {
            hooks.filter(Order::Module, Field);
        }
        Ok(())
    }
}

struct Field;

impl Filter for Field {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let ms = rt::now() - request.started;
        // It lives as long as the request.
        let value = request.pool.write(|text| text.push(format!("total;dur={ms}").as_bytes()));
        request.response.add_header("Server-Timing", value);
        None
    }
}
