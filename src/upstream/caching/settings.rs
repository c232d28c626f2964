//! The values of the `…_cache_*` directives, and the directives themselves.

use std::rc::Rc;

use cache::{Caches, Valid, Zone};
use conf::{Error, Setting, Word, value};
use http::Hooks;
use proto::http1::Method;

use crate::caching::{Methods, Place};
use crate::next::Fault;

/// `…_cache_valid [STATUS …] TIME`
pub fn valid(setting: &Setting<'_>) -> Result<Vec<Valid>, Error> {
    let last = setting.args().len() - 1;
    let seconds = value::seconds(setting.arg(last));
    let seconds = seconds.ok_or_else(|| {
        setting.error_at(last, format!("invalid time value \"{}\"", setting.arg(last)))
    })?;
    if last == 0 {
        let usual = [200, 301, 302];
        return Ok(usual.map(|status| Valid { status: Some(status), seconds }).to_vec());
    }
    let mut all = Vec::new();
    for i in 0..last {
        let status = match setting.arg(i) {
            "any" => None,
            text => {
                let status = text.parse().ok().filter(|status| (100..=599).contains(status));
                let invalid = || setting.error_at(i, format!("invalid status \"{text}\""));
                Some(status.ok_or_else(invalid)?)
            }
        };
        all.push(Valid { status, seconds });
    }
    Ok(all)
}

/// `…_cache_methods`: GET and HEAD are always among them.
pub fn methods(setting: &Setting<'_>) -> Result<Methods, Error> {
    let mut bits = Methods::USUAL.0;
    for i in 0..setting.args().len() {
        let method = match setting.arg(i) {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            text => return Err(setting.error_at(i, format!("invalid value \"{text}\""))),
        };
        bits |= Methods::bit(method).unwrap_or(0);
    }
    Ok(Methods(bits))
}

/// Words, as they are.
pub fn words(setting: &Setting<'_>) -> Result<Vec<Word>, Error> {
    Ok(setting.args().to_vec())
}

/// A word, as it is.
pub fn word(setting: &Setting<'_>) -> Result<Word, Error> {
    Ok(setting.args()[0].clone())
}

/// Makes the caches that a block declares: once, whoever has inherited it.
pub fn make_caches(zones: &[Rc<Zone>], hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
    let caches = hooks.setup().shared::<Caches>();
    for zone in zones {
        if caches.install(zone, hooks.setup())? {
            hooks.process(zone.clone());
            hooks.process(caches.clone());
        }
    }
    Ok(())
}

/// Which cache a word names. `declaring`: the directive that would have declared it.
pub fn find_cache(name: &Word, declaring: &str, hooks: &mut Hooks<'_, '_>) -> Result<Place, Error> {
    let template = hooks.template(name)?;
    if template.as_literal().is_none() {
        return Ok(Place::Named(template));
    }
    let zone = hooks.setup().shared::<Caches>().get(&name.text);
    let undeclared = || {
        let message = format!("\"{declaring}\" zone \"{}\" is unknown", name.text);
        hooks
            .error(name, message)
            .with_hint(format!("declare it with {declaring} in the http block"))
    };
    zone.map(Place::Fixed).ok_or_else(undeclared)
}

/// When an answer is given out that is not valid any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UseStale {
    error: bool,
    timeout: bool,
    invalid_header: bool,
    /// While it is fetched.
    pub updating: bool,
    statuses: Vec<u16>,
}

impl UseStale {
    /// Reads the words.
    pub fn read(setting: &Setting<'_>) -> Result<UseStale, Error> {
        let mut stale = UseStale::default();
        for i in 0..setting.args().len() {
            match setting.arg(i) {
                "error" => stale.error = true,
                "timeout" => stale.timeout = true,
                "invalid_header" => stale.invalid_header = true,
                "updating" => stale.updating = true,
                "off" => {}
                text => {
                    let status = text.strip_prefix("http_").and_then(|code| code.parse().ok());
                    let known = [500, 502, 503, 504, 403, 404, 429];
                    let status = status.filter(|status| known.contains(status));
                    let invalid = || setting.error_at(i, format!("invalid value \"{text}\""));
                    stale.statuses.push(status.ok_or_else(invalid)?);
                }
            }
        }
        Ok(stale)
    }

    /// Whether what is there is given out instead of such an answer.
    pub fn has(&self, fault: Fault) -> bool {
        match fault {
            Fault::Error => self.error,
            Fault::Timeout => self.timeout,
            Fault::InvalidHeader => self.invalid_header,
            Fault::Status(status) => self.statuses.contains(&status),
        }
    }
}
