//! Answers of peers from the cache: what is looked for, what is fetched, and what is given out meanwhile.
//!
//! ```text
//! request ─▶ look ─▶ Give: from the cache
//!              ├───▶ Wait: another one fetches it; then it is looked for again
//!              └───▶ Fetch ─▶ the peer ─▶ Fill (`keeping.rs`), 304: what was there is valid again, or what was there after all
//! ```
//! Semantics are nginx's, but for these: an answer to a request that names its user is stored only where it says that it is for
//! all (RFC 9111 §3.5); with `…_cache_lock`, an answer that is not valid any more is fetched by one, too; who waits is woken.

mod family;
mod give;
pub mod keeping;
pub mod look;
mod purge;
pub mod purpose;
pub mod serve;
mod settings;

use std::rc::Rc;

use cache::{Caches, Unheard, Valid, Zone};
use http::{Request, Template};
use proto::http1::{Method, Name};

use crate::next::Ignored;
pub use settings::{UseStale, find_cache, make_caches, methods, valid, word, words};

/// How answers of a location are kept.
pub struct Caching {
    /// The name of the cache, where it is not one for all requests.
    pub place: Place,
    /// The caches of the configuration.
    pub caches: Rc<Caches>,
    /// What a request's key is; `None`: as its family has it.
    pub key: Option<Template>,
    /// How long statuses are valid that do not say so.
    pub valid: Vec<Valid>,
    /// With one of these the cache is not looked into,
    pub bypass: Vec<Template>,
    /// and with one of these nothing is stored.
    pub no_cache: Vec<Template>,
    /// With one of these the answer is purged,
    pub purge: Vec<Template>,
    /// and with this all answers with those tags.
    pub purge_tag: Option<Template>,
    /// Other methods have nothing to do with it.
    pub methods: Methods,
    /// Fewer requests, and it is not stored.
    pub min_uses: u64,
    /// Where what is not valid any more is given out.
    pub use_stale: UseStale,
    /// One at a time fetches an answer.
    pub lock: bool,
    /// Milliseconds for which the others wait for it,
    pub lock_timeout: u64,
    /// and after which another one fetches it, too.
    pub lock_age: u64,
    /// It is asked whether an answer is valid still.
    pub revalidate: bool,
    /// What may be given out is, while it is fetched.
    pub background: bool,
    /// HEAD is asked as GET.
    pub convert_head: bool,
    /// Fields of answers that are not looked at.
    pub ignored: Ignored,
}

/// Which cache.
pub enum Place {
    /// This one.
    Fixed(Rc<Zone>),
    /// The one of that name.
    Named(Template),
}

/// Methods whose answers are stored, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Methods(pub u8);

impl Methods {
    /// GET and HEAD always are.
    pub const USUAL: Methods = Methods(3);

    /// Which bit one has.
    pub fn bit(method: Method) -> Option<u8> {
        match method {
            Method::Get => Some(1),
            Method::Head => Some(2),
            Method::Post => Some(4),
            _ => None,
        }
    }

    fn has(self, method: Method) -> bool {
        Methods::bit(method).is_some_and(|bit| self.0 & bit != 0)
    }
}

impl Caching {
    /// Whether a request may have to do with the cache.
    fn concerns(&self, request: &Request) -> bool {
        self.methods.has(request.method) || !self.purge.is_empty()
    }

    /// The cache for a request. `None`: it has nothing to do with one.
    fn zone(&self, request: &mut Request) -> Option<Rc<Zone>> {
        match &self.place {
            Place::Fixed(zone) => Some(zone.clone()),
            Place::Named(template) => {
                let name = template.evaluate(request);
                let name = name.as_str().filter(|name| !name.is_empty() && *name != "off")?;
                let zone = self.caches.get(name);
                if zone.is_none() {
                    let message = format!("cache \"{name}\" not found");
                    request.error(http::LogLevel::Error, format_args!("{message}"));
                }
                zone
            }
        }
    }

    /// What of an answer is not looked at.
    fn unheard(&self) -> Unheard {
        Unheard {
            accel_expires: self.ignored.has(Name::XAccelExpires),
            cache_control: self.ignored.has(Name::CacheControl),
            expires: self.ignored.has(Name::Expires),
            set_cookie: self.ignored.has(Name::SetCookie),
            vary: self.ignored.has(Name::Vary),
        }
    }
}

/// Whether one of them is something, and not `0`.
fn is_one(templates: &[Template], request: &mut Request) -> bool {
    templates.iter().any(|template| {
        let value = template.evaluate(request);
        !value.is_empty() && value != b"0"[..]
    })
}
