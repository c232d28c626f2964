//! What is done in the rewrite phases: `set`, `rewrite`, `if`, `break`, and what an `if` has in it.

use support::Random;

use crate::places::{FILES, TEXTS, one};
use crate::site::{Place, setting};
use crate::tree::Node;

/// Some of it, for a server or a location.
pub fn rewriting(random: &mut Random, place: Place) -> Vec<Node> {
    if !random.one_in(3) {
        return Vec::new();
    }
    (0..1 + random.below(3)).map(|_| step(random, place, true)).collect()
}

fn step(random: &mut Random, place: Place, may_branch: bool) -> Node {
    match random.below(9) {
        0 => Node::line(format!("set $v{} \"{}\"", random.below(2), one(random, TEXTS))),
        1..5 => rewrite(random),
        5 if random.one_in(3) => Node::line("break"),
        6..9 if may_branch => branch(random, place),
        _ => Node::line(format!(
            "return {} \"$uri?$args\"",
            one(random, &["200", "301", "404", "204"])
        )),
    }
}

fn rewrite(random: &mut Random) -> Node {
    let expression = one(
        random,
        &[
            "^",
            "^/(.*)$",
            "^/dir/(.*)$",
            "x",
            "^/(?<n>[a-z]+)/(.*)",
            r"\.txt$",
            "^/a",
            "/$",
            "(.*)",
        ],
    );
    let replacement = one(
        random,
        &[
            "/$1",
            "/dir/$1",
            "/sub/page.html",
            "/x?$1",
            "/$n/$2?a=$1",
            "/dir/?",
            "/$1?",
            "http://example.com/$1",
            "$uri",
            "/a b",
            "/%41$1",
            "/file.txt?b=$arg_a",
            "$scheme://$host/$1?x",
            "/$1/../x",
            "/index.html",
            "$1",
        ],
    );
    let flag = one(random, &["", "", " last", " break", " redirect", " permanent"]);
    Node::line(format!("rewrite {expression} \"{replacement}\"{flag}"))
}

fn branch(random: &mut Random, place: Place) -> Node {
    let condition = match random.below(8) {
        0 => format!("\"{}\" = \"\"", one(random, &["$arg_a", "$args", "$http_x_test"])),
        1 => format!("$request_method = {}", one(random, &["GET", "POST", "HEAD"])),
        2 => format!(
            "$uri ~{} {}",
            one(random, &["", "*"]),
            one(random, &["^/dir", r"\.txt$", "^/([a-z]+)", "X"])
        ),
        3 => format!("$args !~ {}", one(random, &["a", "^$", "b=(.)"])),
        4 => format!(
            "{} $request_filename",
            one(random, &["-f", "!-f", "-d", "!-d", "-e", "!-e", "-x", "!-x"])
        ),
        5 => format!("-f $document_root{}", one(random, FILES)),
        6 => one(random, &["$arg_a", "$args", "$is_args", "$http_none", "$cookie_c"]).to_owned(),
        _ => format!("$host != {}", one(random, &["localhost", "example.com", "$server_name"])),
    };
    let condition = condition
        .strip_prefix("\"$")
        .map_or(condition.clone(), |rest| format!("${}", rest.replacen('"', "", 1)));
    let mut block: Vec<Node> = (0..random.below(3)).map(|_| step(random, place, false)).collect();
    if place != Place::Server {
        block.extend((0..random.below(3)).map(|_| setting(random, Place::Branch)));
    }
    Node::block(format!("if ({condition})"), block)
}
