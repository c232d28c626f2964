//! The body of a request, as peers get it.

use http::{Body, Error, Request};
use mem::Chain;

use crate::sending::Outgoing;

/// The body that is to be sent, and how long it is; `None`: nobody knows yet. `buffering`: it is read before, and can be sent
/// more than once.
pub async fn outgoing(
    request: &mut Request,
    buffering: bool,
) -> Result<(Outgoing, Option<u64>), Error> {
    if request.body.is_empty() {
        return Ok((Outgoing::Kept(Chain::new()), Some(0)));
    }
    if buffering {
        request.keep_body().await?;
    }
    let length = request.body.len();
    let outgoing = match request.take_body() {
        Body::Chain(chain) => Outgoing::Kept(chain),
        body => Outgoing::Streamed { body, chunked: length.is_none() },
    };
    Ok((outgoing, length))
}
