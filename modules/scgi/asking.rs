//! A request as it goes out.

use http::Request;
use proto::cgi::BadVariables;
use proto::scgi::Headers;
use upstream::{Family, Protocol, Told};

/// How applications are asked.
pub struct Asking;

impl Family for Asking {
    const STREAMS_CHUNKS: bool = false;

    fn scheme(&self) -> &'static str {
        "scgi"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Cgi
    }

    fn head(
        &self,
        request: &mut Request,
        told: Told<'_>,
        length: Option<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), BadVariables> {
        let mut written = Headers::new(length.unwrap_or(0), out);
        told.each(request, length, |name, value| written.add(name, value))?;
        written.end();
        Ok(())
    }
}
