//! Regular expressions with the semantics that nginx's users rely on: PCRE's.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;

use mem::Str;
use pcre2::bytes::{CaptureLocations, RegexBuilder};

/// `PCRE2_ERROR_JIT_STACKLIMIT` (`pcre2api(3)`).
const JIT_STACKLIMIT: i32 = -46;
/// So much of a subject is shown in the log.
const SHOWN: usize = 200;

/// A compiled expression, with room for the groups of one match.
pub struct Regex {
    regex: pcre2::bytes::Regex,
    locations: RefCell<CaptureLocations>,
    /// The same without JIT, compiled when a match first needs more stack than compiled code has.
    interpreted: OnceCell<Option<Box<pcre2::bytes::Regex>>>,
    /// Group numbers of the named groups.
    names: Vec<(usize, Rc<str>)>,
    source: Str,
    caseless: bool,
    /// `FILE:LINE`
    place: Box<str>,
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regex({})", self.source)
    }
}

/// What the groups of the latest match captured, and all that named groups have captured so far.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    subject: Str,
    groups: Vec<Option<(u32, u32)>>,
    /// With the number of the match.
    named: Vec<(Rc<str>, Str, u64)>,
    /// Matches so far.
    matches: u64,
}

/// PCRE gave up: whether the subject matches is not known. The text is for the log.
///
/// It must never be taken for "no match": a location that refuses would be passed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GaveUp(String);

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Regex {
    /// Compiles `pattern`, which is written at `place` (`FILE:LINE`); the error is PCRE's explanation.
    pub fn new(pattern: &str, caseless: bool, place: &str) -> Result<Regex, String> {
        let mut builder = RegexBuilder::new();
        builder.caseless(caseless).jit_if_available(true);
        let regex = builder.build(&escaped(pattern)).map_err(|error| error.to_string())?;
        let names = regex.capture_names().iter().enumerate();
        // As variables everywhere: in any case.
        let lower = |name: &str| Rc::from(name.to_ascii_lowercase());
        let names = names.filter_map(|(at, name)| Some((at, lower(name.as_deref()?)))).collect();
        let locations = RefCell::new(regex.capture_locations());
        let source = Str::copy(&conf::text::bytes(pattern));
        let (interpreted, place) = (OnceCell::new(), place.into());
        Ok(Regex { regex, locations, interpreted, names, source, caseless, place })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &Str {
        &self.source
    }

    /// How many groups it has.
    pub fn groups(&self) -> usize {
        // The first is the whole.
        self.regex.capture_names().len() - 1
    }

    /// The names of its groups in lower case: the variables that it sets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(_, name)| &**name)
    }

    /// Whether `subject` matches; the groups go to `captures`.
    pub fn matches(&self, subject: &Str, captures: &mut Captures) -> Result<bool, GaveUp> {
        let mut locations = self.locations.borrow_mut();
        match self.regex.captures_read(&mut locations, subject) {
            Ok(None) => return Ok(false),
            Ok(Some(_)) => self.capture(subject, &locations, captures),
            // Compiled code has a small fixed stack, the interpreter takes its memory from the heap.
            Err(error) if error.code() == JIT_STACKLIMIT => {
                let Some(regex) = self.interpreted() else {
                    return Err(self.gave_up(subject, &error));
                };
                let mut locations = regex.capture_locations();
                match regex.captures_read(&mut locations, subject) {
                    Ok(None) => return Ok(false),
                    Ok(Some(_)) => self.capture(subject, &locations, captures),
                    Err(error) => return Err(self.gave_up(subject, &error)),
                }
            }
            Err(error) => return Err(self.gave_up(subject, &error)),
        }
        Ok(true)
    }

    fn interpreted(&self) -> Option<&pcre2::bytes::Regex> {
        let compile = || {
            let mut builder = RegexBuilder::new();
            builder.caseless(self.caseless).build(self.regex.as_str()).ok().map(Box::new)
        };
        self.interpreted.get_or_init(compile).as_deref()
    }

    fn capture(&self, subject: &Str, locations: &CaptureLocations, captures: &mut Captures) {
        captures.matches += 1;
        captures.subject = subject.clone();
        captures.groups.clear();
        captures.groups.extend(
            (0..locations.len())
                .map(|group| locations.get(group).map(|(start, end)| (start as u32, end as u32))),
        );
        for (group, name) in &self.names {
            let value = captures.get(*group).unwrap_or_default();
            captures.named.retain(|(known, ..)| known != name);
            captures.named.push((name.clone(), value, captures.matches));
        }
    }

    fn gave_up(&self, subject: &[u8], error: &pcre2::Error) -> GaveUp {
        let (code, source, place) = (error.code(), &self.source, &self.place);
        let shown = String::from_utf8_lossy(&subject[..subject.len().min(SHOWN)]);
        let more = if subject.len() > SHOWN { "..." } else { "" };
        GaveUp(format!(
            "pcre2_match() failed: {code} on \"{shown}{more}\" using \"{source}\" in {place} ({error})"
        ))
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
        self.named.iter().find(|(known, ..)| &**known == name).map(|(_, value, _)| value.clone())
    }

    /// How many expressions have matched.
    pub fn matches(&self) -> u64 {
        self.matches
    }

    /// Whether the group of that name has captured something since so many had.
    pub fn is_newer(&self, name: &str, matches: u64) -> bool {
        self.named.iter().any(|(known, _, number)| &**known == name && *number > matches)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.subject = Str::EMPTY;
        self.groups.clear();
        self.named.clear();
        self.matches = 0;
    }
}

/// The pattern in characters that PCRE is given: it matches bytes.
fn escaped(pattern: &str) -> Cow<'_, str> {
    let bytes = conf::text::bytes(pattern);
    if bytes == pattern.as_bytes() {
        return Cow::Borrowed(pattern);
    }
    let mut escaped = String::new();
    for chunk in bytes.utf8_chunks() {
        escaped.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| escaped.push_str(&format!("\\x{byte:02x}")));
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ahead_and_names_work() {
        let regex = Regex::new(r"^/(?!private)(?<dir>\w+)/(\d+)", false, "").expect("compiles");
        let mut captures = Captures::default();
        assert_eq!(regex.matches(&Str::from("/private/1"), &mut captures), Ok(false));
        assert_eq!(regex.matches(&Str::from("/films/27"), &mut captures), Ok(true));
        assert_eq!(captures.named("dir"), Some(Str::from("films")));
        assert_eq!(captures.get(2), Some(Str::from("27")));
        assert_eq!(captures.get(3), None);
    }

    #[test]
    fn what_needs_more_stack_than_compiled_code_has_is_interpreted() {
        let regex = Regex::new(r"^/(?<all>([^/]*/)+)wp-config\.php$", false, "").expect("compiles");
        let mut captures = Captures::default();
        let subject = |end: &str| Str::from(format!("/{}{end}", "a/".repeat(3000)));
        assert_eq!(regex.matches(&subject("wp-config.php"), &mut captures), Ok(true));
        assert_eq!(captures.named("all"), Some(Str::from("a/".repeat(3000))));
        assert_eq!(regex.matches(&subject("x"), &mut captures), Ok(false));
    }

    #[test]
    fn giving_up_is_not_an_answer() {
        let regex = Regex::new("^/(?:a|b|ab)*c$", false, "x.conf:7").expect("compiles");
        let subject = Str::from(format!("/{}cx", "ab".repeat(4000)));
        let error = regex.matches(&subject, &mut Captures::default()).expect_err("too much").0;
        assert!(error.starts_with("pcre2_match() failed: -47 on \"/abab"), "{error}");
        assert!(error.contains("using \"^/(?:a|b|ab)*c$\" in x.conf:7"), "{error}");
    }

    #[test]
    fn faults_are_explained() {
        let error = Regex::new("(", false, "").expect_err("a fault");
        assert!(error.contains("parenthes"), "{error}");
    }
}
