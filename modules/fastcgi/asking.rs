//! A request as it goes out.

use std::rc::Rc;

use http::Request;
use proto::cgi::BadVariables;
use proto::fastcgi;
use upstream::{Family, Protocol, Told};

/// How applications are asked.
pub struct Asking {
    /// They are asked to keep connections.
    pub keeps: bool,
    /// Text for the log that makes an answer none.
    pub catches: Rc<[Vec<u8>]>,
}

impl Family for Asking {
    const STREAMS_CHUNKS: bool = true;

    fn scheme(&self) -> &'static str {
        "fastcgi"
    }

    fn protocol(&self) -> Protocol {
        Protocol::FastCgi { keeps: self.keeps, catches: self.catches.clone() }
    }

    fn head(
        &self,
        request: &mut Request,
        told: Told<'_>,
        length: Option<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), BadVariables> {
        fastcgi::begin(self.keeps, out);
        let mut written = fastcgi::Params::new(out);
        told.each(request, length, |name, value| written.add(name, value))?;
        written.end();
        Ok(())
    }
}
