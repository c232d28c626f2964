//! `index`: which file stands for a directory.
#![forbid(unsafe_code)]

use conf::{Arity, Directive, Error, Setting, Word, contexts, settings};
use http::{Flow, Handler, Hooks, Module, Phase, Request, Template};
use mem::Str;
use proto::http1::Method;

/// The module.
pub struct Index;

settings! {
    /// What its directive sets.
    #[derive(Default)]
    pub struct Conf {
        lists index: Word = (
            contexts!(HTTP | SERVER | LOCATION), Arity::AtLeast(1), names, "index.html",
            "files that stand for a directory, the first that exists"
        );
    }
}

impl Module for Index {
    const NAME: &'static str = "index";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let mut names = Vec::new();
        for word in conf.index() {
            names.push(hooks.template(&word)?);
        }
        hooks.on(Phase::Content, Find { names });
        Ok(())
    }
}

fn names(setting: &Setting<'_>) -> Result<Vec<Word>, Error> {
    let words = setting.args();
    match words.iter().position(|word| word.text.is_empty()) {
        Some(at) => Err(setting.error_at(at, "index \"\" in \"index\" directive is invalid")),
        None => Ok(words.to_vec()),
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
        for template in &self.names {
            let name = template.evaluate(request);
            // A value leads nowhere else than below the directory.
            if template.climbs(&name) {
                continue;
            }
            if name.starts_with(b"/") {
                // An absolute name is not looked for: it is where the request goes.
                return Flow::Redirect(name, request.args.clone());
            }
            // Of the directory, not of the index's URI: an alias in a regex location is the whole path.
            let directory = match request.map_path() {
                Ok(mapped) => mapped.path,
                Err(status) => return Flow::Status(status),
            };
            let path = join(request, &directory, &name);
            if static_files::knows(&path) {
                return go(request, &name);
            }
            match sys::file::stat_path(&path) {
                Ok(_) => return go(request, &name),
                Err(error) => {
                    if let Some(status) = refused(request, &path, &error) {
                        return Flow::Status(status);
                    }
                    if !directory_exists && let Some(status) = missing(request, &directory) {
                        return Flow::Status(status);
                    }
                    directory_exists = true;
                }
            }
        }
        Flow::Declined
    }
}

/// To the file of that name in the directory that was asked for.
fn go(request: &mut Request, name: &Str) -> Flow {
    let directory = request.uri.clone();
    Flow::Redirect(join(request, &directory, name), request.args.clone())
}

fn join(request: &mut Request, directory: &Str, name: &Str) -> Str {
    request.pool.write(|path| {
        path.push(directory);
        path.push(name);
    })
}

/// The answer if there is no directory at all: without one nothing is forbidden, it is not found. What
/// an alias makes a directory's URI stand for can be a file: as in nginx that is a fault.
fn missing(request: &Request, directory: &Str) -> Option<u16> {
    match sys::file::stat_path(directory) {
        Ok(stat) if stat.is_dir() => None,
        Ok(_) => {
            let message = format_args!("\"{directory}\" is not a directory");
            request.error(sys::log::Level::Crit, message);
            Some(500)
        }
        Err(error) => {
            if request.location().settings.log_not_found {
                let errno = sys::log::errno(&error);
                let message = format_args!("\"{directory}\" is not found {errno}");
                request.error(sys::log::Level::Error, message);
            }
            Some(404)
        }
    }
}

/// A name that is not there is no fault; one that cannot be, or that may not be looked for, is the end.
fn refused(request: &Request, path: &Str, error: &std::io::Error) -> Option<u16> {
    use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound, PermissionDenied};
    match error.kind() {
        NotFound => None,
        NotADirectory | InvalidFilename => Some(404),
        kind => {
            let errno = sys::log::errno(error);
            request.error(sys::log::Level::Error, format_args!("stat() \"{path}\" failed {errno}"));
            let forbidden = kind == PermissionDenied || sys::file::is_link_refusal(error);
            Some(if forbidden { 403 } else { 500 })
        }
    }
}
