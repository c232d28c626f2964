//! Whether, and how, the client finds the end of an answer.

use proto::http1::Version;

use crate::request::Request;

impl Request {
    /// Whether the client can tell where the answer's body ends without the connection's end.
    pub(crate) fn has_length(&self) -> bool {
        let response = &self.response;
        match response.streaming {
            true => self.version() >= Version::V11 || self.is_head(),
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
