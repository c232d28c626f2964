//! Regular expressions: what they take, and at what cost, is tried, not guessed.

use pcre2::bytes::{Regex, RegexBuilder};

/// So many steps of the matcher are too many for a subject of [`LENGTH`]: what is exponential takes them, what is a
/// power of the length does not, up to the fourth.
const STEPS: u32 = 2_000_000;
/// How long what is repeated in a subject is.
const LENGTH: usize = 32;
/// So many groups of one expression are tried.
const MOST_GROUPS: usize = 16;
/// `PCRE2_ERROR_MATCHLIMIT` (`pcre2api(3)`).
const GAVE_UP: i32 = -47;

/// An expression that gives up after [`STEPS`].
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// `None` if it is none: that is told elsewhere.
    pub(crate) fn new(source: &str, any_case: bool) -> Option<Pattern> {
        let limited = format!("(*LIMIT_MATCH={STEPS}){source}");
        let regex = RegexBuilder::new().caseless(any_case).build(&limited).ok()?;
        Some(Pattern(regex))
    }

    pub(crate) fn takes(&self, subject: &str) -> bool {
        self.0.is_match(subject.as_bytes()).unwrap_or(false)
    }

    fn gives_up(&self, subject: &str) -> bool {
        self.0.is_match(subject.as_bytes()).is_err_and(|error| error.code() == GAVE_UP)
    }

    /// How many groups it has.
    pub(crate) fn groups(&self) -> usize {
        self.0.captures_len().saturating_sub(1)
    }
}

/// A short text that an expression takes too long to refuse.
pub(crate) fn slow_subject(source: &str) -> Option<String> {
    // Nothing is repeated inside of what is repeated: nothing to try.
    if source.matches(['+', '*', '}']).count() < 2 || !source.contains('(') {
        return None;
    }
    let pattern = Pattern::new(source, false)?;
    for (before, group) in opened(source).into_iter().take(MOST_GROUPS) {
        let head = sample(before);
        // What must be there is there, or the matcher sees at once that it is not.
        let tail = sample(&source[before.len() + group.len()..]);
        let mut fills = vec![sample(group)];
        fills.extend(["a", "A", "0", "/", "-", ".", "_", " "].map(str::to_owned));
        for fill in fills.iter().filter(|fill| !fill.is_empty() && fill.len() <= LENGTH) {
            // A line break is what most expressions do not take.
            let subject = format!("{head}{}\n!{tail}", fill.repeat(LENGTH / fill.len()));
            if pattern.gives_up(&subject) {
                return Some(subject);
            }
        }
    }
    None
}

/// What stands before each group, and in it.
fn opened(source: &str) -> Vec<(&str, &str)> {
    let starts = brackets(source, '(');
    starts.map(|at| (&source[..at], &source[at..at + group_len(&source[at..])])).collect()
}

/// Where a bracket stands that is neither escaped nor in a class.
fn brackets(source: &str, bracket: char) -> impl Iterator<Item = usize> {
    let (mut escaped, mut class) = (false, false);
    source.char_indices().filter_map(move |(at, c)| {
        if std::mem::take(&mut escaped) {
            return None;
        }
        match c {
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            _ => {}
        }
        (c == bracket && !class).then_some(at)
    })
}

/// The length of the group that a text begins with, with its brackets.
fn group_len(text: &str) -> usize {
    let ends: Vec<usize> = brackets(text, ')').collect();
    let opened = |end: usize| brackets(&text[..end], '(').count();
    let closes = ends.iter().enumerate().find(|(nth, end)| opened(**end) == nth + 1);
    closes.map_or(text.len(), |(_, end)| end + 1)
}

/// The numbered groups of an expression, from the first.
pub(crate) fn groups(source: &str) -> Vec<&str> {
    let groups = opened(source).into_iter().map(|(_, group)| group);
    groups.filter(|group| !group.starts_with("(?") || is_named(group)).collect()
}

fn is_named(group: &str) -> bool {
    ["(?P<", "(?<", "(?'"].iter().any(|head| group.starts_with(head))
        && !group.starts_with("(?<=")
        && !group.starts_with("(?<!")
}

/// The name of a group.
pub(crate) fn name(group: &str) -> Option<&str> {
    let rest = is_named(group).then(|| group.trim_start_matches(['(', '?', 'P', '<', '\'']))?;
    rest.split(['>', '\'']).next()
}

/// Whether a part of an expression takes a line break: it has a class of all but some, and that is not one.
pub(crate) fn takes_line_break(part: &str) -> bool {
    part.split("[^").skip(1).any(|class| {
        let class = class.split(']').next().unwrap_or("");
        !["\\n", "\\r", "\\s", "\\v", "[:space:", "[:cntrl:"].iter().any(|not| class.contains(not))
            && !class.contains('\n')
    })
}

/// A text that the plain parts of an expression take: the rest is left out.
fn sample(source: &str) -> String {
    let mut text = String::new();
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => text.push('0'),
                Some('w' | 'S') => text.push('a'),
                Some('s') => text.push(' '),
                Some(c) if !c.is_ascii_alphanumeric() => text.push(c),
                _ => {}
            },
            '[' => {
                let first = chars.next();
                text.extend(first.filter(|c| c.is_ascii_alphanumeric() || *c == '/'));
                text.extend((first == Some('^')).then_some('a'));
                chars.by_ref().take_while(|c| *c != ']').for_each(drop);
            }
            '(' if chars.peek() == Some(&'?') => {
                chars.by_ref().take_while(|c| !matches!(c, ':' | '>' | '=' | '!')).for_each(drop);
            }
            '.' => text.push('a'),
            '|' => break,
            '^' | '$' | '(' | ')' | '*' | '+' | '?' | '{' | '}' => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exponential_is_found() {
        for slow in
            ["^(a+)+$", "^/x/((a|b)+-?)+\\.html$", "(\\w+\\s?)+$", "^/(([a-z])+.)+[A-Z]([a-z])+$"]
        {
            assert!(slow_subject(slow).is_some(), "{slow}");
        }
        for quick in [
            "\\.php$",
            "^/(.*)/(.*)/(.*)$",
            "^(/[^/]+)+$",
            "^/~([^/]+)(/.*)?$",
            "^(?:[a-z0-9-]+\\.)+example\\.org$",
            "\\.(jpe?g|png)$",
            "^/sites/.*/files/.*\\.php$",
        ] {
            assert_eq!(slow_subject(quick), None, "{quick}");
        }
    }

    #[test]
    fn groups_are_told_apart() {
        let all = "^/(?:x)(a(b))/(?<name>[)]c)(?=d)(?<!e)\\(";
        assert_eq!(groups(all), ["(a(b))", "(b)", "(?<name>[)]c)"]);
        assert_eq!(name("(?<name>[)]c)"), Some("name"));
        assert_eq!(name("(?P<n>x)"), Some("n"));
        assert!(takes_line_break("([^/]+)"));
        assert!(!takes_line_break("([^/\\s]+)") && !takes_line_break("(.*)"));
    }
}
