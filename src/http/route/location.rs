//! Servers and their locations, as requests find them.

use std::collections::BTreeMap;
use std::ops::Deref;

use mem::Str;
use proto::http1::Method;

use crate::route::hosts::Encrypted;
use crate::route::regex::{Captures, GaveUp, Regex};

/// How a location takes requests.
#[derive(Debug)]
pub enum MatchKind {
    /// URIs that begin with the pattern.
    Prefix,
    /// `^~`: a prefix that no regular expression overrides.
    PrefixFinal,
    /// `=`
    Exact,
    /// `~`, `~*`
    Regex(Box<Regex>),
    /// `@name`: only by name.
    Named,
    /// The server itself: requests that no location takes.
    Server,
    /// Nothing by its URI: requests of another location, under a condition (`if`, `limit_except`).
    Branch,
}

/// A location: the URIs that it takes, and what is done there.
pub struct Location<C> {
    /// How it takes requests.
    pub kind: MatchKind,
    /// The prefix, the name (with its `@`) or the expression.
    pub pattern: Str,
    /// What is done there.
    pub content: C,
    pub(crate) nested: Locations<C>,
    /// What is done instead, under conditions that a module evaluates.
    pub(crate) branches: Vec<Location<C>>,
    pub(crate) limit_except: Option<LimitExcept<C>>,
}

/// What is done instead for all methods but these.
pub(crate) struct LimitExcept<C> {
    pub allowed: Vec<Method>,
    pub location: Box<Location<C>>,
}

/// A server: its locations, and what is done for requests that none of them takes.
pub struct Server<C> {
    /// The first of its names.
    pub name: Str,
    /// Its part in handshakes, if it has one.
    pub(crate) tls: Option<tls::Server>,
    pub(crate) location: Location<C>,
    pub(crate) named: Vec<Location<C>>,
}

impl<C> Encrypted for Server<C> {
    fn tls(&self) -> Option<&tls::Server> {
        self.tls.as_ref()
    }
}

impl<C> Deref for Location<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.content
    }
}

impl<C> Location<C> {
    /// One that nothing leads away from.
    pub(crate) fn new(kind: MatchKind, pattern: Str, content: C) -> Location<C> {
        let (nested, branches) = (Locations::default(), Vec::new());
        Location { kind, pattern, content, nested, branches, limit_except: None }
    }

    /// This one, or what is done for the method instead.
    pub(crate) fn for_method(&self, method: Method) -> &Location<C> {
        match &self.limit_except {
            Some(limit) if !limit.allowed.contains(&method) => &limit.location,
            _ => self,
        }
    }
}

impl<C> Server<C> {
    /// The server's own settings, and what serves requests that no location takes.
    pub fn location(&self) -> &Location<C> {
        &self.location
    }

    /// The location called `@name`.
    pub fn named(&self, name: &[u8]) -> Option<&Location<C>> {
        self.named.iter().find(|location| &location.pattern[..] == name)
    }

    /// The location for a URI.
    pub fn find<'s>(
        &'s self,
        uri: &Str,
        captures: &mut Captures,
    ) -> Result<&'s Location<C>, GaveUp> {
        Ok(self.location.nested.find(uri, captures)?.unwrap_or(&self.location))
    }
}

/// The locations on one level.
pub(crate) struct Locations<C> {
    exact: BTreeMap<Box<[u8]>, Location<C>>,
    prefixes: BTreeMap<Box<[u8]>, Location<C>>,
    regexes: Vec<Location<C>>,
}

impl<C> Default for Locations<C> {
    fn default() -> Locations<C> {
        Locations { exact: BTreeMap::new(), prefixes: BTreeMap::new(), regexes: Vec::new() }
    }
}

impl<C> Locations<C> {
    /// Adds a location; gives its pattern back if there is one like it.
    pub fn add(&mut self, location: Location<C>) -> Result<(), Str> {
        let map = match location.kind {
            MatchKind::Exact => &mut self.exact,
            MatchKind::Regex(_) => {
                self.regexes.push(location);
                return Ok(());
            }
            _ => &mut self.prefixes,
        };
        let pattern: Box<[u8]> = location.pattern[..].into();
        match map.contains_key(&pattern) {
            true => Err(location.pattern),
            false => {
                map.insert(pattern, location);
                Ok(())
            }
        }
    }

    /// nginx's search: an exact one ends it, the longest prefix is remembered (and its nested ones
    /// are asked), then the expressions in their order, unless the prefix is `^~`.
    fn find<'s>(
        &'s self,
        uri: &Str,
        captures: &mut Captures,
    ) -> Result<Option<&'s Location<C>>, GaveUp> {
        if !self.exact.is_empty()
            && let Some(exact) = self.exact.get(&uri[..])
        {
            return Ok(Some(exact));
        }
        let prefix = self.longest_prefix(uri);
        let inner = match prefix {
            Some(prefix) => prefix.nested.find(uri, captures)?,
            None => None,
        };
        if inner.is_some_and(|inner| matches!(inner.kind, MatchKind::Exact | MatchKind::Regex(_))) {
            return Ok(inner);
        }
        if !prefix.is_some_and(|prefix| matches!(prefix.kind, MatchKind::PrefixFinal)) {
            for location in &self.regexes {
                if let MatchKind::Regex(regex) = &location.kind
                    && regex.matches(uri, captures)?
                {
                    return Ok(location.nested.find(uri, captures)?.or(Some(location)));
                }
            }
        }
        Ok(inner.or(prefix))
    }

    /// The greatest pattern that is not above the URI is the longest prefix, or shares with it the
    /// only part in which longer ones could be found.
    fn longest_prefix(&self, uri: &[u8]) -> Option<&Location<C>> {
        let mut bound = uri;
        loop {
            let range = (std::ops::Bound::Unbounded, std::ops::Bound::Included(bound));
            let (pattern, location) = self.prefixes.range::<[u8], _>(range).next_back()?;
            if uri.starts_with(pattern) {
                return Some(location);
            }
            let common = pattern.iter().zip(bound).take_while(|(a, b)| a == b).count();
            bound = &bound[..common];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(kind: MatchKind, pattern: &str) -> Location<()> {
        Location::new(kind, Str::copy(pattern.as_bytes()), ())
    }

    fn regex(pattern: &str) -> Location<()> {
        let regex = Regex::new(pattern, false, "").expect("compiles");
        location(MatchKind::Regex(Box::new(regex)), pattern)
    }

    fn found(locations: &Locations<()>, uri: &str) -> String {
        let uri = Str::copy(uri.as_bytes());
        let found = locations.find(&uri, &mut Captures::default()).expect("an answer");
        found.map_or("-".into(), |location| location.pattern.to_string())
    }

    #[test]
    fn the_documented_example() {
        let mut all = Locations::default();
        for one in [
            location(MatchKind::Exact, "/"),
            location(MatchKind::Prefix, "/"),
            location(MatchKind::Prefix, "/documents/"),
            location(MatchKind::PrefixFinal, "/images/"),
            regex(r"\.(gif|jpg|jpeg)$"),
        ] {
            assert!(all.add(one).is_ok());
        }
        assert_eq!(found(&all, "/"), "/");
        assert_eq!(found(&all, "/index.html"), "/");
        assert_eq!(found(&all, "/documents/document.html"), "/documents/");
        assert_eq!(found(&all, "/images/1.gif"), "/images/");
        assert_eq!(found(&all, "/documents/1.jpg"), r"\.(gif|jpg|jpeg)$");
        assert!(all.add(location(MatchKind::Prefix, "/")).is_err());
    }

    #[test]
    fn the_longest_prefix_wins_whatever_stands_between() {
        let mut all = Locations::default();
        for pattern in ["/", "/a", "/ab", "/abc/d", "/abd", "/b"] {
            assert!(all.add(location(MatchKind::Prefix, pattern)).is_ok());
        }
        for (uri, expected) in
            [("/abc/e", "/ab"), ("/abc/d/e", "/abc/d"), ("/abe", "/ab"), ("/c", "/"), ("/b", "/b")]
        {
            assert_eq!(found(&all, uri), expected, "{uri}");
        }
    }

    #[test]
    fn nested_expressions_go_before_outer_ones() {
        let mut outer = location(MatchKind::Prefix, "/app/");
        assert!(outer.nested.add(regex(r"\.php$")).is_ok());
        let mut all = Locations::default();
        assert!(all.add(outer).is_ok());
        assert!(all.add(regex("^/app/.*")).is_ok());
        assert_eq!(found(&all, "/app/x.php"), r"\.php$");
        assert_eq!(found(&all, "/app/x.css"), "^/app/.*");
    }
}
