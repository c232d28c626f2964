//! What makes the answer in a location: `return`, `alias`, `try_files`.

use support::Random;

use crate::places::{FILES, TEXTS, one};
use crate::site::Place;
use crate::tree::Node;

/// What makes the answer, if it is not a file below `root`.
pub fn content(random: &mut Random, place: Place) -> Vec<Node> {
    let text = match random.below(12) {
        0..3 => status(random),
        3 => redirect(random),
        4..6 if place == Place::Prefix => "alias html".to_owned() + one(random, ALIASES),
        4..6 if place == Place::Regex => "alias html".to_owned() + one(random, CAPTURES),
        6..9 => tries(random),
        _ => return Vec::new(),
    };
    vec![Node::line(text)]
}

fn status(random: &mut Random) -> String {
    let code = one(random, CODES);
    match random.below(3) {
        0 => format!("return {code}"),
        _ => format!("return {code} \"{}\"", one(random, TEXTS)),
    }
}

fn redirect(random: &mut Random) -> String {
    let code = one(random, &["301 ", "302 ", "303 ", "307 ", "308 ", ""]);
    let to = one(random, TARGETS);
    match code.is_empty() && !to.contains("://") {
        true => format!("return 302 {to}"),
        false => format!("return {code}{to}"),
    }
}

fn tries(random: &mut Random) -> String {
    let first = one(random, FILES);
    let tries = [
        "$uri",
        "$uri/",
        "$uri $uri/",
        first,
        "/dir$uri",
        "$uri.txt",
        "$uri/index.html",
        "$document_uri",
        "/$arg_a",
        "$arg_a/",
    ];
    let last = one(random, LAST);
    format!("try_files {} {last}", one(random, &tries))
}

#[rustfmt::skip]
const CODES: &[&str] = &["200", "404", "403", "500", "204", "418", "405", "301", "201", "444", "416"];
#[rustfmt::skip]
const TARGETS: &[&str] = &[
    "/x", "http://example.com/$arg_a", "$scheme://$host/x", "/a?b=$uri", "https://x", "$uri",
];
const ALIASES: &[&str] = &["/", "/dir/", "/sub", "", "/file.txt", "/$arg_a", "/linked/", "/dir"];
const CAPTURES: &[&str] = &["/$1", "/dir/$1", "/$n/$2", "/$2", "/file.txt", "/$n"];
#[rustfmt::skip]
const LAST: &[&str] = &[
    "=404", "/index.html", "@a", "@b", "=403", "/sub/page.html?$args", "$uri", "/x/", "/dir/", "=200", "/missing",
    "@none", "=301",
];
