//! `index`: which file stands for a directory.
#![forbid(unsafe_code)]

use conf::{Arity, Directive, Error, Opt, Word, contexts};
use http::{Flow, Handler, Hooks, Module, Phase, Request, Template};
use mem::Str;
use proto::http1::Method;

/// The module.
pub struct Index;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    index: Opt<Vec<Word>>,
}

impl Module for Index {
    const NAME: &'static str = "index";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[Directive::new(
        "index",
        contexts!(HTTP | SERVER | LOCATION),
        Arity::AtLeast(1),
        |conf, setting| {
            for (at, word) in setting.args().iter().enumerate() {
                if word.text.is_empty() {
                    return Err(
                        setting.error_at(at, "index \"\" in \"index\" directive is invalid")
                    );
                }
                conf.index.push(word.clone());
            }
            Ok(())
        },
        "index.html",
        "files that stand for a directory, the first that exists",
    )];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.index.inherit(&outer.index);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let mut names = Vec::new();
        for word in conf.index.as_slice() {
            names.push(hooks.template(word)?);
        }
        if names.is_empty() {
            names.push(Template::literal("index.html"));
        }
        hooks.on(Phase::Content, Find { names });
        Ok(())
    }
}

struct Find {
    names: Vec<Template>,
}

impl Handler for Find {
    fn handle(&self, request: &mut Request) -> Flow {
        let served = matches!(request.method, Method::Get | Method::Head | Method::Post);
        if !request.uri.ends_with(b"/") || !served {
            return Flow::Declined;
        }
        let mut directory_exists = false;
        for name in &self.names {
            let name = name.evaluate(request);
            if name.starts_with(b"/") {
                // An absolute name is not looked for: it is where the request goes.
                return Flow::Redirect(name, request.args.clone());
            }
            let uri = join(request, &name);
            let mapped = match request.map_uri(&uri) {
                Ok(mapped) => mapped,
                Err(status) => return Flow::Status(status),
            };
            if static_files::knows(&mapped.path) {
                return Flow::Redirect(uri, request.args.clone());
            }
            match sys::file::stat_path(&mapped.path) {
                Ok(_) => return Flow::Redirect(uri, request.args.clone()),
                Err(error) => {
                    if let Some(status) = refused(request, &mapped.path, &error) {
                        return Flow::Status(status);
                    }
                    directory_exists = directory_exists || is_there(request);
                    if !directory_exists {
                        return Flow::Status(404);
                    }
                }
            }
        }
        Flow::Declined
    }
}

fn join(request: &mut Request, name: &Str) -> Str {
    let uri = request.uri.clone();
    request.pool.write(|path| {
        path.push(&uri);
        path.push(name);
    })
}

/// Whether there is a directory at all: without one nothing is forbidden, it is not found.
fn is_there(request: &mut Request) -> bool {
    let Ok(mapped) = request.map_path() else { return true };
    match sys::file::stat_path(&mapped.path) {
        Ok(_) => true,
        Err(error) => {
            if request.location().settings.log_not_found {
                let errno = sys::log::errno(&error);
                let path = &mapped.path;
                request
                    .error(sys::log::Level::Error, format_args!("\"{path}\" is not found {errno}"));
            }
            false
        }
    }
}

/// A name that is not there is no fault; a directory that may not be entered is.
fn refused(request: &Request, path: &Str, error: &std::io::Error) -> Option<u16> {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match error.kind() {
        NotFound | NotADirectory => None,
        kind => {
            let errno = sys::log::errno(error);
            request.error(sys::log::Level::Error, format_args!("stat() \"{path}\" failed {errno}"));
            Some(if kind == PermissionDenied { 403 } else { 500 })
        }
    }
}
