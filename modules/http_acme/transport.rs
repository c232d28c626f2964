//! The ACME client's requests, by the helper's loop.

use std::time::{Duration, SystemTime};

use acme::{Request, Response, Transport};
use http::client::fetch::{Ask, Url, fetch};
use tls::outgoing::Outgoing;

/// The longest answer.
const MOST: usize = 1 << 20;
/// Milliseconds for one exchange.
const TIMEOUT: u64 = 60_000;

/// How an issuer is reached.
pub struct Net(pub Outgoing);

impl Transport for Net {
    async fn send(&mut self, request: Request) -> Result<Response, String> {
        let url = Url::parse(&request.url);
        let url = url.ok_or_else(|| format!("no URL: \"{}\"", request.url.escape_debug()))?;
        let (method, fields, body) = (request.method, &request.fields[..], &request.body[..]);
        let ask = Ask { method, url: &url, fields, body, most: MOST, timeout: TIMEOUT };
        let answer = Box::pin(fetch(ask, Some(&self.0))).await?;
        Ok(Response { status: answer.status, fields: answer.fields, body: answer.body })
    }

    async fn wait(&mut self, time: Duration) {
        rt::sleep(time.as_millis() as u64).await;
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
