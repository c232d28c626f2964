//! Whether, and how, the client finds the end of an answer.

use proto::http1::Version;

use crate::request::Request;

impl Request {
    /// Whether the connection frames a body of unknown length in chunks. Who makes a body that goes on after its head
    /// ([`Response::streaming`](crate::Response::streaming)) writes them itself, and asks here whether it is to.
    pub fn has_chunks(&self) -> bool {
        self.version() >= Version::V11
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
