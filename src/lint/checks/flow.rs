//! Directives that do not come to pass.

use conf::Node;

use crate::check::{Check, Report};
use crate::place::{Place, all, children, has};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "never_reached",
        why: "`return` ends the request: what stands behind it in the same block, and what would answer otherwise, never runs",
        remedy: "leave out what is not reached, or put the `return` into an `if` or a location of its own",
        wrong: "location / { return 301 https://a.example$request_uri; proxy_pass http://127.0.0.1:81; }",
        right: "location / { if ($scheme = http) { return 301 https://a.example$request_uri; } proxy_pass http://127.0.0.1:81; }",
        look: never_reached,
    },
    Check {
        name: "if_skips_try_files",
        why: "an `if` that holds is a location of its own, and `try_files` is not inherited: it does not run for these requests",
        remedy: "move the `if` out of the location into the server, or take a `map`",
        wrong: "location / { try_files $uri /index.html; if ($arg_a) { set $b 1; } }",
        right: "if ($arg_a) { set $b 1; }\nlocation / { try_files $uri /index.html; }",
        look: if_skips_try_files,
    },
    Check {
        name: "if_last_wins",
        why: "of several `if`s in a location that hold, only the last one's directives count (besides `set`, `rewrite`, `return`)",
        remedy: "take a `map` and one directive with its variable",
        wrong: "location / { if ($arg_a) { add_header X-A 1; } if ($arg_b) { add_header X-B 1; } }",
        right: "location / { add_header X-A $arg_a; add_header X-B $arg_b; if ($arg_c) { return 403; } }",
        look: if_last_wins,
    },
];

/// What runs in the order in which it is written.
const REWRITES: &[&str] = &["if", "set", "rewrite", "return", "break"];
/// What answers.
const HANDLERS: &[&str] = &[
    "proxy_pass",
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "grpc_pass",
    "memcached_pass",
    "try_files",
    "empty_gif",
    "stub_status",
];

fn never_reached(place: &Place<'_>, report: &mut Report) {
    let node = place.node;
    let Some(block) = place.parent().filter(|_| place.is_http()) else { return };
    let runs = REWRITES.iter().any(|name| place.is(name));
    let answers = block.name == "location" && HANDLERS.iter().any(|name| place.is(name));
    let before = children(block).iter().take_while(|other| !std::ptr::eq(*other, node));
    let (mut returns, mut earlier) = (all(block, "return"), before);
    if (runs && earlier.any(|other| other.name == "return"))
        || (answers && returns.next().is_some())
    {
        report.at(&node.name, format!("\"{}\" is never reached", node.name.text));
    }
}

/// Whether what an `if` has in it leaves the location, or answers by itself.
fn leaves(condition: &Node) -> bool {
    let ends = |node: &Node| {
        ["return", "rewrite"].iter().any(|name| node.name == *name)
            || HANDLERS.iter().any(|name| node.name == *name)
    };
    children(condition).iter().any(ends)
}

fn if_skips_try_files(place: &Place<'_>, report: &mut Report) {
    if place.is("if")
        && place.stands_in("location")
        && place.parent().is_some_and(|location| has(location, "try_files"))
        && !leaves(place.node)
    {
        report.at(&place.node.name, "\"try_files\" does not run if this holds");
    }
}

fn if_last_wins(place: &Place<'_>, report: &mut Report) {
    let Some(location) = place.parent().filter(|block| block.name == "location") else { return };
    let sets = |node: &&Node| {
        let own = |node: &Node| !REWRITES.iter().any(|name| node.name == *name);
        !leaves(node) && children(node).iter().any(own)
    };
    let mut others = all(location, "if").filter(sets);
    let first = others.next();
    if place.is("if")
        && first.is_some_and(|first| !std::ptr::eq(first, place.node))
        && others.any(|other| std::ptr::eq(other, place.node))
    {
        report.at(&place.node.name, "if this holds, the directives of the one before do not");
    }
}
