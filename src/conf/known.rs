//! The names that nginx and nginx-rtmp define, and what is said about those that no module
//! implements.
//!
//! A real directive is never "unknown". `known.tsv` gives each one a verdict:
//! - `tune:WHY` — accepted in silence: it only says how much memory or time something may take;
//! - `ignore:WHY` — accepted with a warning: no client and no operator can tell that it is ignored;
//! - `without:SWITCH` — it only tunes what the directive SWITCH turns on. Accepted with a warning
//!   as long as no module implements the switch, refused from then on: a module that learns
//!   `ssl_certificate` must not leave `ssl_ciphers` to be ignored;
//! - `refuse:WHY` — refused with a sentence, since ignoring it would change answers or open doors.

use std::sync::LazyLock;

use crate::foreign;
use crate::nearest::nearest;
use crate::{Arity, Block, Contexts};

/// A directive of nginx or nginx-rtmp.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// The name.
    pub name: &'static str,
    /// `nginx` or `nginx-rtmp`.
    pub project: &'static str,
    /// The module that defines it there.
    pub module: &'static str,
    /// Where it may stand.
    pub contexts: Contexts,
    /// How many arguments it takes.
    pub arity: Arity,
    /// Whether it has a block.
    pub block: Block,
    verdict: (Class, &'static str),
}

#[derive(Clone, Copy, Debug)]
enum Class {
    Tune,
    Ignore,
    Without,
    Refuse,
}

/// What is to be done with a directive that no module implements where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It has no effect, and needs none: it only tunes.
    Tuned,
    /// It has no effect; that is worth a warning.
    Accepted {
        /// Why it has none.
        why: String,
    },
    /// It cannot be ignored.
    Refused {
        /// Why it is not there.
        why: String,
    },
    /// nginx knows it, but elsewhere.
    Misplaced {
        /// Where it may stand.
        contexts: Contexts,
    },
    /// A well-known module that others wrote for nginx has it.
    Foreign {
        /// The module.
        module: &'static str,
        /// What to use instead.
        advice: &'static str,
    },
    /// nginx does not know it either.
    Unknown {
        /// The name that was probably meant.
        nearest: Option<String>,
    },
}

static NAMES: LazyLock<Vec<Name>> = LazyLock::new(|| {
    // A line that cannot be read is missing here; a test counts them.
    include_str!("known.tsv").lines().skip(1).filter_map(parse).collect()
});

/// Reasons to ignore.
const HARMLESS: &[(&str, &str)] = &[
    ("early", "there are no early hints without a server behind that sends them"),
    ("engine", "rustls has no engines"),
    ("files", "how files are opened and read is not tuned here"),
    ("gop", "what is kept of a stream is set with live_window and max_behind"),
    ("gzip", "it has no part in how answers are compressed here"),
    ("hash", "tables take the size that they need"),
    ("http3", "rserve does not speak HTTP/3 yet: clients use HTTP/2"),
    ("jit", "regular expressions are always compiled"),
    ("lines", "a client's line is written when it has gone"),
    (
        "live",
        "live streams are not yet relayed or transcoded, and files are not yet played: nothing is pushed, pulled or run",
    ),
    ("log", "it only adds to the log"),
    ("loop", "the event loop tunes itself"),
    ("memory", "buffers take the size that they need"),
    ("module", "modules are compiled in"),
    ("msie", "browsers of that age are not told apart"),
    (
        "obsolete",
        "as in nginx: keepalive_timeout, client_header_timeout, large_client_header_buffers, keepalive_requests say it for HTTP/2, too",
    ),
    ("objects", "a reload reads all certificates anew"),
    ("once", "the names of hooks are looked up once, when the configuration is read"),
    ("push", "as in nginx: nothing is pushed, clients have given that up"),
    ("socket", "sockets are tuned by the server itself"),
    ("workers", "every worker sees every stream"),
];

/// Reasons to refuse: what is missing.
const MISSING: &[(&str, &str)] = &[
    ("access", "this server was built without access control"),
    ("auth", "rserve does not authenticate requests yet"),
    ("body", "rserve does not change bodies"),
    ("charset", "rserve does not convert character sets"),
    ("dav", "rserve does not take uploads yet"),
    ("fastcgi", "this server was built without FastCGI"),
    ("geoip", "rserve does not read GeoIP databases"),
    ("grpc", "rserve does not proxy gRPC yet"),
    ("gunzip", "rserve does not decompress answers"),
    ("gzip_static", "rserve does not send precompressed files yet"),
    ("http2", "rserve was built without HTTP/2"),
    ("image", "rserve does not transform images"),
    ("include", "files cannot be included here"),
    ("later", "rserve does not implement it yet"),
    ("limit", "rserve does not limit requests and connections yet"),
    ("mail", "rserve is not a mail proxy"),
    ("media", "rserve does not cut media files yet"),
    ("memcached", "this server was built without memcached"),
    ("perl", "rserve does not run Perl"),
    ("proxy", "rserve does not do this with upstreams yet"),
    ("realip", "rserve does not replace the client address yet"),
    ("rtmp", "this server was built without live video"),
    ("scgi", "this server was built without SCGI"),
    ("ssi", "rserve does not process server-side includes"),
    ("stream", "rserve does not do this with streams yet"),
    ("tls", "rserve does not do this with TLS yet"),
    ("tunnel", "rserve is not a forward proxy"),
    ("userid", "rserve does not set identifying cookies"),
    ("uwsgi", "this server was built without uwsgi"),
    ("xslt", "rserve does not transform XML"),
];

/// All names, in alphabetical order; one name may be defined for several contexts.
pub fn names() -> &'static [Name] {
    &NAMES
}

/// The definitions of a name.
pub fn named(name: &str) -> &'static [Name] {
    let start = NAMES.partition_point(|known| known.name < name);
    let len = NAMES[start..].partition_point(|known| known.name == name);
    &NAMES[start..start + len]
}

/// The definition of a name that holds in a context.
pub fn find(name: &str, context: Contexts) -> Option<&'static Name> {
    named(name).iter().find(|known| known.contexts.meets(context))
}

/// What to do with a directive that no module implements in this context. `implemented` are the
/// names that modules do implement, anywhere.
pub fn verdict(name: &str, context: Contexts, implemented: &[&str]) -> Known {
    if let Some(known) = find(name, context) {
        return known.verdict(implemented);
    }
    let elsewhere = named(name).iter().fold(Contexts::NONE, |all, known| all | known.contexts);
    if elsewhere != Contexts::NONE {
        return Known::Misplaced { contexts: elsewhere };
    }
    if let Some((module, advice)) = foreign::find(name) {
        return Known::Foreign { module, advice };
    }
    // What is implemented is the better advice; of the rest, what belongs here.
    let here = NAMES.iter().filter(|known| known.contexts.meets(context)).map(|known| known.name);
    let there = NAMES.iter().map(|known| known.name);
    let candidates = implemented.iter().copied().chain(here).chain(there);
    Known::Unknown { nearest: nearest(name, candidates).map(str::to_owned) }
}

impl Name {
    fn verdict(&self, implemented: &[&str]) -> Known {
        let (class, key) = self.verdict;
        match class {
            Class::Tune => Known::Tuned,
            Class::Ignore => Known::Accepted { why: sentence(HARMLESS, key) },
            Class::Refuse => Known::Refused { why: sentence(MISSING, key) },
            Class::Without if implemented.contains(&key) => {
                Known::Refused { why: sentence(MISSING, "later") }
            }
            Class::Without => {
                Known::Accepted { why: format!("rserve does not have \"{key}\", which it tunes") }
            }
        }
    }
}

fn sentence(sentences: &[(&str, &str)], key: &str) -> String {
    sentences.iter().find(|(k, _)| *k == key).map_or("", |(_, sentence)| sentence).to_owned()
}

/// A line of the table: name, project, module, contexts, arguments, verdict.
fn parse(line: &'static str) -> Option<Name> {
    let mut fields = line.split('\t');
    let (name, project, module) = (fields.next()?, fields.next()?, fields.next()?);
    let contexts = fields.next()?.split(',').try_fold(Contexts::NONE, |all, one| {
        let one =
            if one == "any" { Contexts::ANY } else { Contexts::named(&one.replace('-', " "))? };
        Some(all | one)
    })?;
    let arguments = fields.next()?;
    let (block, arguments) = match arguments.strip_prefix("block ") {
        Some(rest) => (Block::Yes, rest),
        None => (Block::No, arguments),
    };
    let arity = parse_arity(arguments)?;
    let (class, key) = fields.next()?.split_once(':')?;
    let class = match class {
        "tune" => Class::Tune,
        "ignore" => Class::Ignore,
        "without" => Class::Without,
        "refuse" => Class::Refuse,
        _ => return None,
    };
    Some(Name { name, project, module, contexts, arity, block, verdict: (class, key) })
}

/// `flag`, `2`, `1-3` or `1+`.
fn parse_arity(text: &str) -> Option<Arity> {
    if text == "flag" {
        return Some(Arity::Flag);
    }
    if let Some(low) = text.strip_suffix('+') {
        return Some(Arity::AtLeast(low.parse().ok()?));
    }
    match text.split_once('-') {
        Some((low, high)) => Some(Arity::Between(low.parse().ok()?, high.parse().ok()?)),
        None => Some(Arity::Exactly(text.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_is_read_and_classified() {
        let lines: Vec<&str> = include_str!("known.tsv").lines().skip(1).collect();
        assert_eq!(names().len(), lines.len());
        for known in names() {
            let (class, key) = known.verdict;
            match class {
                Class::Tune | Class::Ignore => {
                    assert!(HARMLESS.iter().any(|(k, _)| *k == key), "{key}")
                }
                Class::Refuse => assert!(MISSING.iter().any(|(k, _)| *k == key), "{key}"),
                Class::Without => assert!(!named(key).is_empty(), "{key}"),
            }
        }
    }

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(names().is_sorted_by_key(|known| known.name));
        let distinct = names()
            .iter()
            .filter(|n| n.project == "nginx")
            .map(|n| n.name)
            .collect::<BTreeSet<_>>();
        assert_eq!(distinct.len(), 656);
        for known in names() {
            let same = |other: &&Name| other.contexts.meets(known.contexts);
            let count = named(known.name).iter().filter(same).count();
            assert_eq!(count, 1, "{} in {}", known.name, known.contexts);
        }
    }

    #[test]
    fn verdicts() {
        let verdict = |name, context| verdict(name, context, &["range"]);
        let refused = |why: &str| Known::Refused { why: why.to_owned() };
        let proxy = refused("rserve does not do this with upstreams yet");
        assert_eq!(verdict("proxy_pass", Contexts::LOCATION), proxy);
        assert_eq!(verdict("mail", Contexts::MAIN), refused("rserve is not a mail proxy"));
        assert_eq!(verdict("pcre_jit", Contexts::MAIN), Known::Tuned);
        assert!(matches!(verdict("http2_push", Contexts::HTTP), Known::Accepted { .. }));
        let Known::Misplaced { contexts } = verdict("pcre_jit", Contexts::HTTP) else { panic!() };
        assert_eq!(contexts, Contexts::MAIN);
        let near = |name| Known::Unknown { nearest: Some(String::from(name)) };
        assert_eq!(verdict("rang", Contexts::HTTP), near("range"));
        assert_eq!(verdict("sendfiel", Contexts::HTTP), near("sendfile"));
        assert_eq!(verdict("nonsense_at_all", Contexts::HTTP), Known::Unknown { nearest: None });
    }

    #[test]
    fn what_tunes_a_switch_is_refused_once_the_switch_is_there() {
        let at = |implemented: &[&str]| verdict("ssl_ciphers", Contexts::SERVER, implemented);
        assert!(matches!(at(&[]), Known::Accepted { .. }));
        assert!(matches!(at(&["ssl_certificate"]), Known::Refused { .. }));
    }

    #[test]
    fn what_protects_is_never_ignored() {
        for name in
            ["deny", "auth_basic", "auth_request", "ssl_verify_client", "limit_req", "internal"]
        {
            for known in named(name) {
                assert!(matches!(known.verdict(&[]), Known::Refused { .. }), "{name}");
            }
        }
    }
}
