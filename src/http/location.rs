//! Servers and their locations, as requests find them.

use std::collections::BTreeMap;

use mem::Str;

use crate::api::{Filter, Handler, Logger, Phase};
use crate::body::{BodyFilter, Trailers};
use crate::regex::{Captures, GaveUp, Regex};
use crate::settings::Settings;

/// How a location takes requests.
#[derive(Debug)]
pub enum Kind {
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
}

/// A location, ready to serve.
pub struct Location {
    /// How it takes requests.
    pub kind: Kind,
    /// The prefix, the name (with its `@`) or the expression.
    pub pattern: Str,
    /// The core's settings.
    pub settings: Settings,
    pub(crate) handlers: Box<[(Phase, Box<dyn Handler>)]>,
    pub(crate) filters: Box<[Box<dyn Filter>]>,
    pub(crate) body_filters: Box<[Box<dyn BodyFilter>]>,
    pub(crate) trailers: Box<[Box<dyn Trailers>]>,
    pub(crate) loggers: Box<[Box<dyn Logger>]>,
    pub(crate) nested: Locations,
}

/// A server, ready to serve.
pub struct Server {
    /// The first of its names.
    pub name: Str,
    pub(crate) location: Location,
    pub(crate) rewrite: Box<[Box<dyn Handler>]>,
    pub(crate) named: Vec<Location>,
}

impl Server {
    /// The server's own settings, and what serves requests that no location takes.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The location called `@name`.
    pub fn named(&self, name: &[u8]) -> Option<&Location> {
        self.named.iter().find(|location| &location.pattern[..] == name)
    }

    /// The location for a URI.
    pub fn find<'s>(&'s self, uri: &Str, captures: &mut Captures) -> Result<&'s Location, GaveUp> {
        Ok(self.location.nested.find(uri, captures)?.unwrap_or(&self.location))
    }
}

/// The locations on one level.
#[derive(Default)]
pub(crate) struct Locations {
    exact: BTreeMap<Box<[u8]>, Location>,
    prefixes: BTreeMap<Box<[u8]>, Location>,
    regexes: Vec<Location>,
}

impl Locations {
    /// Adds a location; gives its pattern back if there is one like it.
    pub fn add(&mut self, location: Location) -> Result<(), Str> {
        let map = match location.kind {
            Kind::Exact => &mut self.exact,
            Kind::Regex(_) => {
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
    ) -> Result<Option<&'s Location>, GaveUp> {
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
        if inner.is_some_and(|inner| matches!(inner.kind, Kind::Exact | Kind::Regex(_))) {
            return Ok(inner);
        }
        if !prefix.is_some_and(|prefix| matches!(prefix.kind, Kind::PrefixFinal)) {
            for location in &self.regexes {
                if let Kind::Regex(regex) = &location.kind
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
    fn longest_prefix(&self, uri: &[u8]) -> Option<&Location> {
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

    fn location(kind: Kind, pattern: &str) -> Location {
        Location {
            kind,
            pattern: Str::copy(pattern.as_bytes()),
            settings: Settings::default(),
            handlers: Box::default(),
            filters: Box::default(),
            body_filters: Box::default(),
            trailers: Box::default(),
            loggers: Box::default(),
            nested: Locations::default(),
        }
    }

    fn regex(pattern: &str) -> Location {
        let regex = Regex::new(pattern, false, "").expect("compiles");
        location(Kind::Regex(Box::new(regex)), pattern)
    }

    fn found(locations: &Locations, uri: &str) -> String {
        let uri = Str::copy(uri.as_bytes());
        let found = locations.find(&uri, &mut Captures::default()).expect("an answer");
        found.map_or("-".into(), |location| location.pattern.to_string())
    }

    #[test]
    fn the_documented_example() {
        let mut all = Locations::default();
        for one in [
            location(Kind::Exact, "/"),
            location(Kind::Prefix, "/"),
            location(Kind::Prefix, "/documents/"),
            location(Kind::PrefixFinal, "/images/"),
            regex(r"\.(gif|jpg|jpeg)$"),
        ] {
            assert!(all.add(one).is_ok());
        }
        assert_eq!(found(&all, "/"), "/");
        assert_eq!(found(&all, "/index.html"), "/");
        assert_eq!(found(&all, "/documents/document.html"), "/documents/");
        assert_eq!(found(&all, "/images/1.gif"), "/images/");
        assert_eq!(found(&all, "/documents/1.jpg"), r"\.(gif|jpg|jpeg)$");
        assert!(all.add(location(Kind::Prefix, "/")).is_err());
    }

    #[test]
    fn the_longest_prefix_wins_whatever_stands_between() {
        let mut all = Locations::default();
        for pattern in ["/", "/a", "/ab", "/abc/d", "/abd", "/b"] {
            assert!(all.add(location(Kind::Prefix, pattern)).is_ok());
        }
        for (uri, expected) in
            [("/abc/e", "/ab"), ("/abc/d/e", "/abc/d"), ("/abe", "/ab"), ("/c", "/"), ("/b", "/b")]
        {
            assert_eq!(found(&all, uri), expected, "{uri}");
        }
    }

    #[test]
    fn nested_expressions_go_before_outer_ones() {
        let mut outer = location(Kind::Prefix, "/app/");
        assert!(outer.nested.add(regex(r"\.php$")).is_ok());
        let mut all = Locations::default();
        assert!(all.add(outer).is_ok());
        assert!(all.add(regex("^/app/.*")).is_ok());
        assert_eq!(found(&all, "/app/x.php"), r"\.php$");
        assert_eq!(found(&all, "/app/x.css"), "^/app/.*");
    }
}
