//! The patterns of `include`: `*`, `?` and `[…]`, as glob(3) reads them.
//!
//! The crate `glob` reads other ones: it knows `**`, and refuses a bracket that is not closed, which glob(3) takes as it
//! stands. Nor is its matching bounded, as it is here, by the pattern's length times the name's.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::text;

/// The paths that a pattern names, in order; relative ones start at `dir`.
///
/// Without a wildcard it is the path itself, whether or not there is such a file.
pub fn paths(dir: &Path, pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains(['*', '?', '[']) {
        return vec![dir.join(text::path(pattern))];
    }
    let (mut found, pattern) = match pattern.strip_prefix('/') {
        Some(rest) => (vec![PathBuf::from("/")], rest),
        None => (vec![dir.to_owned()], pattern),
    };
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|dir| step(dir, part)).collect();
    }
    found.sort();
    found
}

/// The entries of a directory that match one part of a pattern.
fn step(dir: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        let path = dir.join(text::path(part));
        return if path.symlink_metadata().is_ok() { vec![path] } else { Vec::new() };
    }
    // An empty path is the working directory. What cannot be read has no matches.
    let open = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let Ok(entries) = fs::read_dir(open) else { return Vec::new() };
    let pattern: Vec<char> = part.chars().collect();
    let hidden = part.starts_with('.');
    entries
        .filter_map(Result::ok)
        .map(|entry| text::decode(entry.file_name().as_bytes()))
        .filter(|name| hidden || !name.starts_with('.'))
        .filter(|name| matches(&pattern, &name.chars().collect::<Vec<_>>()))
        .map(|name| dir.join(text::path(&name)))
        .collect()
}

/// Whether a name matches, in at most `pattern × name` steps: after a mismatch only the last `*`
/// is tried again, one character further.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some(len) = pattern.get(p..).and_then(|rest| one(rest, name[n])) {
            p += len;
            n += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, n) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The length of the pattern's first element if it matches the character.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match *pattern.first()? {
        '?' => Some(1),
        '[' => match class(&pattern[1..], c) {
            Some((matched, len)) => matched.then_some(len + 1),
            // A bracket that is never closed stands for itself.
            None => (c == '[').then_some(1),
        },
        literal => (c == literal).then_some(1),
    }
}

/// Reads `abc]`, `a-z]` or `!a]`: whether the character is in it, and the length.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let mut i = start;
    let mut found = false;
    loop {
        match (*pattern.get(i)?, pattern.get(i + 1), pattern.get(i + 2)) {
            // A `]` that comes first is a member.
            (']', ..) if i > start => return Some((found != negated, i + 1)),
            (low, Some('-'), Some(&high)) if high != ']' => {
                found |= (low..=high).contains(&c);
                i += 3;
            }
            (member, ..) => {
                found |= member == c;
                i += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, name: &str) -> bool {
        let chars = |s: &str| s.chars().collect::<Vec<_>>();
        matches(&chars(pattern), &chars(name))
    }

    #[test]
    fn patterns() {
        for (pattern, name) in [
            ("*", ""),
            ("*.conf", "a.conf"),
            ("a*b*c", "aXbYbZc"),
            ("?.conf", "é.conf"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]a]", "]"),
            ("[a-]", "-"),
            ("[x", "[x"),
        ] {
            assert!(check(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("*.conf", "a.conf~"), ("?", ""), ("[a-c]", "d"), ("[!a]", "a"), ("a", "ab")]
        {
            assert!(!check(pattern, name), "{pattern} {name}");
        }
        assert!(!check(&"*a".repeat(2000), &"a".repeat(1500)));
    }
}
