//! Whether, and how, the client finds the end of an answer.

use proto::http1::Version;

use sys::log::Level;

use crate::body::Body;
use crate::request::Request;

impl Request {
    /// Whether the connection frames a body of unknown length in chunks. Who makes a body that goes on after its head
    /// ([`Response::streaming`](crate::Response::streaming)) writes them itself, and asks here whether it is to.
    pub fn has_chunks(&self) -> bool {
        // Of a head that could not be read not even the version is known.
        self.version() == Version::V11 && !self.head.protocol.is_empty()
    }

    /// Whether the connection itself tells where a body ends, and may have fields behind it, whatever the head says.
    pub(crate) fn is_stream(&self) -> bool {
        self.version() == Version::V20
    }

    /// How the client finds the end of the body: by its length, by its last chunk, or by the end of the stream or connection.
    pub(crate) fn decide_framing(&mut self) {
        let location = self.location();
        let has_body = !matches!(self.response.status, 100..=199 | 204 | 304);
        let chunks = self.has_chunks() && location.settings.chunked_transfer_encoding;
        let is_open =
            has_body && !self.response.streaming && (chunks || self.is_stream()) && !self.is_head();
        let trailers = is_open && location.trailers.iter().any(|trailers| trailers.expects(self));
        let response = &mut self.response;
        response.has_trailers = trailers;
        if response.streaming || trailers {
            response.content_length = None;
        } else if matches!(response.status, 100..=199 | 204) {
            response.content_type = None;
            response.content_length = None;
        } else if response.content_length.is_none()
            && !response.unknown_length
            && response.status != 304
        {
            response.content_length = response.body.len();
        }
        response.chunked = is_open && chunks && response.content_length.is_none();
    }

    /// What is all there has the length that it has, whatever was said of it.
    pub(crate) fn check_length(&mut self) {
        let bodiless = self.has_bodiless_answer();
        let response = &mut self.response;
        if let (Body::Chain(body), Some(said)) = (&response.body, response.content_length)
            && !bodiless
            && body.len() != said
        {
            let found = body.len();
            response.content_length = Some(found);
            let message = format_args!("a body of {found} bytes was said to have {said}");
            self.error(Level::Error, message);
        }
    }

    /// Whether the client can tell where the answer's body ends without the connection's end.
    pub(crate) fn has_length(&self) -> bool {
        let response = &self.response;
        match response.streaming {
            true => self.has_chunks() || self.is_head(),
            false => {
                let bodiless = matches!(response.status, 100..=199 | 204 | 304);
                response.content_length.is_some() || response.chunked || bodiless || self.is_head()
            }
        }
    }

    /// Whether the answer has no body, whatever was made for it.
    pub(crate) fn has_bodiless_answer(&self) -> bool {
        self.is_head() || matches!(self.response.status, 100..=199 | 204 | 304)
    }
}
