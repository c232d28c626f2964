//! A module of one's own: the directive `hello NAME;` and the variable `$hello_name`.
//!
//! `GET` is answered at once; `POST` waits for the body and greets it. `docs/own-module.md` walks
//! through this file.
#![forbid(unsafe_code)]

use rserve_sdk::prelude::*;

/// The longest body that is greeted.
const LONGEST: usize = 1024;

/// The module.
pub struct Hello;

/// What its directive sets in one block of the configuration.
#[derive(Default)]
pub struct Conf {
    hello: Opt<Word>,
}

impl Module for Hello {
    const NAME: &'static str = "hello";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[Directive::new(
        "hello",
        contexts!(SERVER | LOCATION),
        Arity::Exactly(1),
        |conf, setting| conf.hello.set_in(setting.args()[0].clone(), setting),
        "",
        "answer with a greeting; the name may have variables",
    )];
    const VARIABLES: &'static [Variable] = &[Variable {
        name: "hello_name",
        get: |request, _, out| {
            let name = request.uri.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            out.extend_from_slice(name);
            !name.is_empty()
        },
        help: "the last part of the path",
    }];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.hello.inherit(&outer.hello);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if let Some(name) = conf.hello.get() {
            // Compiled; a variable that is not known is an error here.
            let name = hooks.template(name)?;
            hooks.on(Phase::Content, Greet { name });
        }
        Ok(())
    }
}

struct Greet {
    name: Template,
}

impl Handler for Greet {
    fn handle(&self, request: &mut Request) -> Flow {
        match request.method {
            Method::Get | Method::Head => {
                let name = self.name.evaluate(request);
                greet(request, &name)
            }
            Method::Post => Flow::Wait,
            _ => Flow::Status(405),
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            match request.read_body(LONGEST).await {
                Ok(body) => greet(request, &body),
                Err(error) => Flow::Status(error.status()),
            }
        })
    }
}

fn greet(request: &mut Request, name: &[u8]) -> Flow {
    let text = request.pool.write(|text| {
        text.push(b"hello, ");
        text.push(name);
        text.push(b"\n");
    });
    request.response.set_body(200, Str::from("text/plain"), text);
    Flow::Respond
}
