//! WebDAV: what is known of files (PROPFIND), and the methods that change them: PUT, DELETE, MKCOL, COPY, MOVE, as nginx has them, but each at once and as a
//! whole: nobody sees half of a file or of a tree, and what fails leaves nothing behind.
#![forbid(unsafe_code)]

mod aside;
mod conf;
mod copy;
mod delete;
mod destination;
mod dir;
mod mkcol;
mod propfind;
mod put;
mod refusal;
mod tree;

use ::conf::{Directive, Error};
use ::http::{BoxFuture, Flow, Handler, Hooks, Module, Phase, Request};
use mem::Str;
use proto::http1::Method;

use self::conf::{Conf, Rules};

/// The module.
pub struct Dav;

impl Module for Dav {
    const NAME: &'static str = "dav";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if let Some(rules) = conf.rules() {
            hooks.on(Phase::Content, Writer { rules });
        }
        Ok(())
    }
}

struct Writer {
    rules: Rules,
}

impl Writer {
    /// What OPTIONS is answered with (RFC 4918, 10.1).
    fn tell_methods(&self, request: &mut Request) -> Flow {
        let mut allowed = "OPTIONS,GET,HEAD".to_owned();
        for method in self.rules.methods.iter().filter(|method| **method != Method::Options) {
            allowed.push(',');
            allowed.push_str(&format!("{method:?}").to_ascii_uppercase());
        }
        request.response.set_empty(200);
        request.response.add_header("DAV", Str::from("1"));
        request.response.add_header("Allow", Str::from(allowed));
        Flow::Respond
    }
}

impl Handler for Writer {
    fn handle(&self, request: &mut Request) -> Flow {
        match self.rules.methods.contains(&request.method) {
            // The disk may let one wait.
            true => Flow::Wait,
            false => Flow::Declined,
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            let done = match request.method {
                Method::Put => put::put(&self.rules, request).await,
                Method::Delete => delete::delete(&self.rules, request).await,
                Method::Mkcol => mkcol::mkcol(&self.rules, request).await,
                Method::Copy | Method::Move => copy::copy(request).await,
                Method::Propfind => propfind::propfind(request).await,
                Method::Options => Ok(self.tell_methods(request)),
                _ => Ok(Flow::Declined),
            };
            done.unwrap_or_else(|refusal| refusal.tell(request))
        })
    }
}
