//! `try_files`: the first of several files that exists, or another place.
#![forbid(unsafe_code)]

use conf::{Arity, Directive, Error, Word, contexts, settings};
use http::{Alias, Flow, Handler, Hooks, Module, Phase, Request, Template};
use mem::Str;

/// The module.
pub struct TryFiles;

settings! {
    /// What its directive sets.
    #[derive(Default)]
    pub struct Conf {
        // Not inherited: what a server tries, it tries for requests that no location takes.
        here try_files: Vec<Word> = (
            contexts!(SERVER | LOCATION), Arity::AtLeast(2),
            |c, s| c.try_files.set_in(s.args().to_vec(), s), "",
            "files to look for (with / at the end: directories), then a URI, @name or =CODE"
        );
    }
}

impl Module for TryFiles {
    const NAME: &'static str = "try_files";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let [files @ .., last] = conf.try_files.as_slice() else { return Ok(()) };
        let mut templates = Vec::new();
        for word in files {
            let (name, directory) = match word.text.strip_suffix('/') {
                // Of `/` nothing is left: it is the root, and is redirected to as every directory is.
                Some(name) => (name, true),
                None => (word.text.as_str(), false),
            };
            let stripped = Word { text: name.to_owned(), ..word.clone() };
            templates.push((hooks.template(&stripped)?, directory));
        }
        let last = match last.text.strip_prefix('=') {
            Some(code) => match code.parse() {
                Ok(code) if code <= 999 => Last::Status(code),
                _ => return Err(hooks.error(last, format!("invalid code \"{last}\""))),
            },
            None => Last::Uri(hooks.template(last)?),
        };
        hooks.on(Phase::Precontent, Try { files: templates, last });
        Ok(())
    }
}

struct Try {
    /// Each with whether it must be a directory.
    files: Vec<(Template, bool)>,
    last: Last,
}

enum Last {
    Status(u16),
    Uri(Template),
}

impl Handler for Try {
    fn handle(&self, request: &mut Request) -> Flow {
        let whole = request.location().settings.alias == Some(Alias::Whole);
        for (template, directory) in &self.files {
            let name = template.evaluate(request);
            // A value leads nowhere else than below what is written.
            if template.climbs(&name) {
                continue;
            }
            let uri = self.uri(request, &name);
            // Below an alias of captures candidates are looked for as they are.
            request.below_alias = whole;
            let mapped = request.map_uri(&uri);
            request.below_alias = false;
            let mapped = match mapped {
                Ok(mapped) => mapped,
                Err(status) => return Flow::Status(status),
            };
            // A file that the worker has in its cache is there.
            let cached = !*directory && static_files::knows(&mapped.path);
            let is_dir = match cached {
                true => Ok(false),
                false => sys::file::stat_path(&mapped.path).map(|stat| stat.is_dir()),
            };
            match is_dir {
                Ok(is_dir) if is_dir == *directory && whole && is_dir => return Flow::Declined,
                Ok(is_dir) if is_dir == *directory => {
                    request.below_alias = whole;
                    // The content handlers of this location go on with the file that was found.
                    request.uri = uri;
                    return Flow::Declined;
                }
                Ok(_) => {}
                Err(error) => note(request, &mapped.path, &error),
            }
        }
        match &self.last {
            Last::Status(status) => Flow::Status(*status),
            Last::Uri(template) => go(request, template),
        }
    }
}

impl Try {
    /// The candidate as a URI. In a location with `alias` a candidate that begins with the location's
    /// prefix is taken as it is, any other belongs under it. A directory has no slash at its end: the
    /// content handlers redirect to it as they do for every other.
    fn uri(&self, request: &mut Request, name: &Str) -> Str {
        let prefix = match &request.location().settings.alias {
            Some(Alias::Prefix(prefix)) if !name.starts_with(&prefix[..]) => prefix.clone(),
            _ => Str::EMPTY,
        };
        request.pool.write(|uri| {
            uri.push(&prefix);
            uri.push(name);
        })
    }
}

fn go(request: &mut Request, template: &Template) -> Flow {
    let target = template.evaluate(request);
    if target.starts_with(b"@") {
        return Flow::Named(target);
    }
    let (path, args) = proto::uri::split_args(&target);
    if template.climbs(path) {
        return Flow::Status(404);
    }
    let args = args.and_then(|args| target.slice_of(args)).unwrap_or_default();
    Flow::Redirect(target.slice(..path.len()), args)
}

fn note(request: &Request, path: &Str, error: &std::io::Error) {
    use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    if !matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) {
        let errno = sys::log::errno(error);
        request.error(sys::log::Level::Crit, format_args!("stat() \"{path}\" failed {errno}"));
    }
}
