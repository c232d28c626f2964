//! `auth_basic`: who a client is, by a name and a password (RFC 7617) that stand in a file.
//!
//! ```text
//! name and password ─▶ the file, parsed (read again by another thread when it has changed) ─▶ the user's line
//!     │ none                │ missing: 403                                                    │ nobody's: as long as another's
//!     ▼                     ▼                                                                 ▼
//!    401                                      quick, or right a moment ago ─▶ let in or 401;  else its turn on another thread
//! ```
//! The rules, messages and statuses are nginx's (`ngx_http_auth_basic_module`).
#![forbid(unsafe_code)]

pub mod password;
mod remembered;
mod turns;
pub mod users;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use conf::{Arity, Contexts, Error, Setting, Word, contexts, settings, value};
use http::parsed::Parsed;
use http::{
    BoxFuture, Credentials, Flow, Handler, Hooks, LogLevel, Module, Phase, Request, Template,
};
use mem::Str;

use crate::password::Scheme;
use crate::remembered::Bounds;
use crate::users::Users;

/// The module.
pub struct AuthBasic;

const GUARDED: Contexts = contexts!(HTTP | SERVER | LOCATION | LIMIT_EXCEPT);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        option auth_basic: Word = (
            GUARDED, Arity::Exactly(1), |s: &Setting<'_>| Ok(s.args()[0].clone()), "off",
            "ask for a name and a password; the text (with variables) tells browsers' users for what; off: do not"
        );
        option auth_basic_user_file: Word = (
            GUARDED, Arity::Exactly(1), |s: &Setting<'_>| Ok(s.args()[0].clone()), "",
            "the file of names and passwords (htpasswd), relative to the configuration's folder; with variables"
        );
        value auth_basic_cache: Bounds = (
            GUARDED, Arity::Between(1, 2), cache, "max=1024 valid=10s",
            "passwords that were right are not tried again for so long, and so many of them in each worker; off"
        );
        number auth_basic_waiting = (
            GUARDED, "256", "so many passwords wait in a worker until they are tried; 503 for others"
        );
        size auth_basic_user_file_size = (GUARDED, "8m", "the longest file of users");
    }
}

/// `max=N`, `valid=TIME`, or `off`.
fn cache(setting: &Setting<'_>) -> Result<Bounds, Error> {
    let mut bounds = Bounds { most: 1024, valid: 10_000 };
    if setting.arg(0) == "off" && setting.args().len() == 1 {
        return Ok(Bounds { most: 0, ..bounds });
    }
    for (i, word) in setting.args().iter().enumerate() {
        let number = |text| value::number(text).and_then(|number| usize::try_from(number).ok());
        let taken = match word.text.split_once('=') {
            Some(("max", text)) => number(text).map(|most| bounds.most = most),
            Some(("valid", text)) => value::milliseconds(text).map(|valid| bounds.valid = valid),
            _ => None,
        };
        let message = || format!("invalid parameter \"{}\"", word.text);
        taken.ok_or_else(|| setting.error_at(i, message()))?;
    }
    Ok(bounds)
}

thread_local! {
    /// The files of all locations.
    static FILES: Parsed<Users> = Parsed::new(Users::parse);
}

impl Module for AuthBasic {
    const NAME: &'static str = "auth_basic";
    type Conf = Conf;
    const DIRECTIVES: &'static [conf::Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let (Some(realm), Some(file)) = (conf.auth_basic.get(), conf.auth_basic_user_file.get())
        else {
            return Ok(());
        };
        let guard = Guard {
            realm: hooks.template(realm)?,
            file: hooks.template(file)?,
            folder: sys::file::bytes(hooks.setup().env.conf_dir).to_vec(),
            remembered: conf.auth_basic_cache(),
            waiting: usize::try_from(conf.auth_basic_waiting()).unwrap_or(usize::MAX),
            longest: conf.auth_basic_user_file_size(),
        };
        hooks.on(Phase::Access, guard);
        Ok(())
    }
}

/// Asks who a client is.
struct Guard {
    realm: Template,
    file: Template,
    /// Where relative paths start.
    folder: Vec<u8>,
    remembered: Bounds,
    waiting: usize,
    longest: u64,
}

/// What is asked of a client.
struct Asked {
    realm: Str,
    said: Credentials,
    path: Vec<u8>,
}

impl Handler for Guard {
    fn handle(&self, request: &mut Request) -> Flow {
        let asked = match self.ask(request) {
            Ok(asked) => asked,
            Err(flow) => return flow,
        };
        match FILES.with(|files| files.known(&asked.path)) {
            Ok(None) => Flow::Wait,
            Ok(Some(users)) => self.at_once(request, &asked, &users).unwrap_or(Flow::Wait),
            Err(error) => unreadable(request, &asked.path, &error),
        }
    }

    fn wait<'a>(&'a self, request: &'a mut Request) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            let asked = match self.ask(request) {
                Ok(asked) => asked,
                Err(flow) => return flow,
            };
            let known = FILES.with(|files| files.known(&asked.path));
            let users = match known {
                Ok(Some(users)) => Ok(users),
                Ok(None) => Parsed::read(&FILES, &asked.path, self.longest).await,
                Err(error) => Err(error),
            };
            match users {
                Ok(users) => match self.at_once(request, &asked, &users) {
                    Some(flow) => flow,
                    None => self.in_turn(request, &asked, &users).await,
                },
                Err(error) => unreadable(request, &asked.path, &error),
            }
        })
    }
}

impl Guard {
    /// Who the client says that he is, and in which file that stands.
    fn ask(&self, request: &mut Request) -> Result<Asked, Flow> {
        let realm = self.realm.evaluate(request);
        if &realm[..] == b"off" {
            return Err(Flow::Declined);
        }
        let Some(said) = request.credentials() else {
            let message = "no user/password was provided for basic authentication";
            request.error(LogLevel::Info, format_args!("{message}"));
            return Err(challenge(request, &realm));
        };
        let file = self.file.evaluate(request);
        if self.file.climbs(&file) || file.contains(&0) {
            let message =
                format_args!("\"{file}\" is no file of users: a variable leads out of it");
            request.error(LogLevel::Error, message);
            return Err(Flow::Status(403));
        }
        let path = match file.starts_with(b"/") {
            true => file.to_vec(),
            false => [&self.folder[..], b"/", &file].concat(),
        };
        Ok(Asked { realm, said, path })
    }

    /// Lets in or refuses, if that takes no time.
    fn at_once(&self, request: &mut Request, asked: &Asked, users: &Users) -> Option<Flow> {
        let (user, password) = (asked.said.user(), asked.said.password());
        let Some(kept) = users.find(user) else {
            return match users.stranger() {
                Some(_) => None,
                None => Some(stranger(request, asked)),
            };
        };
        match Scheme::of(kept) {
            None => Some(wrong(request, asked, "it is kept in a way that is not known here")),
            Some(scheme) if scheme.is_quick() => {
                Some(verdict(request, asked, scheme.is_right(kept, password)))
            }
            Some(_) => {
                let mark = remembered::mark(user, password, kept);
                remembered::is_right(&mark, self.remembered).then_some(Flow::Granted)
            }
        }
    }

    /// Tries the password on another thread.
    async fn in_turn(&self, request: &mut Request, asked: &Asked, users: &Users) -> Flow {
        let (user, password) = (asked.said.user(), asked.said.password().to_vec());
        let known = users.find(user);
        let Some(kept) = known.or(users.stranger()) else { return stranger(request, asked) };
        let Some(scheme) = Scheme::of(kept) else { return stranger(request, asked) };
        let mark = remembered::mark(user, &password, kept);
        let Some(turn) = turns::turn(self.waiting, request.peer().ip()).await else {
            let message = format_args!("{} passwords are waiting to be tried", self.waiting);
            request.error(LogLevel::Error, message);
            return Flow::Status(503);
        };
        // Another request has brought it meanwhile.
        if known.is_some() && remembered::is_right(&mark, self.remembered) {
            return Flow::Granted;
        }
        let kept: Box<[u8]> = kept.into();
        let tried = rt::offload(move || {
            let _turn = turn;
            scheme.is_right(&kept, &password)
        });
        let tried = tried.await;
        if known.is_none() {
            return stranger(request, asked);
        }
        if tried == Ok(true) {
            remembered::remember(mark, self.remembered);
        }
        verdict(request, asked, tried)
    }
}

fn verdict(request: &mut Request, asked: &Asked, tried: Result<bool, &str>) -> Flow {
    match tried {
        Ok(true) => Flow::Granted,
        Ok(false) => {
            let user = String::from_utf8_lossy(asked.said.user());
            let message = format_args!("user \"{user}\": password mismatch");
            request.error(LogLevel::Error, message);
            challenge(request, &asked.realm)
        }
        Err(why) => wrong(request, asked, why),
    }
}

/// What is kept of the password is at fault.
fn wrong(request: &mut Request, asked: &Asked, why: &str) -> Flow {
    let (user, path) = (asked.said.user(), String::from_utf8_lossy(&asked.path));
    let user = String::from_utf8_lossy(user);
    let message = format_args!("the password of user \"{user}\" in \"{path}\" is of no use: {why}");
    request.error(LogLevel::Error, message);
    challenge(request, &asked.realm)
}

fn stranger(request: &mut Request, asked: &Asked) -> Flow {
    let (user, path) = (asked.said.user(), String::from_utf8_lossy(&asked.path));
    let user = String::from_utf8_lossy(user);
    let message = format_args!("user \"{user}\" was not found in \"{path}\"");
    request.error(LogLevel::Error, message);
    challenge(request, &asked.realm)
}

fn challenge(request: &mut Request, realm: &[u8]) -> Flow {
    let challenge = [b"Basic realm=\"", realm, b"\""].concat();
    request.response.add_header("WWW-Authenticate", Str::copy(&challenge));
    Flow::Status(401)
}

/// As nginx: without the file nobody is let in, and of other faults it is not known who is.
fn unreadable(request: &Request, path: &[u8], error: &io::Error) -> Flow {
    let (level, status) = match error.kind() {
        io::ErrorKind::NotFound => (LogLevel::Error, 403),
        _ => (LogLevel::Crit, 500),
    };
    let message = Error::io("open", Path::new(OsStr::from_bytes(path)), error);
    request.error(level, format_args!("{}", message.message()));
    Flow::Status(status)
}
