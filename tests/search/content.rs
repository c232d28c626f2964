//! What makes the answer in a location: `return`, `alias`, `try_files`.

use support::Random;

use crate::places::{FILES, TEXTS, one};
use crate::site::Place;
use crate::tree::Node;

/// What makes the answer, if it is not a file below `root`.
pub fn content(random: &mut Random, place: Place) -> Vec<Node> {
    let text = match random.below(12) {
        0..3 => {
            let code = one(
                random,
                &["200", "404", "403", "500", "204", "418", "405", "301", "201", "444", "416"],
            );
            match (random.below(3), place) {
                (0, _) => format!("return {code}"),
                _ => format!("return {code} \"{}\"", one(random, TEXTS)),
            }
        }
        3 => {
            let code = one(random, &["301 ", "302 ", "303 ", "307 ", "308 ", ""]);
            let to = one(
                random,
                &[
                    "/x",
                    "http://example.com/$arg_a",
                    "$scheme://$host/x",
                    "/a?b=$uri",
                    "https://x",
                    "$uri",
                ],
            );
            match code.is_empty() && !to.contains("://") {
                true => format!("return 302 {to}"),
                false => format!("return {code}{to}"),
            }
        }
        4..6 if place == Place::Prefix => {
            "alias html".to_owned()
                + one(
                    random,
                    &["/", "/dir/", "/sub", "", "/file.txt", "/$arg_a", "/linked/", "/dir"],
                )
        }
        4..6 if place == Place::Regex => {
            "alias html".to_owned()
                + one(random, &["/$1", "/dir/$1", "/$n/$2", "/$2", "/file.txt", "/$n"])
        }
        6..9 => {
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
            let last = one(
                random,
                &[
                    "=404",
                    "/index.html",
                    "@a",
                    "@b",
                    "=403",
                    "/sub/page.html?$args",
                    "$uri",
                    "/x/",
                    "/dir/",
                    "=200",
                    "/missing",
                    "@none",
                    "=301",
                ],
            );
            format!("try_files {} {last}", one(random, &tries))
        }
        _ => return Vec::new(),
    };
    vec![Node::line(text)]
}
