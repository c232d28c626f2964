//! `auth_request`: another location of the server says whether a client is let in. 2xx lets in, 401 and 403 do not, and
//! anything else is a fault of that location.
#![forbid(unsafe_code)]

use std::cell::OnceCell;
use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{
    BoxFuture, Declarations, Flow, Handler, Hooks, LogLevel, Module, Phase, Request, Settable,
    Subrequest, Template,
};
use mem::Str;

/// The module.
pub struct AuthRequest;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option auth_request: Option<Str> = (
            WEB, Arity::Exactly(1), uri, "off",
            "a subrequest to this URI lets clients in (2xx) or not (401, 403)"
        );
        list auth_request_set: Rc<Assignment> = (
            WEB, Arity::Exactly(2), assignment, "",
            "give a variable a value that is made of the subrequest's variables, when that is done"
        );
    }
}

/// One `auth_request_set`.
pub struct Assignment {
    variable: Word,
    value: Word,
    /// There when the variable is made.
    settable: OnceCell<Settable>,
}

impl Module for AuthRequest {
    const NAME: &'static str = "auth_request";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        for assignment in conf.auth_request_set.as_slice() {
            let settable = declarations.result(&assignment.variable)?;
            let _ = assignment.settable.set(settable);
        }
        Ok(())
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let mut results = Vec::new();
        for assignment in conf.auth_request_set.as_slice() {
            if let Some(settable) = assignment.settable.get() {
                results.push((settable.clone(), hooks.template(&assignment.value)?));
            }
        }
        if let Some(Some(uri)) = conf.auth_request.get() {
            hooks.on(Phase::Access, Guard { uri: uri.clone(), results });
        }
        Ok(())
    }
}

/// `None`: off.
fn uri(setting: &Setting<'_>) -> Result<Option<Str>, Error> {
    Ok(match setting.arg(0) {
        "off" => None,
        uri => Some(Str::copy(&conf::text::bytes(uri))),
    })
}

fn assignment(setting: &Setting<'_>) -> Result<Rc<Assignment>, Error> {
    let [variable, value] = setting.args() else {
        return Err(setting.error("auth_request_set takes a variable and a value"));
    };
    let (variable, value) = (variable.clone(), value.clone());
    Ok(Rc::new(Assignment { variable, value, settable: OnceCell::new() }))
}

/// Asks the other location.
struct Guard {
    uri: Str,
    results: Vec<(Settable, Template)>,
}

/// A question whose answer is waited for.
#[derive(Default)]
struct Question(Option<Subrequest>);

impl Handler for Guard {
    fn handle(&self, request: &mut Request) -> Flow {
        let asked = Subrequest::new(request, self.uri.clone(), Str::EMPTY);
        let Some(mut asked) = asked else { return Flow::Status(500) };
        if asked.is_done() {
            return self.verdict(request, &mut asked);
        }
        request.context::<Question>().0 = Some(asked);
        Flow::Wait
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            let Some(mut asked) = request.context::<Question>().0.take() else {
                return Flow::Status(500);
            };
            asked.done().await;
            self.verdict(request, &mut asked)
        })
    }
}

impl Guard {
    fn verdict(&self, request: &mut Request, asked: &mut Subrequest) -> Flow {
        for (variable, value) in &self.results {
            let value = value.evaluate(asked);
            // It outlives the memory of the request that it was made in.
            request.set(variable, Str::copy(&value));
        }
        match asked.response.status {
            200..=299 => Flow::Granted,
            401 => {
                let name = "www_authenticate";
                let challenges = asked.response.headers_named(name).cloned().collect::<Vec<_>>();
                for challenge in challenges {
                    request.response.add_header("WWW-Authenticate", Str::copy(&challenge));
                }
                Flow::Status(401)
            }
            403 => Flow::Status(403),
            status => {
                let message = format_args!("auth request unexpected status: {status}");
                request.error(LogLevel::Error, message);
                Flow::Status(500)
            }
        }
    }
}
