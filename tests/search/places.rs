//! Words that sites and requests are made of: they meet often enough to mean something.

use support::Random;

/// One of them.
pub fn one<'t>(random: &mut Random, of: &[&'t str]) -> &'t str {
    of[random.below(of.len())]
}

/// Paths that begin locations.
#[rustfmt::skip]
pub const PREFIXES: &[&str] = &[
    "/", "/dir", "/dir/", "/d", "/sub/", "/sub", "/a", "/a/", "/a/b/", "/dir/deep/", "/file.txt",
    "/linked/", "/odd/", "/without/", "/x", "/.h", "/A/", "/dir/index.html", "/a.b/", "/no-type",
];
/// Regular expressions of locations.
#[rustfmt::skip]
pub const EXPRESSIONS: &[&str] = &[
    r"~ \.txt$", r"~* \.txt$", r"~ \.(html|gif)$", r"~ ^/(?<n>[a-z]+)/(.*)$", r"~ ^/a/(.+)\.txt$",
    r"~ /$", r"~* ^/DIR/", r"~ x", r"~ ^/dir/(?<n>[^/]*)$", r"~ \.", r"~ (.*)", r#"~ "^/[a-z]{3}/""#,
    r"~ index", r"~ ^/$",
];
/// Names of servers.
#[rustfmt::skip]
pub const NAMES: &[&str] = &[
    "localhost", "example.com", "*.example.com", ".example.com", "www.example.*", "a.b.example.com",
    r"~^(?<who>[a-z]+)\.test$", r"~^x", "_", r#""""#, "EXAMPLE.com", "www.example.com",
];
/// Hosts of requests.
#[rustfmt::skip]
pub const HOSTS: &[&str] = &[
    "localhost", "example.com", "www.example.com", "www.example.org", "a.b.example.com", "abc.test",
    "xyz", "LocalHost", "example.com:80", "example.com.", "127.0.0.1", "[::1]", "www.example.com.au",
    "_", "nowhere", "www.example.",
];
/// Paths of files, links and directories, and some that are none.
#[rustfmt::skip]
pub const FILES: &[&str] = &[
    "/file.txt", "/empty.txt", "/big.bin", "/index.html", "/dir/index.html", "/dir/other.htm",
    "/dir/file.txt", "/dir/deep/file.txt", "/sub/page.html", "/sub/x.gif", "/a%20b%25.txt",
    "/no-type", "/%C3%9C.txt", "/plus+.txt", "/name.TXT", "/.hidden", "/..x", "/dot.",
    "/two.tar.gz", "/odd/index.html/file.txt", "/link.txt", "/linked/file.txt", "/linked", "/broken",
    "/loop", "/loop/x", "/without", "/pipe", "/odd", "/missing", "/file.txt/", "/file.txt/x", "/",
    "/dir", "/dir/", "/sub/", "/odd/", "/linked/", "/without/", "/missing/", "/dir/deep/",
];
/// Variables, and text around them.
#[rustfmt::skip]
pub const TEXTS: &[&str] = &[
    "text", "$uri", "$args", "$request_uri", "$host", "$arg_a", "$http_x_test", "$request_method",
    "$is_args$args", "a ${uri}b", "$document_uri", "$server_name", "$scheme", "$remote_addr", "",
    "$query_string", "$content_length", "$content_type", "$request", "$server_protocol", "$status",
    "$sent_http_content_type", "$cookie_c", "$document_root", "$request_filename", "$server_addr",
    "$http_host", "$http_range", "$remote_user", "$request_length", "$https", "$arg_A", "$http_none",
    "$sent_http_location", "$sent_http_etag", "$sent_http_x_a", "$body_bytes_sent",
];
