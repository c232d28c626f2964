//! Header lines that are lost, or said twice.

use conf::Node;

use crate::check::{Check, Report};
use crate::place::{Place, all, arg, says};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "add_header_lost",
        why: "a block with an `add_header` of its own has none of those around it: the security headers of the server are \
              not sent here",
        remedy: "repeat them here, or put them into a file and include it in both (or `add_header_inherit merge`)",
        wrong: "add_header X-Frame-Options DENY;\nlocation / { add_header Cache-Control no-cache; }",
        right: "add_header X-Frame-Options DENY;\nlocation / { add_header Cache-Control no-cache; add_header X-Frame-Options DENY; }",
        look: add_header_lost,
    },
    Check {
        name: "proxy_header_lost",
        why: "a block with a `proxy_set_header` of its own has none of those around it: what is behind does not learn the \
              host or the client",
        remedy: "repeat the others, or include a file that has them all",
        wrong: "proxy_set_header X-Real-IP $remote_addr;\nlocation /ws/ { proxy_set_header Upgrade $http_upgrade; \
                proxy_pass http://127.0.0.1:81; }",
        right: "proxy_set_header X-Real-IP $remote_addr;\nlocation /ws/ { proxy_pass http://127.0.0.1:81; }",
        look: proxy_header_lost,
    },
    Check {
        name: "header_with_line_break",
        why: "a value of several lines: clients take the second for a header of its own, or refuse the answer",
        remedy: "write it in one line",
        wrong: "add_header Content-Security-Policy \"default-src 'self';\n    img-src *\";",
        right: "add_header Content-Security-Policy \"default-src 'self'; img-src *\";",
        look: header_with_line_break,
    },
    Check {
        name: "header_said_twice",
        why: "`add_header` adds a line, and the server sends its own as well: which of both holds is the client's guess",
        remedy: "set the type with `default_type` or `types {}`; the length and the others are the server's",
        wrong: "location = /x { add_header Content-Type application/json; return 200 '{}'; }",
        right: "location = /x { default_type application/json; return 200 '{}'; }",
        look: header_said_twice,
    },
];

const SECURITY: &[&str] = &[
    "strict-transport-security",
    "content-security-policy",
    "x-frame-options",
    "x-content-type-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-embedder-policy",
    "cross-origin-resource-policy",
];

const FORWARDED: &[&str] =
    &["host", "x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];

/// The header names that a block's own directives set.
fn names(block: &Node, directive: &str) -> Vec<String> {
    all(block, directive).map(|node| arg(node, 0).to_ascii_lowercase()).collect()
}

/// Which of those that count the blocks around set, and the block with this directive (its first) does not.
fn lost(place: &Place<'_>, directive: &str, counted: &[&str]) -> Option<String> {
    let block = place.parent().filter(|_| place.is(directive))?;
    if !all(block, directive).next().is_some_and(|first| std::ptr::eq(first, place.node)) {
        return None;
    }
    let outer = place.around().skip(1).map(|block| names(block, directive));
    let outer = outer.into_iter().find(|names| !names.is_empty())?;
    let own = names(block, directive);
    let gone = |name: &&String| counted.contains(&name.as_str()) && !own.contains(name);
    let gone: Vec<&str> = outer.iter().filter(gone).map(String::as_str).collect();
    (!gone.is_empty()).then(|| gone.join(", "))
}

fn add_header_lost(place: &Place<'_>, report: &mut Report) {
    let merges = |block: &Node| all(block, "add_header_inherit").any(|node| says(node, "merge"));
    if let Some(gone) = lost(place, "add_header", SECURITY)
        && !place.around().any(merges)
    {
        report.at(&place.node.name, format!("not sent here any more: {gone}"));
    }
}

fn proxy_header_lost(place: &Place<'_>, report: &mut Report) {
    if let Some(gone) = lost(place, "proxy_set_header", FORWARDED) {
        report.at(&place.node.name, format!("not sent from here any more: {gone}"));
    }
}

fn header_with_line_break(place: &Place<'_>, report: &mut Report) {
    let sets = ["add_header", "add_trailer", "proxy_set_header", "more_set_headers"];
    if sets.iter().any(|name| place.is(name))
        && let Some(value) = place.node.args.iter().find(|arg| arg.text.contains(['\n', '\r']))
    {
        report.at(value, "the value has a line break");
    }
}

fn header_said_twice(place: &Place<'_>, report: &mut Report) {
    let servers = ["content-type", "content-length", "transfer-encoding", "connection", "date"];
    // Behind a proxy, it may be the only one.
    let hides = place.is_under(&["proxy_hide_header", "fastcgi_hide_header", "uwsgi_hide_header"]);
    if place.is("add_header")
        && servers.contains(&arg(place.node, 0).to_ascii_lowercase().as_str())
        && !hides
    {
        report.at(&place.node.args[0], format!("\"{}\" is sent twice", arg(place.node, 0)));
    }
}
