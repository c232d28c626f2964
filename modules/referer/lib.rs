//! `valid_referers`: whether a request comes from a page of those sites.
//!
//! ```text
//! Referer: none ─▶ none;  not http(s):// ─▶ blocked;  else its host: exact, *.suffix, prefix.* ─▶ its path begins so?
//!                                                     or an expression that matches from the host on
//! ```
//! `$invalid_referer` is `1` for all others. The rules are nginx's (`ngx_http_referer_module`).
#![forbid(unsafe_code)]

mod sites;

use conf::{Arity, Contexts, Directive, Error, Opt, Word, contexts};
use http::{Hooks, Module, Request, Variable};
use mem::Str;
use proto::http1::Name;

use sites::Sites;

/// The module.
pub struct Referers;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    words: Opt<Vec<Word>>,
    hash_max_size: Opt<u64>,
    hash_bucket_size: Opt<u64>,
}

const SERVERS: Contexts = contexts!(SERVER | LOCATION);
/// The longest host.
const LONGEST: usize = 256;

impl Module for Referers {
    const NAME: &'static str = "referer";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[
        Directive::new(
            "valid_referers",
            SERVERS,
            Arity::AtLeast(1),
            |conf, setting| {
                setting.args().iter().for_each(|word| conf.words.push(word.clone()));
                Ok(())
            },
            "",
            "sites whose pages may lead here: none, blocked, server_names, hosts (*.suffix, prefix.*) with the beginning of a path, ~expression",
        ),
        Directive::new(
            "referer_hash_max_size",
            SERVERS,
            Arity::Exactly(1),
            |c, s| c.hash_max_size.set_in(s.number(0)?, s),
            "2048",
            "without effect: tables are as large as they need to be",
        ),
        Directive::new(
            "referer_hash_bucket_size",
            SERVERS,
            Arity::Exactly(1),
            |c, s| c.hash_bucket_size.set_in(s.number(0)?, s),
            "64",
            "without effect, as referer_hash_max_size",
        ),
    ];
    const VARIABLES: &'static [Variable] = &[Variable {
        name: "invalid_referer",
        get: |request, _, out| {
            if request.kept::<Sites>().is_some_and(|sites| !is_valid(sites, request)) {
                out.push(b'1');
            }
            true
        },
        help: "1, if the request comes from none of the pages of valid_referers; else empty",
    }];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.words.inherit(&outer.words);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.words.is_set() {
            let sites = Sites::compile(conf.words.as_slice(), hooks)?;
            hooks.keep(sites);
        }
        Ok(())
    }
}

fn is_valid(sites: &Sites, request: &Request) -> bool {
    let Some(referer) = request.header_str(Name::Referer) else { return sites.none };
    let scheme = |scheme: &[u8]| {
        let start = referer.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(scheme.len())
    };
    // As in nginx a shorter one names no site.
    let long = referer.len() >= b"http://i.ru".len();
    let Some(from) = scheme(b"http://").or_else(|| scheme(b"https://")).filter(|_| long) else {
        return sites.blocked;
    };
    let rest: Str = referer.slice(from..);
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b':')).unwrap_or(rest.len());
    if end > LONGEST {
        return false;
    }
    let host = rest[..end].to_ascii_lowercase();
    let path = rest[end..].iter().position(|&byte| byte == b'/');
    let path = path.map_or(&b""[..], |slash| &rest[end + slash..]);
    match sites.accepts(&host, path, &rest) {
        Ok(valid) => valid,
        // What is not known is refused.
        Err(gave_up) => {
            request.error(http::LogLevel::Alert, format_args!("{gave_up}"));
            false
        }
    }
}
