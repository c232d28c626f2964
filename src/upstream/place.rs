//! Where requests of a location go: an `upstream`, an address, or what a word with variables says.

use std::net::IpAddr;

use conf::{Error, Word};
use http::{Hooks, LogLevel, Request, Template};

use crate::address::{Target, parse};
use crate::passing::Passing;
use crate::upstreams::{Lost, Upstream, Upstreams};

/// A place without a URI: `HOST:PORT`, `unix:PATH`, the name of an `upstream`.
pub enum Place {
    /// One upstream.
    Fixed(Upstream),
    /// Where a word with variables says.
    Variable(Template),
}

impl Place {
    /// Reads a word, of which `text` is the place. The error is in nginx's words.
    pub fn compile(word: &Word, text: &str, hooks: &mut Hooks<'_, '_>) -> Result<Place, Error> {
        let template = hooks.template(word)?;
        if template.as_literal().is_none() {
            return Ok(Place::Variable(template));
        }
        let upstreams = hooks.setup().shared::<Upstreams>();
        let upstream = parse(text).and_then(|target| upstreams.of(&target, None));
        upstream.map(Place::Fixed).map_err(|why| hooks.error(word, why))
    }
}

impl Passing {
    /// Where a request goes, and how variables have called that. `strip`: takes away what stands before the place. The error is
    /// a status.
    pub async fn upstream(
        &self,
        request: &mut Request,
        place: &Place,
        strip: fn(&str) -> &str,
    ) -> Result<(Upstream, String), u16> {
        let template = match place {
            Place::Fixed(upstream) => return Ok((upstream.clone(), String::new())),
            Place::Variable(template) => template,
        };
        let text = conf::text::decode(&template.evaluate(request));
        let target = parse(strip(&text)).map_err(|why| {
            request.error(LogLevel::Error, format_args!("{why}"));
            500_u16
        })?;
        Ok((self.reach(request, &target, None).await?, text))
    }

    /// What a target is that variables have named; `default_port`: of what has none. The error is a status.
    ///
    /// Variables may hold what a client has sent, and what they name is reached with this server's rights. So they lead to
    /// `upstream` blocks; and to other hosts where a `resolver` says that they may. nginx takes addresses without one, too; here
    /// they are names as others are. Paths of Unix sockets are not taken at all.
    pub async fn reach(
        &self,
        request: &Request,
        target: &Target,
        default_port: Option<u16>,
    ) -> Result<Upstream, u16> {
        let fail = |status: u16, why: &str| {
            let level = if status == 499 { LogLevel::Info } else { LogLevel::Error };
            request.error(level, format_args!("{why}"));
            status
        };
        let (host, port) = match target {
            Target::Inet { host, port } => (host, *port),
            Target::Unix(path) => {
                let path = path.display();
                return Err(fail(500, &format!("variables may not lead to \"unix:{path}\"")));
            }
        };
        let named = match port {
            None => self.upstreams.named(&host.to_ascii_lowercase()),
            Some(_) => None,
        };
        if let Some(upstream) = named {
            return Ok(upstream);
        }
        if !is_host(host) {
            return Err(fail(500, &format!("invalid host in upstream \"{host}\"")));
        }
        let no_port = || fail(500, &format!("no port in upstream \"{host}\""));
        let port = port.or(default_port).ok_or_else(no_port)?;
        let found = Upstreams::of_request(request, &self.settings, host, port).await;
        found.map_err(|lost| match lost {
            Lost::NoResolver => fail(502, &format!("no resolver defined to resolve {host}")),
            Lost::Unknown(why) => fail(502, &format!("{host} could not be resolved ({why})")),
            Lost::Gone => fail(499, "client prematurely closed connection"),
        })
    }
}

/// Whether a text is an address, or a name of what names of hosts are made of: what has other signs in it (`@`, `%`, spaces)
/// is read otherwise by others, and goes into the Host of the request.
fn is_host(text: &str) -> bool {
    let is_usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.chars().all(is_usual) || text.parse::<IpAddr>().is_ok()
}
