//! A request as it goes out.

use http::Request;
use proto::cgi::BadVariables;
use proto::uwsgi::Vars;
use upstream::{Encrypting, Encryption, Family, Protocol, Told};

/// How applications are asked.
pub struct Asking {
    /// What kind of application is asked.
    pub modifiers: (u8, u8),
    /// What stands behind the variables.
    pub string: Vec<u8>,
    /// How peers are encrypted, where they may have to be.
    pub encrypting: Option<Encrypting>,
    /// The place, if no variables say it.
    pub place: Option<String>,
}

/// What stands before a place: whether it is encrypted, and the place.
pub fn split(text: &str) -> (bool, &str) {
    let strip = |scheme: &str| {
        let (begin, rest) = text.split_at_checked(scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    match (strip("suwsgi://"), strip("uwsgi://")) {
        (Some(place), _) => (true, place),
        (None, Some(place)) => (false, place),
        (None, None) => (false, text),
    }
}

impl Family for Asking {
    const STREAMS_CHUNKS: bool = false;

    fn scheme(&self) -> &'static str {
        match self.place.as_deref().is_some_and(|place| split(place).0) {
            true => "suwsgi",
            false => "uwsgi",
        }
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
        let mut written = Vars::new(self.modifiers.0, self.modifiers.1, out);
        told.each(request, length, |name, value| written.add(name, value))?;
        written.raw(&self.string)?;
        written.end();
        Ok(())
    }

    fn encryption(&self, request: &mut Request, place: &str) -> Result<Option<Encryption>, u16> {
        let (is_encrypted, host) = split(self.place.as_deref().unwrap_or(place));
        let encrypting = self.encrypting.as_ref().filter(|_| is_encrypted);
        let host = conf::text::bytes(host);
        encrypting.map(|one| one.of(request, &host)).transpose()
    }

    fn strip(text: &str) -> &str {
        split(text).1
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn schemes_are_taken_off() {
        assert_eq!(split("a:1"), (false, "a:1"));
        assert_eq!(split("uwsgi://a:1"), (false, "a:1"));
        assert_eq!(split("SUWSGI://a:1"), (true, "a:1"));
        assert_eq!(split("uwsgi:/a"), (false, "uwsgi:/a"));
        assert_eq!(split("ä"), (false, "ä"));
    }
}
