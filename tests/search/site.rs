//! Sites by chance: servers, locations of all kinds, and what stands in them.

use support::Random;

use crate::content::content;
use crate::places::{EXPRESSIONS, NAMES, PREFIXES, TEXTS, one};
use crate::rewriting::rewriting;
use crate::tree::Node;

/// Where a directive stands.
#[derive(Clone, Copy, PartialEq)]
pub enum Place {
    Http,
    Server,
    Prefix,
    Regex,
    Named,
    /// `if` in a location.
    Branch,
}

/// What stands in the `http` block.
pub fn generate(random: &mut Random) -> Vec<Node> {
    let mut nodes = settings(random, Place::Http, 3);
    for number in 0..1 + random.below(3) {
        nodes.push(server(random, number));
    }
    nodes
}

fn server(random: &mut Random, number: usize) -> Node {
    let options = match number {
        0 => "",
        _ if random.one_in(4) => " default_server",
        _ => "",
    };
    let mut block = vec![
        Node::line(format!("listen 127.0.0.1:{{port}}{options}")).fixed(),
        Node::line("root html"),
    ];
    if !random.one_in(5) {
        let names: Vec<_> = (0..1 + random.below(2)).map(|_| one(random, NAMES)).collect();
        block.push(Node::line(format!("server_name {}", names.join(" "))));
    }
    block.extend(settings(random, Place::Server, 4));
    if random.one_in(3) {
        block.extend(rewriting(random, Place::Server));
    }
    for _ in 0..2 + random.below(6) {
        block.push(location(random, "", 2));
    }
    for name in ["@a", "@b"] {
        let mut inner = settings(random, Place::Named, 2);
        inner.extend(content(random, Place::Named));
        block.push(Node::block(format!("location {name}"), inner));
    }
    Node::block("server", block)
}

fn location(random: &mut Random, within: &str, depth: usize) -> Node {
    let prefix = one(random, PREFIXES);
    // Nested ones begin as those around them, or are expressions.
    let prefix = match within {
        "" => prefix.to_owned(),
        within => format!("{}{}", within.trim_end_matches('/'), prefix),
    };
    let (head, place, inside) = match random.below(10) {
        0..4 => (prefix.clone(), Place::Prefix, prefix),
        4 | 5 => (format!("= {prefix}"), Place::Prefix, String::new()),
        6 => (format!("^~ {prefix}"), Place::Prefix, prefix),
        _ => (one(random, EXPRESSIONS).to_owned(), Place::Regex, String::new()),
    };
    let mut block = settings(random, place, 4);
    block.extend(rewriting(random, place));
    block.extend(content(random, place));
    if depth > 0 && !head.starts_with('=') {
        for _ in 0..random.below(8).saturating_sub(4) {
            block.push(location(random, &inside, depth - 1));
        }
    }
    Node::block(format!("location {head}"), block)
}

fn settings(random: &mut Random, place: Place, most: usize) -> Vec<Node> {
    (0..random.below(most + 1)).map(|_| setting(random, place)).collect()
}

/// A directive that may stand there; in an `if` it may also be one that may not.
pub fn setting(random: &mut Random, place: Place) -> Node {
    if random.one_in(8) {
        return Node::line(one(random, MODULES));
    }
    let code = one(random, &["404", "403", "405", "416", "500", "418", "301", "413", "404 403"]);
    let text = match random.below(22) {
        0 => "index ".to_owned() + one(random, INDEXES),
        1 => {
            "default_type ".to_owned()
                + one(random, &["text/x", "application/json", "text/html", "''"])
        }
        2..5 => {
            let target = one(random, PAGES);
            let answer = one(random, &["", "", "", " =", " =200", " =404", " =301", " =204"]);
            format!("error_page {code}{answer} {target}")
        }
        5..8 => {
            let name = one(
                random,
                &["X-A", "X-B", "Cache-Control", "X-A", "ETag", "Last-Modified", "Link"],
            );
            let always = one(random, &["", "", " always"]);
            format!("add_header {name} \"{}\"{always}", one(random, TEXTS))
        }
        8 => one(
            random,
            &["deny all", "allow all", "deny 127.0.0.1", "allow 127.0.0.0/8", "allow 10.0.0.0/8"],
        )
        .into(),
        9 => "satisfy ".to_owned() + one(random, &["any", "all"]),
        10 => "etag ".to_owned() + one(random, &["on", "off"]),
        11 => "if_modified_since ".to_owned() + one(random, &["off", "exact", "before"]),
        12 => "max_ranges ".to_owned() + one(random, &["0", "1", "2", "5"]),
        13 => "absolute_redirect ".to_owned() + one(random, &["on", "off"]),
        14 => one(random, SWITCHES).into(),
        15 => "client_max_body_size ".to_owned() + one(random, &["0", "5", "10", "1k"]),
        16 => "keepalive_requests ".to_owned() + one(random, &["1", "2", "100"]),
        17 => return types(random),
        18 if matches!(place, Place::Prefix | Place::Regex) && random.one_in(2) => {
            "internal".into()
        }
        18 => {
            "disable_symlinks ".to_owned()
                + one(
                    random,
                    &["off", "on from=$document_root", "if_not_owner from=$document_root"],
                )
        }
        19 if matches!(place, Place::Http | Place::Server) => one(random, READING).into(),
        20 if place == Place::Server => {
            content(random, place).first().map_or("index x".into(), |node| node.text.clone())
        }
        _ => {
            "root html".to_owned()
                + one(random, &["", "/dir", "/sub/", "/", "/$arg_a", "/none", "/linked"])
        }
    };
    Node::line(text)
}

#[rustfmt::skip]
const INDEXES: &[&str] = &[
    "index.html", "none.html other.htm", "$arg_a index.html", "/file.txt", "none.html /dir/index.html",
    "page.html", "deep/file.txt", "index.html/file.txt", "none", "../file.txt", ".hidden",
];
/// Of modules.
#[rustfmt::skip]
const MODULES: &[&str] = &[
    "expires epoch", "expires max", "expires off", "autoindex on", "autoindex_format json", "charset utf-8",
    "charset_types text/plain", "msie_padding off", "random_index off", "ssi on", "sub_filter a b", "sub_filter_once off",
    "add_before_body /file.txt", "add_after_body /dir/file.txt", "userid_name x", "rewrite_log on", "limit_rate 1m",
    "uninitialized_variable_warn off", "flv", "mp4", "gzip on", "gzip_types *", "gzip_min_length 0",
];
#[rustfmt::skip]
const SWITCHES: &[&str] = &[
    "port_in_redirect off", "server_name_in_redirect on", "recursive_error_pages on", "log_not_found off",
    "sendfile on", "keepalive_timeout 75s 20s", "keepalive_timeout 0",
];
/// How a request's head is read: not of a location.
#[rustfmt::skip]
const READING: &[&str] = &[
    "merge_slashes off", "underscores_in_headers on", "ignore_invalid_headers off",
    "large_client_header_buffers 2 1k", "client_header_buffer_size 1k",
];
#[rustfmt::skip]
const PAGES: &[&str] = &[
    "/sub/page.html", "/missing", "@a", "@b", "http://example.com/", "/dir/", "/file.txt?x=1", "/dir",
    "/index.html", "$uri", "/$host", "http://$host$uri", "/a/b/x.txt", "/x",
];

fn types(random: &mut Random) -> Node {
    let all =
        ["text/html html htm", "text/plain txt", "image/gif gif", "text/x-gz gz", "text/up TXT"];
    let some = (0..random.below(4)).map(|_| Node::line(one(random, &all))).collect();
    Node::block("types", some)
}
