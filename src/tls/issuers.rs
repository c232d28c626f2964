//! Clients' issuers, asked whether they still stand by their certificates (`ssl_ocsp`): while the handshake waits, as in nginx.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use aws_lc_rs::digest;
use rt::Conn;
use rustls::pki_types::CertificateDer;
use rustls::server::StoresServerSessions;

use crate::ocsp::{self, Status};
use crate::stapling::Fetch;
use crate::x509::Certificate;

/// nginx' number: an answer that tells no end is good for so many seconds.
const HOUR: u64 = 3600;

/// What a client's issuers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They stand by its certificates.
    Good,
    /// One does not.
    Revoked,
    /// One does not know its certificate.
    Unknown,
    /// One does not say, or not in a way that can be believed.
    Failed,
}

/// Who asks them.
pub struct Issuers {
    /// About the client's own certificate alone.
    pub leaf: bool,
    /// `ssl_ocsp_responder`; else each certificate says whom to ask.
    pub responder: Option<String>,
    /// What was said before, if that is kept.
    pub cache: Option<Arc<dyn StoresServerSessions>>,
    /// How.
    pub fetch: Fetch,
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issuers")
    }
}

/// A question that a handshake waits for. The question goes with it.
pub(crate) struct Inquiry(Rc<Asked>);

#[derive(Default)]
struct Asked {
    standing: Cell<Option<Standing>>,
    /// Nobody waits any more.
    is_over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Inquiry {
    /// Asks about the certificates of a path, which begins with the client's own and ends with one that needs nobody's word.
    pub fn begin(
        issuers: &'static Issuers,
        path: Vec<CertificateDer<'static>>,
        conn: Conn,
    ) -> Inquiry {
        let asked = Rc::new(Asked::default());
        let told = asked.clone();
        rt::spawn(async move {
            let mut standing = Box::pin(issuers.standing(&path, conn));
            let done = poll_fn(|cx| {
                if told.is_over.get() {
                    return Poll::Ready(None);
                }
                told.waker.replace(Some(cx.waker().clone()));
                standing.as_mut().poll(cx).map(Some)
            });
            if let Some(standing) = done.await {
                told.standing.set(Some(standing));
                conn.layer_ready();
            }
        });
        Inquiry(asked)
    }

    /// `None`: they have not said it yet.
    pub fn standing(&self) -> Option<Standing> {
        self.0.standing.get()
    }
}

impl Drop for Inquiry {
    fn drop(&mut self) {
        self.0.is_over.set(true);
        self.0.waker.take().into_iter().for_each(Waker::wake);
    }
}

impl Issuers {
    async fn standing(&self, path: &[CertificateDer<'_>], conn: Conn) -> Standing {
        // It may have gone when there is something to tell.
        let (serial, peer) = (conn.serial(), conn.peer());
        let pairs = path.windows(2).take(if self.leaf { 1 } else { usize::MAX });
        for pair in pairs {
            match self.one(&pair[0], &pair[1]).await {
                Ok(Status::Good) => {}
                Ok(Status::Revoked { .. }) => return Standing::Revoked,
                Ok(Status::Unknown) => return Standing::Unknown,
                Err(why) => {
                    sys::log!(
                        Error,
                        "*{serial} {why} while requesting certificate status, client: {peer}"
                    );
                    return Standing::Failed;
                }
            }
        }
        Standing::Good
    }

    async fn one(&self, own: &[u8], issuer: &[u8]) -> Result<Status, String> {
        let parse = |der| Certificate::parse(der).map_err(|fault| fault.to_string());
        let (own, issuer) = (parse(own)?, parse(issuer)?);
        let request = ocsp::request(&own, &issuer);
        if let Some(status) = self.known(&request) {
            return Ok(status);
        }
        let url = match &self.responder {
            Some(url) => url,
            None => {
                let urls = own.ocsp_responders();
                &(*urls.first().ok_or("no OCSP responder URL in certificate")?).to_owned()
            }
        };
        ocsp::check_responder(url).map_err(|why| format!("{why} in certificate"))?;
        let shown = || format!(", responder: {}", url.escape_debug());
        let answer = (self.fetch)(url.clone(), request.clone()).await;
        let answer = answer.map_err(|why| why + &shown())?;
        let now = sys::clock::wall().as_secs();
        let read = ocsp::read(&answer, &own, &issuer, now as i64);
        let read = read.map_err(|fault| format!("OCSP response: {fault}{}", shown()))?;
        let until = read.next_update.map_or(now + HOUR, |next| u64::try_from(next).unwrap_or(0));
        self.keep(&request, read.status, until);
        Ok(read.status)
    }

    /// What was said before, if that still holds.
    fn known(&self, request: &[u8]) -> Option<Status> {
        let (cache, key) = (self.cache.as_ref()?, key(request));
        let kept = cache.get(&key)?;
        let (until, status) = kept.split_first_chunk()?;
        match (u64::from_le_bytes(*until) > sys::clock::wall().as_secs(), status) {
            (true, [GOOD]) => Some(Status::Good),
            (true, [REVOKED]) => Some(Status::Revoked { at: None, reason: None }),
            (true, [UNKNOWN]) => Some(Status::Unknown),
            // It must not stand in the way of what is said now.
            _ => cache.take(&key).and(None),
        }
    }

    fn keep(&self, request: &[u8], status: Status, until: u64) {
        let status = match status {
            Status::Good => GOOD,
            Status::Revoked { .. } => REVOKED,
            Status::Unknown => UNKNOWN,
        };
        let text = [&until.to_le_bytes()[..], &[status]].concat();
        if let Some(cache) = &self.cache {
            cache.put(key(request), text);
        }
    }
}

fn key(request: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, request).as_ref().to_vec()
}

/// What stands behind the time until which it holds (8 bytes, little-endian).
const GOOD: u8 = 0;
const REVOKED: u8 = 1;
const UNKNOWN: u8 = 2;
