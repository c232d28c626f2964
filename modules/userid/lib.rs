//! `userid`: a cookie by which a client is known again (`mod_uid` of Apache's, as nginx has it).
#![forbid(unsafe_code)]

mod cookie;
mod number;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Span, Word, contexts, settings};
use http::{Declarations, Filter, Hooks, LogLevel, Module, Order, Request, Template, Variable};
use mem::Str;

use crate::cookie::{Cookie, Expires};
use crate::number::Uid;

/// The module.
pub struct Userid;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
const ONE: Arity = Arity::Exactly(1);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        value userid: Enabled = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, ENABLED), "off",
            "give clients a cookie with a number of their own: on, v1 (of the first form), log (only read it), off"
        );
        value userid_name: Str = (WEB, ONE, |s: &Setting<'_>| Ok(bytes(s.arg(0))), "uid", "the cookie's name");
        value userid_domain: Option<Str> = (WEB, ONE, |s: &Setting<'_>| Ok(or_none(s)), "none", "the cookie's domain");
        value userid_path: Str = (WEB, ONE, |s: &Setting<'_>| Ok(bytes(s.arg(0))), "/", "the cookie's path");
        value userid_expires: Expires = (WEB, ONE, cookie::expires, "off", "how long it stays: a time, max, off (until the browser ends)");
        value userid_flags: Vec<cookie::Flag> = (
            WEB, Arity::Between(1, 3), cookie::flags, "off",
            "flags of the cookie: secure, httponly, samesite=strict, samesite=lax, samesite=none; off"
        );
        value userid_p3p: Option<Word> = (
            WEB, ONE, |s: &Setting<'_>| Ok(Some(s.args()[0].clone()).filter(|word| word.text != "none")), "none",
            "a P3P field to go with the cookie"
        );
        value userid_mark: Option<u8> = (
            WEB, ONE, cookie::mark, "off",
            "a letter, a digit or = at the cookie's end; a client with another one gets its own again"
        );
        option userid_service: u32 = (
            WEB, ONE, |s: &Setting<'_>| s.number_in(0, 0..=u64::from(u32::MAX)).map(|n| n as u32), "(the server's address)",
            "a number of the server that gives numbers out"
        );
    }
}

/// Whether cookies are given out, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// No.
    Off,
    /// They are only read.
    Log,
    /// Numbers of the first form.
    V1,
    /// Of the second.
    On,
}

const ENABLED: &[(&str, Enabled)] =
    &[("off", Enabled::Off), ("log", Enabled::Log), ("v1", Enabled::V1), ("on", Enabled::On)];

fn bytes(text: &str) -> Str {
    Str::copy(&conf::text::bytes(text))
}

fn or_none(setting: &Setting<'_>) -> Option<Str> {
    Some(setting.arg(0)).filter(|text| *text != "none").map(bytes)
}

impl Module for Userid {
    const NAME: &'static str = "userid";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[
        Variable {
            name: "uid_got",
            get: |request, _, out| told(request, |seen| seen.got, out),
            help: "name and number of the cookie that the client has sent",
        },
        Variable {
            name: "uid_set",
            get: |request, _, out| told(request, |seen| seen.set, out),
            help: "name and number of the cookie that it is given",
        },
    ];

    /// `set $uid_reset 1` gives a client another number.
    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        match conf.userid.is_set() {
            true => declarations.result(&reset()).map(drop),
            false => Ok(()),
        }
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let enabled = conf.userid();
        if enabled == Enabled::Off {
            return Ok(());
        }
        let p3p = conf.userid_p3p();
        let cookie = Cookie {
            name: conf.userid_name(),
            domain: conf.userid_domain(),
            path: conf.userid_path(),
            expires: conf.userid_expires(),
            flags: conf.userid_flags(),
            mark: conf.userid_mark(),
        };
        let p3p = p3p.map(|word| hooks.template(&word)).transpose()?;
        let service = conf.userid_service.get().copied();
        let reset = hooks.template(&reset())?;
        let identify = Rc::new(Identify { enabled, cookie, p3p, service, reset });
        hooks.keep(identify.clone());
        hooks.filter(Order::Module, Give(identify));
        Ok(())
    }
}

fn reset() -> Word {
    Word { text: "$uid_reset".to_owned(), span: Span::default(), quoted: false }
}

/// What a request's cookie says, and what it is given; found out once, whoever asks first.
#[derive(Clone, Copy, Default)]
struct Seen {
    known: bool,
    got: Option<Uid>,
    set: Option<Uid>,
    /// It is given a cookie, if only with another mark.
    given: Option<Uid>,
}

fn told(request: &Request, which: impl Fn(&Seen) -> Option<Uid>, out: &mut Vec<u8>) -> bool {
    let Some(identify) = request.kept::<Rc<Identify>>() else { return false };
    let Some(uid) = which(&identify.seen(request)) else { return false };
    out.extend_from_slice(&identify.cookie.name);
    out.push(b'=');
    out.extend_from_slice(uid.shown().as_bytes());
    true
}

struct Identify {
    enabled: Enabled,
    cookie: Cookie,
    p3p: Option<Template>,
    service: Option<u32>,
    /// `$uid_reset`
    reset: Template,
}

impl Identify {
    fn seen(&self, request: &Request) -> Seen {
        let known = request.known_lasting(|seen: &Seen| *seen).filter(|seen| seen.known);
        known.unwrap_or_else(|| {
            let seen = self.look(request);
            request.with_lasting(|known: &mut Seen| *known = seen);
            seen
        })
    }

    fn look(&self, request: &Request) -> Seen {
        let value = self.cookie.find(request);
        let got = value.and_then(|value| {
            let uid = Uid::parse(value);
            if uid.is_none() {
                let text = String::from_utf8_lossy(value);
                let message = format_args!("client sent invalid userid cookie \"{text}\"");
                request.error(LogLevel::Error, message);
            }
            uid
        });
        let mut reset = Vec::new();
        self.reset.write(request, &mut reset, |_, _, _| {});
        let is_reset = !reset.is_empty() && reset != b"0";
        if is_reset && let Some(uid) = got {
            let name = String::from_utf8_lossy(&self.cookie.name);
            let level = if reset == b"log" { LogLevel::Notice } else { LogLevel::Debug };
            request
                .error(level, format_args!("userid cookie \"{name}={}\" was reset", uid.shown()));
        }
        let mut seen = Seen { known: true, got, set: None, given: None };
        if self.enabled == Enabled::Log {
            return seen;
        }
        match got.filter(|_| !is_reset) {
            // The mark has changed: the same number with the new one.
            Some(uid) => {
                let mark = value.and_then(|value| value.get(22));
                seen.given = self.cookie.mark.filter(|own| mark != Some(own)).map(|_| uid);
            }
            None => {
                seen.set = Some(Uid::next(self.enabled == Enabled::V1, self.service, request));
                seen.given = seen.set;
            }
        }
        seen
    }
}

/// Gives the cookie.
struct Give(Rc<Identify>);

impl Filter for Give {
    fn header(&self, request: &mut Request) -> Option<u16> {
        if request.is_subrequest() {
            return None;
        }
        let Identify { cookie, p3p, .. } = &*self.0;
        let uid = self.0.seen(request).given?;
        request.response.add_header("Set-Cookie", cookie.line(uid));
        if let Some(p3p) = p3p {
            let value = p3p.evaluate(request);
            request.response.add_header("P3P", value);
        }
        None
    }
}
