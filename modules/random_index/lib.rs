//! `random_index`: any of a directory's files stands for it.
#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use conf::{Arity, Contexts, Directive, Error, settings};
use http::{BoxFuture, Flow, Handler, Hooks, LogLevel, Module, Phase, Request};
use proto::http1::Method;
use sys::file::Symlinks;

/// The module.
pub struct RandomIndex;

settings! {
    /// What its directive sets.
    #[derive(Default)]
    pub struct Conf {
        here random_index: bool = (
            Contexts::LOCATION, Arity::Flag, |c, s| c.random_index.set_in(s.flag()?, s), "off",
            "answer for a directory with one of its files, another each time"
        );
    }
}

impl Module for RandomIndex {
    const NAME: &'static str = "random_index";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.random_index.inherit(&outer.random_index);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.random_index.or_default(false) {
            hooks.on(Phase::Content, Choose);
        }
        Ok(())
    }
}

struct Choose;

impl Handler for Choose {
    fn handle(&self, request: &mut Request) -> Flow {
        let served = matches!(request.method, Method::Get | Method::Head | Method::Post);
        match request.uri.ends_with(b"/") && served {
            true => Flow::Wait,
            false => Flow::Declined,
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            let path = match request.map_path() {
                Ok(mapped) => mapped.path,
                Err(status) => return Flow::Status(status),
            };
            let directory = path.to_vec();
            let links = static_files::links(request, &path);
            match rt::offload(move || choose(&directory, links)).await {
                Ok(Some(name)) => {
                    let directory = request.uri.clone();
                    let uri = request.pool.write(|uri| {
                        uri.push(&directory);
                        uri.push(&name);
                    });
                    Flow::Redirect(uri, request.args.clone())
                }
                Ok(None) => Flow::Declined,
                Err(error) => {
                    use std::io::ErrorKind::{
                        InvalidFilename, NotADirectory, NotFound, PermissionDenied,
                    };
                    let status = match error.kind() {
                        NotFound | NotADirectory | InvalidFilename => 404,
                        PermissionDenied => 403,
                        _ if sys::file::is_link_refusal(&error) => 403,
                        _ => 500,
                    };
                    let errno = sys::log::errno(&error);
                    request.error(
                        LogLevel::Error,
                        format_args!("opendir() \"{path}\" failed {errno}"),
                    );
                    Flow::Status(status)
                }
            }
        })
    }
}

/// One of the regular files that are not hidden.
fn choose(directory: &[u8], links: Symlinks) -> std::io::Result<Option<Vec<u8>>> {
    if links != Symlinks::Follow {
        sys::file::open(directory, links)?;
    }
    let (mut chosen, mut seen) = (None, 0_usize);
    let directory = Path::new(OsStr::from_bytes(directory));
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().into_vec();
        let is_file = || std::fs::metadata(entry.path()).is_ok_and(|found| found.is_file());
        if name.first() == Some(&b'.') || !is_file() {
            continue;
        }
        // Of n files the last takes the place of the one before with a chance of 1/n: all have the same.
        seen += 1;
        if fastrand::usize(..seen) == 0 {
            chosen = Some(name);
        }
    }
    Ok(chosen)
}
