//! `proxy_pass URL`: where requests go.

use conf::{Error, Word};
use http::{Hooks, LogLevel, MatchKind, Request, Template};
use mem::Str;
use upstream::{Passing, Target, Upstream, Upstreams, parse};

/// Where requests of a location go.
pub enum Pass {
    /// To one upstream.
    Fixed {
        /// It.
        upstream: Upstream,
        /// What stands behind the host: it takes the place of the location's own part of the URI.
        uri: Option<Str>,
        /// How that is called.
        name: Names,
        /// How it is spoken to.
        scheme: Scheme,
    },
    /// Where a word with variables says.
    Variable(Template),
}

/// How a target is called: in a request's Host, and in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// `$proxy_host`: the host, with its port if that is not the usual one.
    pub host: Str,
    /// `$proxy_port`
    pub port: Str,
}

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// What stands before the host.
    pub scheme: Scheme,
    /// Where it leads.
    pub target: Target,
    /// How that is called.
    pub names: Names,
    /// What stands behind the host, if something does.
    pub uri: Option<String>,
}

/// How peers are spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// As it is.
    Http,
    /// Encrypted.
    Https,
}

impl Scheme {
    /// The one that a URL begins with, and the rest of that.
    fn split(text: &str) -> Option<(Scheme, &str)> {
        [Scheme::Http, Scheme::Https].into_iter().find_map(|scheme| {
            let (name, rest) = text.split_at_checked(scheme.name().len())?;
            let rest = rest.strip_prefix("://")?;
            name.eq_ignore_ascii_case(scheme.name()).then_some((scheme, rest))
        })
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that is not written.
    fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// Whether requests may have to be encrypted that go where a word says.
pub fn may_be_encrypted(word: &Word) -> bool {
    let scheme = Scheme::split(&word.text).map(|(scheme, _)| scheme);
    scheme.map_or(word.text.contains('$'), |scheme| scheme == Scheme::Https)
}

impl Url {
    /// Takes a URL apart. The error is in nginx's words.
    pub fn parse(text: &str) -> Result<Url, String> {
        let (scheme, rest) = Scheme::split(text).ok_or("invalid URL prefix")?;
        let is_unix = rest.starts_with("unix:");
        let end = match is_unix {
            true => rest[5..].find(':').map_or(rest.len(), |at| at + 5),
            false => rest.find(['/', '?']).unwrap_or(rest.len()),
        };
        let (place, uri) = rest.split_at(end);
        let uri = if is_unix { uri.strip_prefix(':').unwrap_or_default() } else { uri };
        let target = parse(place)?;
        let names = match &target {
            Target::Unix(_) => Names { host: Str::from_static(b"localhost"), port: Str::EMPTY },
            Target::Inet { port, .. } => {
                let host = match port {
                    Some(port) if *port == scheme.port() => {
                        place.rsplit_once(':').map_or(place, |(host, _)| host)
                    }
                    _ => place,
                };
                let port = port.unwrap_or(scheme.port()).to_string();
                Names { host: Str::copy(&conf::text::bytes(host)), port: Str::from(port) }
            }
        };
        let uri = (!uri.is_empty()).then(|| uri.to_owned());
        Ok(Url { scheme, target, names, uri })
    }

    /// What is asked there for a request: if it has a URI, then that.
    fn into_place(self, request: &mut Request) -> Place {
        let uri = self.uri.map(|uri| {
            let slash = if uri.starts_with('/') { "" } else { "/" };
            request.pool.copy(&conf::text::bytes(&format!("{slash}{uri}")))
        });
        let is_whole = uri.is_some();
        Place { scheme: self.scheme, names: self.names, uri, is_whole }
    }
}

impl Pass {
    /// Reads the word, in a location. `is_kept`: it is that of the location around a branch, which takes URIs as that does.
    pub fn compile(word: &Word, is_kept: bool, hooks: &mut Hooks<'_, '_>) -> Result<Pass, Error> {
        let template = hooks.template(word)?;
        if template.as_literal().is_none() {
            return Ok(Pass::Variable(template));
        }
        let url = Url::parse(&word.text).map_err(|why| hooks.error(word, why))?;
        let takes_no_uri =
            matches!(hooks.kind, MatchKind::Regex(_) | MatchKind::Named | MatchKind::Branch);
        if takes_no_uri && !is_kept && url.uri.is_some() {
            return Err(hooks.error(
                word,
                "\"proxy_pass\" cannot have URI part in location given by regular expression, or inside named \
                 location, or inside \"if\" statement, or inside \"limit_except\" block",
            ));
        }
        let upstreams = hooks.setup().shared::<Upstreams>();
        let upstream = upstreams.of(&url.target, Some(url.scheme.port()));
        let upstream = upstream.map_err(|why| hooks.error(word, why))?;
        let uri = url.uri.map(|uri| {
            let slash = if uri.starts_with('/') { "" } else { "/" };
            Str::copy(&conf::text::bytes(&format!("{slash}{uri}")))
        });
        Ok(Pass::Fixed { upstream, uri, name: url.names, scheme: url.scheme })
    }
}

/// What is asked for one request.
pub struct Place {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// How it is called.
    pub names: Names,
    /// What is asked there instead of the location's own part of the URI, or of all of it.
    pub uri: Option<Str>,
    /// It is asked instead of all of the URI.
    pub is_whole: bool,
}

/// Where one request goes.
pub struct Destination {
    /// What is asked.
    pub place: Place,
    /// The upstream.
    pub upstream: Upstream,
}

/// What variables tell of where a request goes.
#[derive(Default)]
pub struct Known(pub Option<Names>);

impl Pass {
    /// Where this request goes. The error is a status.
    pub async fn of(&self, request: &mut Request, passing: &Passing) -> Result<Destination, u16> {
        let template = match self {
            Pass::Fixed { upstream, .. } => {
                let place = self.place(request)?;
                return Ok(Destination { place, upstream: upstream.clone() });
            }
            Pass::Variable(template) => template,
        };
        let url = evaluate(template, request)?;
        let upstream = passing.reach(request, &url.target, Some(url.scheme.port())).await?;
        Ok(Destination { place: url.into_place(request), upstream })
    }

    /// What is asked for this request, wherever that is. The error is a status.
    pub fn place(&self, request: &mut Request) -> Result<Place, u16> {
        match self {
            Pass::Fixed { uri, name, scheme, .. } => Ok(Place {
                scheme: *scheme,
                names: name.clone(),
                uri: uri.clone(),
                is_whole: false,
            }),
            Pass::Variable(template) => {
                evaluate(template, request).map(|url| url.into_place(request))
            }
        }
    }
}

fn evaluate(template: &Template, request: &mut Request) -> Result<Url, u16> {
    let text = conf::text::decode(&template.evaluate(request));
    Url::parse(&text).map_err(|why| {
        request.error(LogLevel::Error, format_args!("{why} in \"{text}\""));
        500
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String, Option<String>) {
        let url = Url::parse(text).expect("a URL");
        (url.names.host.to_string(), url.names.port.to_string(), url.uri)
    }

    #[test]
    fn urls_are_taken_apart() {
        let parts = |text| parts(text);
        let of = |host: &str, port: &str, uri: Option<&str>| {
            (host.to_owned(), port.to_owned(), uri.map(str::to_owned))
        };
        assert_eq!(parts("http://a"), of("a", "80", None));
        assert_eq!(parts("http://a:80/"), of("a", "80", Some("/")));
        assert_eq!(parts("HTTP://a:81/x?y"), of("a:81", "81", Some("/x?y")));
        assert_eq!(parts("http://a?y"), of("a", "80", Some("?y")));
        assert_eq!(parts("http://[::1]:8080/x"), of("[::1]:8080", "8080", Some("/x")));
        assert_eq!(parts("http://unix:/tmp/s:/x"), of("localhost", "", Some("/x")));
        assert_eq!(parts("https://a"), of("a", "443", None));
        assert_eq!(parts("HTTPS://a:443/"), of("a", "443", Some("/")));
        assert_eq!(parts("https://a:80"), of("a:80", "80", None));
        assert_eq!(parts("http://a:443"), of("a:443", "443", None));
        assert_eq!(parts("https://[::1]:443"), of("[::1]", "443", None));
        assert_eq!(parts("http://unix:/tmp/s"), of("localhost", "", None));
        for text in [
            "ftp://a",
            "http:/a",
            "https:/a",
            "httpsx://a",
            "http://",
            "http:///x",
            "http://a:x/",
            "http://unix:",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
