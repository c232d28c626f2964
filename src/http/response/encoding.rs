//! Whether a client may get its answer compressed, and by which coding: of those that are on here the one that it likes best.

use proto::http1::Name;

use super::compression::Proxied;
use crate::request::Request;
use crate::route::regex::{Captures, Regex};

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
        if proto::accept::coding_quality(&self.header_list("accept_encoding"), b"gzip") == 0 {
            return false;
        }
        if self.version() < rules.version {
            return false;
        }
        if self.headers_named("via").next().is_some() && !allows(&rules.proxied, self) {
            return false;
        }
        // An expression that gives up may have matched.
        let Some(agent) = self.header_str(Name::UserAgent) else { return true };
        let disabled =
            |regex: &Regex| regex.matches(&agent, &mut Captures::default()).unwrap_or(true);
        !rules.disable.iter().any(disabled)
    }

    /// How much the client likes to get the answer in this coding, in thousandths. 0: it may not. gzip has rules of its own
    /// (`gzip_proxied` …), as in nginx.
    pub fn coding_quality(&self, coding: &str) -> u32 {
        let may = match coding {
            "gzip" => self.accepts_gzip(),
            _ => !self.is_subrequest(),
        };
        let field = self.header_list("accept_encoding");
        if may { proto::accept::coding_quality(&field, coding.as_bytes()) } else { 0 }
    }

    /// The answer depends on what encodings the client takes: told to caches, where that is written.
    pub fn depends_on_encoding(&mut self) {
        if self.location().settings.compression.vary {
            self.varies_by_encoding = true;
        }
    }
}

/// Whether an answer to a proxy is compressed: what it must not keep, by and large.
fn allows(proxied: &Proxied, request: &Request) -> bool {
    let response = &request.response;
    if proxied.is_off() {
        return false;
    }
    if proxied.has("any") || proxied.has("auth") && request.header(Name::Authorization).is_some() {
        return true;
    }
    if let Some(expires) = response.header("expires") {
        let now = rt::wall().as_secs();
        let time = proto::date::parse(expires);
        return proxied.has("expired") && time.is_some_and(|time| time < now);
    }
    if let Some(control) = response.header("cache_control") {
        let says = |word: &str| {
            let bytes = word.as_bytes();
            proxied.has(word)
                && control.windows(bytes.len()).any(|part| part.eq_ignore_ascii_case(bytes))
        };
        return says("no-cache") || says("no-store") || says("private");
    }
    // As nginx: a file's own date is none, that of a field is.
    let dated = response.last_modified_text.is_some();
    let is_kept = proxied.has("no_last_modified") && dated
        || proxied.has("no_etag") && response.etag.is_some();
    !is_kept
}
