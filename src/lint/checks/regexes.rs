//! Regular expressions that take too much, or too long.

use conf::Word;

use crate::check::{Check, Report};
use crate::location::Location;
use crate::pattern::{Pattern, slow_subject};
use crate::place::{Place, arg, children};
use crate::text::variables;

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "regex_backtracks",
        why: "a repetition within a repetition: a short text of the right kind is tried in millions of ways (measured with \
              PCRE2), and stops the worker for so long",
        remedy: "say each repetition once, or make it possessive: `(?>…)`, `++`",
        wrong: "location ~ \"^/(([a-z])+.)+[A-Z]([a-z])+$\" { return 200; }",
        right: "location ~ \"^/([a-z]+/)+$\" { return 200; }",
        look: regex_backtracks,
    },
    Check {
        name: "capture_missing",
        why: "the expression has no such group: the variable is empty",
        remedy: "put brackets around what is meant, or count them again",
        wrong: "rewrite ^/user/(.*)$ /index.php?name=$2 last;",
        right: "rewrite ^/(user)/(.*)$ /index.php?name=$2 last;",
        look: capture_missing,
    },
    Check {
        name: "origin_regex",
        why: "an expression that is not tied to both ends, or whose dots are not escaped, takes origins of others: \
              `https://a.example.evil.test`",
        remedy: "write `^https://a\\.example$`",
        wrong: "if ($http_origin ~ a\\.example) { set $cors 1; }",
        right: "if ($http_origin ~ ^https://a\\.example$) { set $cors 1; }\n\
                if ($http_origin ~* (https?://[^/]*\\.a\\.example(:[0-9]+)?$)) { set $cors 1; }",
        look: origin_regex,
    },
];

/// The expressions in a directive, with the words in which they stand.
fn expressions<'t>(place: &Place<'t>) -> Vec<(&'t Word, &'t str)> {
    let node = place.node;
    match node.name.text.as_str() {
        "location" => {
            Location::regex(node).map(|regex| (Location::word(node), regex)).into_iter().collect()
        }
        "rewrite" => node.args.first().map(|word| (word, word.text.as_str())).into_iter().collect(),
        "server_name" => {
            let regex = |word: &'t Word| Some((word, word.text.strip_prefix('~')?));
            node.args.iter().filter_map(regex).collect()
        }
        "if" => condition(place).into_iter().collect(),
        "map" => {
            let keys = children(node).iter().map(|line| &line.name);
            keys.filter_map(|word| {
                let regex = word.text.strip_prefix("~*").or(word.text.strip_prefix('~'))?;
                Some((word, regex))
            })
            .collect()
        }
        _ => Vec::new(),
    }
}

/// The expression of an `if`: `($a ~ x)`, `($a !~* x )`.
fn condition<'t>(place: &Place<'t>) -> Option<(&'t Word, &'t str)> {
    let args = &place.node.args;
    let sign = args.iter().position(|arg| ["~", "~*", "!~", "!~*"].contains(&arg.text.as_str()))?;
    let word = args.get(sign + 1)?;
    // The bracket of the condition is a part of its last word, unless that is quoted.
    let last = sign + 2 == args.len();
    Some((word, word.text.strip_suffix(')').filter(|_| last).unwrap_or(&word.text)))
}

fn regex_backtracks(place: &Place<'_>, report: &mut Report) {
    for (word, regex) in expressions(place) {
        if let Some(subject) = slow_subject(regex) {
            let shown: String = subject.escape_default().collect();
            report.at(word, format!("millions of steps for \"{shown}\""));
        }
    }
}

fn capture_missing(place: &Place<'_>, report: &mut Report) {
    let [regex, text, ..] = &place.node.args[..] else { return };
    if !place.is("rewrite") {
        return;
    }
    let Some(groups) = Pattern::new(&regex.text, false).map(|pattern| pattern.groups()) else {
        return;
    };
    let numbers = variables(&text.text).filter_map(|name| name.parse::<usize>().ok());
    if let Some(number) = numbers.filter(|number| *number > groups).max() {
        report.at(text, format!("there is no group for \"${number}\""));
    }
}

fn origin_regex(place: &Place<'_>, report: &mut Report) {
    if !arg(place.node, 0).trim_start_matches('(').eq("$http_origin") {
        return;
    }
    for (word, regex) in expressions(place) {
        // No host has "://" in it: what says that is tied.
        let begins = regex.trim_start_matches('(').starts_with('^') || regex.contains("://");
        let tied = begins && regex.trim_end_matches(')').ends_with('$');
        if is_name(regex) && (!tied || has_open_dot(regex)) {
            report.at(word, "origins of others are taken, too");
        }
    }
}

/// Whether an expression is about a host's name.
fn is_name(regex: &str) -> bool {
    regex.contains("\\.") || has_open_dot(regex)
}

/// Whether it has a dot between letters that is not escaped.
fn has_open_dot(regex: &str) -> bool {
    regex.as_bytes().windows(3).any(|three| {
        three[1] == b'.' && three[0].is_ascii_alphanumeric() && three[2].is_ascii_alphanumeric()
    })
}
