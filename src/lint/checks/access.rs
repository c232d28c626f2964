//! Doors that are open.

use conf::Node;

use crate::check::{Check, Report};
use crate::location::Location;
use crate::place::{Place, all, arg, children, has, says};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "allow_without_deny",
        why: "`allow` alone refuses nobody: whoever is in no list is let in",
        remedy: "add `deny all;` behind it",
        wrong: "location /admin/ { allow 10.0.0.0/8; }",
        right: "location /admin/ { allow 10.0.0.0/8; deny all; }\nlocation /open/ { allow all; }",
        look: allow_without_deny,
    },
    Check {
        name: "return_before_access",
        why: "`return` answers before `deny`, `auth_basic` and `auth_request` are asked: they protect nothing here",
        remedy: "send the answer from a file or from a location behind `try_files`, or check the client with `if`",
        wrong: "location /key { return 200 secret; deny all; }",
        right: "location /key { return 404; deny all; }\nlocation /page { deny all; }",
        look: return_before_access,
    },
    Check {
        name: "auth_request_open",
        why: "the location that answers `auth_request` can be asked from outside, too",
        remedy: "add `internal;` to it",
        wrong: "location /app/ { auth_request /auth; }\nlocation = /auth { proxy_pass http://127.0.0.1:81; }",
        right: "location /app/ { auth_request /auth; }\nlocation = /auth { internal; proxy_pass http://127.0.0.1:81; }",
        look: auth_request_open,
    },
    Check {
        name: "status_open",
        why: "the figures of the server are for everybody",
        remedy: "add `allow 127.0.0.1; deny all;`, or listen to 127.0.0.1",
        wrong: "location = /status { stub_status; }",
        right: "location = /status { stub_status; allow 127.0.0.1; deny all; }",
        look: status_open,
    },
    Check {
        name: "dav_open",
        why: "everybody can write and delete files",
        remedy: "ask for a password (`auth_basic`), or let in some addresses (`limit_except`, `allow`, `deny`)",
        wrong: "location /files/ { dav_methods PUT DELETE; }",
        right: "location /files/ { dav_methods PUT; limit_except GET { allow 10.0.0.0/8; deny all; } }",
        look: dav_open,
    },
];

/// What asks who the client is.
const GUARDS: &[&str] = &[
    "deny",
    "auth_basic",
    "auth_request",
    "auth_jwt",
    "internal",
    "limit_except",
    "secure_link",
    "ssl_verify_client",
    // The condition may be about the client.
    "if",
];

/// Reported once for a block, at its first.
fn allow_without_deny(place: &Place<'_>, report: &mut Report) {
    let Some(block) = place.parent().filter(|_| place.is("allow")) else { return };
    let first = all(block, "allow").next().is_some_and(|first| std::ptr::eq(first, place.node));
    let any = |block: &Node| all(block, "satisfy").any(|node| says(node, "any"));
    // One argument: those of `rtmp {}` have two.
    if first
        && all(block, "allow").all(|node| node.args.len() == 1 && !says(node, "all"))
        && !has(block, "deny")
        && !place.around().any(any)
    {
        report.at(&place.node.name, "nobody is refused here");
    }
}

fn return_before_access(place: &Place<'_>, report: &mut Report) {
    let Some(block) = place.parent().filter(|_| place.is("return") && place.is_http()) else {
        return;
    };
    let refuses = arg(place.node, 0).parse::<u16>().is_ok_and(|status| status >= 400);
    if refuses || block.name == "if" || has(block, "internal") {
        return;
    }
    let asks = |node: &&Node| {
        ["deny", "auth_basic", "auth_request"].iter().any(|name| node.name == *name)
            && arg(node, 0) != "off"
    };
    if let Some(guard) = children(block).iter().find(asks) {
        report.at(&place.node.name, format!("\"{}\" is never asked", guard.name.text));
    }
}

fn auth_request_open(place: &Place<'_>, report: &mut Report) {
    let Some(server) = place.nearest("server").filter(|_| place.is("auth_request")) else { return };
    let wanted = arg(place.node, 0);
    let answers = |node: &&Node| match Location::of(node) {
        Some(Location::Exact(path) | Location::Prefix(path)) => path == wanted,
        _ => false,
    };
    if let Some(open) = all(server, "location").find(answers)
        && !has(open, "internal")
    {
        report.at(Location::word(open), format!("\"{wanted}\" can be asked from outside"));
    }
}

fn status_open(place: &Place<'_>, report: &mut Report) {
    if place.is("stub_status") && !place.is_under(GUARDS) && !place.is_local() {
        report.at(&place.node.name, "everybody can see this");
    }
}

fn dav_open(place: &Place<'_>, report: &mut Report) {
    if place.is("dav_methods")
        && arg(place.node, 0) != "off"
        && !place.is_under(GUARDS)
        && !place.is_local()
    {
        report.at(&place.node.name, "everybody can write here");
    }
}
