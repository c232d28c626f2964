//! `proxy_cookie_domain`, `proxy_cookie_path`, `proxy_cookie_flags`: what an answer's Set-Cookie says, as the client must have it.

use conf::{Error, Setting, Word};
use http::{Hooks, Request, Template};
use mem::Str;

use crate::redirect::{Pattern, expression, matches};

/// Pairs of `proxy_cookie_domain` or `proxy_cookie_path`; `None`: `off`.
pub type Pair = Option<(Word, Word)>;

/// Reads `off`, or what is replaced and by what.
pub fn pair(setting: &Setting<'_>) -> Result<Pair, Error> {
    let args = setting.args();
    match (&args[0].text[..], args.get(1)) {
        ("off", None) => Ok(None),
        (_, Some(replacement)) => Ok(Some((args[0].clone(), replacement.clone()))),
        (text, None) => Err(setting.error_at(0, format!("invalid parameter \"{text}\""))),
    }
}

/// One `proxy_cookie_flags`, as it is written; `None`: `off`.
pub type WrittenFlags = Option<(Word, Vec<Word>)>;

/// Reads `off`, or a cookie and its flags.
pub fn flags(setting: &Setting<'_>) -> Result<WrittenFlags, Error> {
    let args = setting.args();
    match args[0].text == "off" && args.len() == 1 {
        true => Ok(None),
        false => Ok(Some((args[0].clone(), args[1..].to_vec()))),
    }
}

/// What is changed in cookies.
#[derive(Default)]
pub struct Cookies {
    domains: Vec<(Pattern, Template)>,
    paths: Vec<(Pattern, Template)>,
    flags: Vec<(Pattern, Vec<Template>)>,
}

impl Cookies {
    /// Compiles what is written.
    pub fn compile(
        domains: &[Pair],
        paths: &[Pair],
        flags: &[WrittenFlags],
        hooks: &Hooks<'_, '_>,
    ) -> Result<Cookies, Error> {
        let pairs = |pairs: &[Pair]| {
            let pairs = pairs.iter().flatten();
            let pairs = pairs.map(|(pattern, replacement)| {
                let replacement = hooks.template(replacement)?;
                Ok((Pattern::compile(pattern, hooks)?, replacement))
            });
            pairs.collect::<Result<Vec<_>, Error>>()
        };
        let flags = flags.iter().flatten().map(|(cookie, flags)| {
            let flags = flags.iter().map(|flag| {
                let template = hooks.template(flag)?;
                match template.as_literal() {
                    Some(text) if Flag::of(text).is_none() => {
                        Err(hooks.error(flag, format!("invalid parameter \"{}\"", flag.text)))
                    }
                    _ => Ok(template),
                }
            });
            Ok((Pattern::compile(cookie, hooks)?, flags.collect::<Result<Vec<_>, Error>>()?))
        });
        let flags = flags.collect::<Result<Vec<_>, Error>>()?;
        Ok(Cookies { domains: pairs(domains)?, paths: pairs(paths)?, flags })
    }

    /// Whether there is nothing to be changed.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty() && self.paths.is_empty() && self.flags.is_empty()
    }

    /// A cookie as the client gets it.
    pub fn change(&self, request: &mut Request, cookie: &Str) -> Str {
        let mut attributes = cookie.split(|&byte| byte == b';').map(<[u8]>::to_vec);
        let first = attributes.next().unwrap_or_default();
        let mut rest: Vec<Vec<u8>> = attributes.collect();
        for attribute in &mut rest {
            let Some((name, value)) = pair_of(attribute) else { continue };
            let is = |known: &str| name.trim_ascii().eq_ignore_ascii_case(known.as_bytes());
            let changed = match () {
                () if is("domain") => domain(&self.domains, request, value),
                () if is("path") => path(&self.paths, request, value),
                () => None,
            };
            if let Some(changed) = changed {
                let head = attribute.len() - value.len();
                attribute.truncate(head);
                attribute.extend_from_slice(&changed);
            }
        }
        let name = first.split(|&byte| byte == b'=').next().unwrap_or_default().trim_ascii();
        let name = Str::copy(name);
        self.set_flags(request, &name, &mut rest);
        let mut all = first;
        rest.iter().for_each(|attribute| all.extend_from_slice(&[b";", &attribute[..]].concat()));
        Str::from(all)
    }

    fn set_flags(&self, request: &mut Request, name: &Str, attributes: &mut Vec<Vec<u8>>) {
        let fits = |pattern: &Pattern, request: &mut Request| match pattern {
            Pattern::Prefix(text) => text.evaluate(request).eq_ignore_ascii_case(name),
            Pattern::Regex(regex) => matches(regex, request, name),
        };
        let found = self.flags.iter().find(|(pattern, _)| fits(pattern, request));
        let Some((_, flags)) = found else { return };
        for flag in flags {
            if let Some(flag) = Flag::of(&flag.evaluate(request)) {
                flag.apply(attributes);
            }
        }
    }
}

fn pair_of(attribute: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = attribute.iter().position(|&byte| byte == b'=')?;
    Some((&attribute[..at], &attribute[at + 1..]))
}

/// A domain is replaced as a whole; the dot before it does not count.
fn domain(pairs: &[(Pattern, Template)], request: &mut Request, value: &[u8]) -> Option<Vec<u8>> {
    let bare = value.strip_prefix(b".").unwrap_or(value);
    for (pattern, replacement) in pairs {
        let fits = match pattern {
            Pattern::Prefix(text) => {
                let text = text.evaluate(request);
                text.strip_prefix(b".").unwrap_or(&text).eq_ignore_ascii_case(bare)
            }
            Pattern::Regex(regex) => matches(regex, request, &Str::copy(bare)),
        };
        if fits {
            return Some(replacement.evaluate(request).to_vec());
        }
    }
    None
}

/// Of a path its beginning is replaced.
fn path(pairs: &[(Pattern, Template)], request: &mut Request, value: &[u8]) -> Option<Vec<u8>> {
    for (pattern, replacement) in pairs {
        match pattern {
            Pattern::Prefix(text) => {
                let text = text.evaluate(request);
                if let Some(rest) = value.strip_prefix(&text[..]) {
                    return Some([&replacement.evaluate(request)[..], rest].concat());
                }
            }
            Pattern::Regex(regex) if matches(regex, request, &Str::copy(value)) => {
                return Some(replacement.evaluate(request).to_vec());
            }
            Pattern::Regex(_) => {}
        }
    }
    None
}

/// What is set of a cookie, or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flag {
    Set(&'static str, &'static str),
    Unset(&'static str),
}

impl Flag {
    fn of(text: &[u8]) -> Option<Flag> {
        Some(match &text.to_ascii_lowercase()[..] {
            b"secure" => Flag::Set("secure", "Secure"),
            b"nosecure" => Flag::Unset("secure"),
            b"httponly" => Flag::Set("httponly", "HttpOnly"),
            b"nohttponly" => Flag::Unset("httponly"),
            b"samesite=strict" => Flag::Set("samesite", "SameSite=Strict"),
            b"samesite=lax" => Flag::Set("samesite", "SameSite=Lax"),
            b"samesite=none" => Flag::Set("samesite", "SameSite=None"),
            b"nosamesite" => Flag::Unset("samesite"),
            _ => return None,
        })
    }

    fn apply(self, attributes: &mut Vec<Vec<u8>>) {
        let (Flag::Set(name, _) | Flag::Unset(name)) = self;
        let is_it = |attribute: &[u8]| {
            let own = attribute.split(|&byte| byte == b'=').next().unwrap_or_default();
            own.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
        };
        let known = attributes.iter().position(|attribute| is_it(attribute));
        match (self, known) {
            (Flag::Unset(_), _) => attributes.retain(|attribute| !is_it(attribute)),
            (Flag::Set(_, text), Some(at)) => attributes[at] = format!(" {text}").into_bytes(),
            (Flag::Set(_, text), None) => attributes.push(format!(" {text}").into_bytes()),
        }
    }
}

/// The expressions of all of them, whose groups become variables.
pub fn expressions<'w>(
    pairs: impl Iterator<Item = &'w Pair>,
    flags: impl Iterator<Item = &'w WrittenFlags>,
) -> impl Iterator<Item = (&'w Word, &'w str, bool)> {
    let pairs = pairs.flatten().map(|(pattern, _)| pattern);
    let words = pairs.chain(flags.flatten().map(|(cookie, _)| cookie));
    words.filter_map(|word| expression(word).map(|(text, caseless)| (word, text, caseless)))
}
