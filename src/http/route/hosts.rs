//! Which server a request is for: by the name in its Host field.

use std::rc::Rc;

use mem::Str;

use crate::route::patterns::{Conflict, Patterns};
use crate::route::regex::{Captures, GaveUp, Regex};

/// A `server_name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// `www.example.com`
    Exact(String),
    /// `*.example.com`, kept as `.example.com`; with the flag, also `example.com` itself.
    Suffix(String, bool),
    /// `www.example.*`, kept as `www.example.`.
    Prefix(String),
    /// `~^www\d+`
    Regex(String),
}

impl Name {
    /// Reads a `server_name` argument, as nginx does: what is no wildcard that it knows is a name that
    /// no host has, and a fault only where servers have to be told apart.
    pub fn parse(text: &str) -> Result<Name, String> {
        if let Some(pattern) = text.strip_prefix('~') {
            return match pattern {
                "" => Err("empty regex in server name \"~\"".to_owned()),
                pattern => Ok(Name::Regex(pattern.to_owned())),
            };
        }
        let lower = text.to_ascii_lowercase();
        match &lower {
            name if name.starts_with('*') && (name.len() < 3 || !name.starts_with("*."))
                || name == "." =>
            {
                Err(format!("server name \"{text}\" is invalid"))
            }
            name if !is_well_formed(name) => Ok(Name::Exact(lower)),
            name if name.starts_with("*.") => Ok(Name::Suffix(name[1..].to_owned(), false)),
            name if name.starts_with('.') => Ok(Name::Suffix(lower, true)),
            name if name.len() > 2 && name.ends_with(".*") => {
                Ok(Name::Prefix(name[..name.len() - 1].to_owned()))
            }
            _ => Ok(Name::Exact(lower)),
        }
    }

    /// Whether hosts can be told by it from those of other names.
    fn is_distinct(&self) -> bool {
        match self {
            Name::Exact(name) => is_well_formed(name) && !name.contains('*'),
            Name::Suffix(..) | Name::Prefix(_) | Name::Regex(_) => true,
        }
    }
}

fn is_well_formed(name: &str) -> bool {
    name.matches('*').count() <= 1 && !name.contains("..")
}

/// A server that may have a part in handshakes.
pub trait Encrypted {
    /// Its part.
    fn tls(&self) -> Option<&tls::Server>;

    /// Its part, if that is not to be behind another.
    fn own_tls(&self) -> Option<&tls::Server> {
        self.tls().filter(|tls| !tls.is_behind_another())
    }
}

/// The servers that share an address, by name. Servers are numbers here: their place in the list.
pub struct Hosts<S> {
    servers: Vec<Rc<S>>,
    default: usize,
    names: Patterns<usize>,
    regexes: Vec<(Regex, usize)>,
    indistinct: Option<String>,
    /// Its clients come through a proxy that tells who they are.
    pub proxy_protocol: bool,
    /// Its connections are encrypted.
    pub ssl: bool,
    /// All of its servers speak HTTP/2 (`listen … http2`).
    pub http2: bool,
}

impl<S> Default for Hosts<S> {
    fn default() -> Hosts<S> {
        Hosts {
            servers: Vec::new(),
            default: 0,
            names: Patterns::default(),
            regexes: Vec::new(),
            indistinct: None,
            proxy_protocol: false,
            ssl: false,
            http2: false,
        }
    }
}

impl<S> Hosts<S> {
    /// Adds a server under its names, each with the place where it is written. A name that another
    /// server has already is returned.
    pub fn add(&mut self, server: Rc<S>, names: &[(Name, String)]) -> Result<Vec<String>, String> {
        let number = self.servers.len();
        self.servers.push(server);
        let mut conflicts = Vec::new();
        for (name, place) in names {
            match name {
                Name::Exact(text) if !name.is_distinct() => self.indistinct = Some(text.clone()),
                Name::Exact(name) => {
                    let added = self.names.add_word(name.as_bytes(), number);
                    conflicts.extend(added.err().map(|Conflict| name.clone()));
                }
                Name::Suffix(suffix, also_bare) => {
                    let domain = suffix.as_bytes().strip_prefix(b".").unwrap_or(suffix.as_bytes());
                    let added = self.names.add_suffix(domain, number);
                    conflicts.extend(added.err().map(|Conflict| format!("*{suffix}")));
                    if *also_bare {
                        let added = self.names.add_word(domain, number);
                        conflicts.extend(added.err().map(|Conflict| suffix[1..].to_owned()));
                    }
                }
                Name::Prefix(prefix) => {
                    let labels = prefix.as_bytes().strip_suffix(b".").unwrap_or(prefix.as_bytes());
                    let added = self.names.add_prefix(labels, number);
                    conflicts.extend(added.err().map(|Conflict| format!("{prefix}*")));
                }
                Name::Regex(pattern) => {
                    self.regexes.push((Regex::new(pattern, true, place)?, number));
                }
            }
        }
        Ok(conflicts)
    }

    /// A name by which servers cannot be told apart, if there is more than one of them.
    pub fn indistinct(&self) -> Option<&str> {
        self.indistinct.as_deref().filter(|_| self.servers.len() > 1)
    }

    /// Makes the server that was added last the one for all other names.
    pub fn make_default(&mut self) {
        self.default = self.servers.len() - 1;
    }

    /// The server for all other names.
    pub fn default_server(&self) -> &S {
        &self.servers[self.default]
    }

    /// All servers, in the order in which they were added.
    pub fn servers(&self) -> impl Iterator<Item = &S> {
        self.servers.iter().map(Rc::as_ref)
    }

    /// The server for a host name (lower case): exact, the longest `*.x`, the longest `x.*`, the
    /// expressions in their order. `None`: no server has that name.
    pub fn find(&self, host: &Str, captures: &mut Captures) -> Result<Option<&S>, GaveUp> {
        if self.servers.len() == 1 && self.regexes.is_empty() {
            return Ok(None);
        }
        if let Some(&number) = self.names.find(host) {
            return Ok(Some(&self.servers[number]));
        }
        if !host.is_empty() {
            for (regex, number) in &self.regexes {
                if regex.matches(host, captures)? {
                    return Ok(Some(&self.servers[*number]));
                }
            }
        }
        Ok(None)
    }
}

impl<S: Encrypted> Hosts<S> {
    /// The server for a handshake that asks for this name, and with whose certificate it goes on: one that has none takes
    /// the default server's.
    pub fn choose(
        &self,
        name: Option<&str>,
        captures: &mut Captures,
    ) -> Option<(&S, &tls::Server)> {
        let default = self.default_server();
        let server = match name {
            Some(name) => self.find(&Str::copy(name.as_bytes()), captures).ok()?.unwrap_or(default),
            None => default,
        };
        Some((server, server.own_tls().or(default.tls())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        assert_eq!(Name::parse("A.example"), Ok(Name::Exact("a.example".into())));
        assert_eq!(Name::parse("*.example"), Ok(Name::Suffix(".example".into(), false)));
        assert_eq!(Name::parse(".example"), Ok(Name::Suffix(".example".into(), true)));
        assert_eq!(Name::parse("www.*"), Ok(Name::Prefix("www.".into())));
        assert_eq!(Name::parse("~^w"), Ok(Name::Regex("^w".into())));
        // As nginx -t says.
        for bad in ["*", "*.", ".", "*a.example", "~"] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
        for odd in ["*.*", "a*.example", "w*w", "*.a.*", "a..b", "http://a/"] {
            assert_eq!(Name::parse(odd), Ok(Name::Exact(odd.into())), "{odd}");
        }
        assert!(Name::Exact("http://a/".into()).is_distinct());
        assert!(!Name::Exact("w*w".into()).is_distinct());
    }
}
