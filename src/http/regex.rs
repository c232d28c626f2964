//! Regular expressions with the semantics that nginx's users rely on: PCRE's.

use std::cell::RefCell;
use std::rc::Rc;

use mem::Str;
use pcre2::bytes::{CaptureLocations, RegexBuilder};

/// A compiled expression, with room for the groups of one match.
pub struct Regex {
    regex: pcre2::bytes::Regex,
    locations: RefCell<CaptureLocations>,
    /// Group numbers of the named groups.
    names: Vec<(usize, Rc<str>)>,
    source: Str,
}

impl std::fmt::Debug for Regex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Regex({})", self.source)
    }
}

/// What the groups of the latest match captured, and all that named groups have captured so far.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    subject: Str,
    groups: Vec<Option<(u32, u32)>>,
    named: Vec<(Rc<str>, Str)>,
}

impl Regex {
    /// Compiles `pattern`; the error is PCRE's explanation.
    pub fn new(pattern: &str, caseless: bool) -> Result<Regex, String> {
        let mut builder = RegexBuilder::new();
        builder.caseless(caseless).jit_if_available(true);
        let regex = builder.build(pattern).map_err(|error| error.to_string())?;
        let names = regex.capture_names().iter().enumerate();
        let names = names.filter_map(|(at, name)| Some((at, Rc::from(name.as_deref()?)))).collect();
        let locations = RefCell::new(regex.capture_locations());
        Ok(Regex { regex, locations, names, source: Str::copy(pattern.as_bytes()) })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &Str {
        &self.source
    }

    /// The names of its groups: the variables that it sets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(_, name)| &**name)
    }

    /// Whether `subject` matches; the groups go to `captures`. A match that exceeds PCRE's limits is
    /// none.
    pub fn matches(&self, subject: &Str, captures: &mut Captures) -> bool {
        let mut locations = self.locations.borrow_mut();
        let found = self.regex.captures_read(&mut locations, subject);
        if !matches!(found, Ok(Some(_))) {
            return false;
        }
        captures.subject = subject.clone();
        captures.groups.clear();
        captures.groups.extend(
            (0..locations.len())
                .map(|group| locations.get(group).map(|(start, end)| (start as u32, end as u32))),
        );
        for (group, name) in &self.names {
            let value = captures.get(*group).unwrap_or_default();
            captures.named.retain(|(known, _)| known != name);
            captures.named.push((name.clone(), value));
        }
        true
    }

    /// Whether `subject` matches.
    pub fn is_match(&self, subject: &[u8]) -> bool {
        self.regex.is_match(subject).unwrap_or(false)
    }
}

impl Captures {
    /// `$1` … `$9`.
    pub fn get(&self, group: usize) -> Option<Str> {
        let (start, end) = (*self.groups.get(group)?)?;
        Some(self.subject.slice(start as usize..end as usize))
    }

    /// What the group of that name captured.
    pub fn named(&self, name: &str) -> Option<Str> {
        self.named.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone())
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.subject = Str::EMPTY;
        self.groups.clear();
        self.named.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ahead_and_names_work() {
        let regex = Regex::new(r"^/(?!private)(?<dir>\w+)/(\d+)", false).expect("compiles");
        let mut captures = Captures::default();
        assert!(!regex.matches(&Str::from("/private/1"), &mut captures));
        assert!(regex.matches(&Str::from("/films/27"), &mut captures));
        assert_eq!(captures.named("dir"), Some(Str::from("films")));
        assert_eq!(captures.get(2), Some(Str::from("27")));
        assert_eq!(captures.get(3), None);
    }

    #[test]
    fn faults_are_explained() {
        let error = Regex::new("(", false).expect_err("a fault");
        assert!(error.contains("parenthes"), "{error}");
    }
}
