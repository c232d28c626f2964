//! Who gets compressed answers: nginx's conditions, which `gzip` and `gzip_static` have in common.

use std::rc::Rc;

use conf::{Env, Error, Setting, Word};
use proto::http1::{Name, Version};

use crate::regex::{Captures, Regex};
use crate::request::Request;

/// What is written of it.
#[derive(Clone, Debug)]
pub struct Compression {
    /// `gzip_vary`
    pub vary: bool,
    /// `gzip_http_version`
    pub version: Version,
    /// `gzip_proxied`
    pub proxied: Proxied,
    /// `gzip_disable`
    pub disable: Rc<[Regex]>,
}

/// Which answers to proxies are compressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxied(Vec<&'static str>);

const CASES: [&str; 8] =
    ["expired", "no-cache", "no-store", "private", "no_last_modified", "no_etag", "auth", "any"];

impl Proxied {
    /// Reads the words of `gzip_proxied`.
    pub fn parse(setting: &Setting<'_>) -> Result<Proxied, Error> {
        let mut proxied = Proxied::default();
        for (at, word) in setting.args().iter().enumerate() {
            match CASES.iter().find(|case| **case == word.text) {
                Some(case) => proxied.0.push(case),
                None if word.text == "off" => proxied.0.clear(),
                None => {
                    let message = format!("invalid value \"{}\"", word.text);
                    return Err(setting.error_at(at, message));
                }
            }
        }
        Ok(proxied)
    }

    fn has(&self, case: &str) -> bool {
        self.0.contains(&case)
    }

    /// Whether an answer to a proxy is compressed: what it must not keep, by and large.
    fn allows(&self, request: &Request) -> bool {
        let response = &request.response;
        if self.0.is_empty() {
            return false;
        }
        if self.has("any") || self.has("auth") && request.header(Name::Authorization).is_some() {
            return true;
        }
        if let Some(expires) = response.header("expires") {
            let now = rt::wall().as_secs();
            let time = proto::date::parse(expires);
            return self.has("expired") && time.is_some_and(|time| time < now);
        }
        if let Some(control) = response.header("cache_control") {
            let says = |word: &str| {
                let bytes = word.as_bytes();
                self.has(word)
                    && control.windows(bytes.len()).any(|part| part.eq_ignore_ascii_case(bytes))
            };
            return says("no-cache") || says("no-store") || says("private");
        }
        // As nginx: a file's own date is none, that of a field is.
        let dated = response.last_modified_text.is_some();
        let is_kept =
            self.has("no_last_modified") && dated || self.has("no_etag") && response.etag.is_some();
        !is_kept
    }
}

/// Compiles the words of `gzip_disable`.
pub fn disable(words: &[Word], env: &Env<'_>) -> Result<Rc<[Regex]>, Error> {
    let compile = |word: &Word| {
        let pattern = match word.text.as_str() {
            // As nginx: not the one of Windows XP SP2.
            "msie6" => "MSIE [4-6]\\.(?!.*SV1)",
            text => text,
        };
        let regex = Regex::new(pattern, true, &env.files.place(word.span));
        regex.map_err(|why| Error::at(why, word.span, env.files))
    };
    words.iter().map(compile).collect()
}

impl Request {
    /// Whether the client may get the answer compressed by gzip: found out once, as by nginx.
    pub fn accepts_gzip(&self) -> bool {
        let known = self.accepts_gzip.get();
        known.unwrap_or_else(|| {
            let accepts = self.may_get_gzip();
            self.accepts_gzip.set(Some(accepts));
            accepts
        })
    }

    fn may_get_gzip(&self) -> bool {
        // What one request asks of another is compressed with the answer that it becomes a part of.
        if self.is_subrequest() {
            return false;
        }
        let rules = &self.location().settings.compression;
        if !proto::accept::names_gzip(&self.header_list("accept_encoding")) {
            return false;
        }
        if self.version() < rules.version {
            return false;
        }
        if self.headers_named("via").next().is_some() && !rules.proxied.allows(self) {
            return false;
        }
        // An expression that gives up may have matched.
        let Some(agent) = self.header_str(Name::UserAgent) else { return true };
        let disabled =
            |regex: &Regex| regex.matches(&agent, &mut Captures::default()).unwrap_or(true);
        !rules.disable.iter().any(disabled)
    }

    /// The answer depends on what encodings the client takes: told to caches, where that is written.
    pub fn depends_on_encoding(&mut self) {
        if self.location().settings.compression.vary {
            self.varies_by_encoding = true;
        }
    }
}
