//! What a client puts into answers and into requests to others.

use conf::{Node, Word};

use crate::check::{Check, Report};
use crate::location::Location;
use crate::pattern;
use crate::place::{Place, says};
use crate::text::{decoded_uri, variables};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "decoded_uri",
        why: "`$uri` and `$document_uri` are decoded: a client that sends `%0d%0a` writes header lines of its own into the \
              answer, or into the request to what is behind",
        remedy: "use `$request_uri`, which stays as it was sent",
        wrong: "location / { return 301 https://a.example$uri; }",
        right: "location / { return 301 https://a.example$request_uri; }\nlocation /x { rewrite ^ $uri.html last; }\nlocation = /y { return 301 $uri/; }",
        look: in_decoded_uri,
    },
    Check {
        name: "capture_with_line_break",
        why: "a class as `[^/]` takes line breaks: `%0d%0a` in the path becomes header lines of the answer",
        remedy: "exclude white space, too: `[^/\\s]`",
        wrong: "location ~ ^/old/([^/]+)$ { return 301 https://a.example/$1; }",
        right: "location ~ ^/old/([^/\\s]+)$ { return 301 https://a.example/$1; }",
        look: capture_with_line_break,
    },
];

/// The text of a redirect to another address.
fn redirect(node: &Node) -> Option<&Word> {
    if node.name == "return" {
        return match &node.args[..] {
            [url] => Some(url),
            [status, url] if status.text.starts_with('3') => Some(url),
            _ => None,
        };
    }
    let away = |url: &&Word| {
        ["http://", "https://", "$scheme"].iter().any(|head| url.text.starts_with(head))
    };
    if node.name == "error_page" {
        return node.args.last().filter(away);
    }
    let url = node.args.get(1).filter(|_| node.name == "rewrite")?;
    (away(&url) || says(node, "redirect") || says(node, "permanent")).then_some(url)
}

fn in_decoded_uri(place: &Place<'_>, report: &mut Report) {
    let node = place.node;
    let value = match node.name.text.as_str() {
        "return" | "rewrite" | "error_page" => redirect(node),
        "add_header" | "add_trailer" | "proxy_set_header" => node.args.get(1),
        "proxy_pass" => node.args.first(),
        _ => None,
    };
    let location = place.nearest("location").and_then(Location::of);
    // There, it is one address.
    let is_one = matches!(location, Some(Location::Exact(_)));
    if let Some(value) = value.filter(|_| !is_one)
        && let Some(name) = decoded_uri(&value.text)
    {
        report.at(value, format!("\"${name}\" may have line breaks"));
    }
}

fn capture_with_line_break(place: &Place<'_>, report: &mut Report) {
    if !place.is("return") {
        return;
    }
    let Some(value) = redirect(place.node) else { return };
    let Some(regex) = place.nearest("location").and_then(Location::regex) else { return };
    // An `if` has captures of its own, maybe.
    if place.stands_in("if") {
        return;
    }
    for (at, group) in pattern::groups(regex).into_iter().enumerate() {
        let number = (at + 1).to_string();
        let used = |name: &str| name == number || pattern::name(group) == Some(name);
        if pattern::takes_line_break(group) && variables(&value.text).any(used) {
            report.at(value, format!("what \"{group}\" takes may have line breaks"));
            return;
        }
    }
}
