//! Which server a request is for: by the name in its Host field.

use std::collections::HashMap;
use std::rc::Rc;

use mem::Str;

use crate::location::Server;
use crate::regex::{Captures, GaveUp, Regex};

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
    /// Reads a `server_name` argument.
    pub fn parse(text: &str) -> Result<Name, String> {
        if let Some(pattern) = text.strip_prefix('~') {
            return match pattern {
                "" => Err("empty regex in server name \"~\"".to_owned()),
                pattern => Ok(Name::Regex(pattern.to_owned())),
            };
        }
        let lower = text.to_ascii_lowercase();
        let invalid = || Err(format!("server name \"{text}\" is invalid"));
        let name = match &lower {
            name if name.starts_with("*.") => Name::Suffix(name[1..].to_owned(), false),
            name if name.starts_with('.') => Name::Suffix(name.clone(), true),
            name if name.ends_with(".*") => Name::Prefix(name[..name.len() - 1].to_owned()),
            name => Name::Exact(name.clone()),
        };
        match &name {
            Name::Suffix(rest, _) | Name::Prefix(rest) if rest.contains('*') || rest.len() < 2 => {
                invalid()
            }
            Name::Exact(name) if name.contains('*') || name.contains('/') => invalid(),
            _ => Ok(name),
        }
    }
}

/// The servers that share an address, by name. Servers are numbers here: their place in the list.
#[derive(Default)]
pub struct Hosts {
    servers: Vec<Rc<Server>>,
    default: usize,
    exact: HashMap<Box<[u8]>, usize>,
    /// Longest first.
    suffixes: Vec<(String, usize)>,
    prefixes: Vec<(String, usize)>,
    regexes: Vec<(Regex, usize)>,
}

impl Hosts {
    /// Adds a server under its names, each with the place where it is written. A name that another
    /// server has already is returned.
    pub fn add(
        &mut self,
        server: Rc<Server>,
        names: &[(Name, String)],
    ) -> Result<Vec<String>, String> {
        let number = self.servers.len();
        self.servers.push(server);
        let mut conflicts = Vec::new();
        for (name, place) in names {
            match name {
                Name::Exact(name) => self.add_exact(name, number, &mut conflicts),
                Name::Suffix(suffix, also_bare) => {
                    match self.suffixes.iter().any(|(known, _)| known == suffix) {
                        true => conflicts.push(format!("*{suffix}")),
                        false => self.suffixes.push((suffix.clone(), number)),
                    }
                    if *also_bare {
                        self.add_exact(&suffix[1..], number, &mut conflicts);
                    }
                }
                Name::Prefix(prefix) => {
                    match self.prefixes.iter().any(|(known, _)| known == prefix) {
                        true => conflicts.push(format!("{prefix}*")),
                        false => self.prefixes.push((prefix.clone(), number)),
                    }
                }
                Name::Regex(pattern) => {
                    self.regexes.push((Regex::new(pattern, true, place)?, number));
                }
            }
        }
        self.suffixes.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        self.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(conflicts)
    }

    fn add_exact(&mut self, name: &str, number: usize, conflicts: &mut Vec<String>) {
        match self.exact.contains_key(name.as_bytes()) {
            true => conflicts.push(name.to_owned()),
            false => drop(self.exact.insert(name.as_bytes().into(), number)),
        }
    }

    /// Makes the server that was added last the one for all other names.
    pub fn make_default(&mut self) {
        self.default = self.servers.len() - 1;
    }

    /// The server for all other names.
    pub fn default_server(&self) -> &Server {
        &self.servers[self.default]
    }

    /// The server for a host name (lower case): exact, the longest `*.x`, the longest `x.*`, the
    /// expressions in their order, the default.
    pub fn find(&self, host: &Str, captures: &mut Captures) -> Result<&Server, GaveUp> {
        if self.servers.len() == 1 && self.regexes.is_empty() {
            return Ok(self.default_server());
        }
        let number = self.exact.get(&host[..]).copied();
        let number = number.or_else(|| {
            let longer = |suffix: &str| host.len() > suffix.len();
            let ends = |suffix: &str| longer(suffix) && host.ends_with(suffix.as_bytes());
            self.suffixes.iter().find(|(suffix, _)| ends(suffix)).map(|(_, number)| *number)
        });
        let number = number.or_else(|| {
            let begins = |prefix: &str| host.starts_with(prefix.as_bytes());
            self.prefixes.iter().find(|(prefix, _)| begins(prefix)).map(|(_, number)| *number)
        });
        if let Some(number) = number {
            return Ok(&self.servers[number]);
        }
        if !host.is_empty() {
            for (regex, number) in &self.regexes {
                if regex.matches(host, captures)? {
                    return Ok(&self.servers[*number]);
                }
            }
        }
        Ok(self.default_server())
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
        for bad in ["*.*", "a*.example", "w*w", "*.", "~", "a/b"] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
    }
}
