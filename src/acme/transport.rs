//! What whoever uses this does for it.

use std::time::{Duration, SystemTime};

/// A request to an ACME server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// GET, HEAD or POST.
    pub method: &'static str,
    /// Where to, whole.
    pub url: String,
    /// What is sent with it. RFC 8555, 6.1: the transport adds its User-Agent.
    pub fields: Vec<(&'static str, &'static str)>,
    /// The body of a POST.
    pub body: Vec<u8>,
}

/// The longest `Retry-After` that is believed.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// What the server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its fields.
    pub fields: Vec<(String, String)>,
    /// Its body, which the transport bounds.
    pub body: Vec<u8>,
}

impl Response {
    /// The first field of a name, whatever its case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields_of(name).next()
    }

    /// All fields of a name.
    pub fn fields_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_name = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().filter(of_name).map(|(_, value)| &value[..])
    }

    /// How long to wait, as `Retry-After` says: seconds, or until a date (RFC 9110, 10.2.3).
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        let value = self.field("retry-after")?.trim();
        let wait = match value.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => {
                let date = httpdate::parse_http_date(value).ok()?;
                date.duration_since(now).unwrap_or_default()
            }
        };
        Some(wait.min(LONGEST))
    }
}

/// Sends, waits, and tells the time.
pub trait Transport {
    /// One exchange. An error is what a log is told.
    fn send(&mut self, request: Request) -> impl Future<Output = Result<Response, String>>;
    /// Lets time pass.
    fn wait(&mut self, time: Duration) -> impl Future<Output = ()>;
    /// The time.
    fn now(&self) -> SystemTime;
}
