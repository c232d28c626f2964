//! Methods, URIs, locations and redirects.

use crate::Case;

#[rustfmt::skip]
const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "MKCOL",
    "PROPFIND", "FOO", "X-Y_Z",
];
#[rustfmt::skip]
const PLACES: &[&str] = &[
    "/", "/file.txt", "/dir", "/dir/", "/missing", "/missing/", "/without-index/", "/exact",
    "/prefix/", "/text", "/204", "/301", "/404", "/418", "/444", "/500", "/503", "/internal/x",
    "/denied/file.txt", "/page/x", "/page200/x", "/page-own/x", "/page-url/x", "/page-named/x",
    "/page-405/file.txt", "/page-missing/x", "/added/file.txt", "/added/missing", "/try/x",
    "/try-code/x",
];
#[rustfmt::skip]
const URIS: &[&str] = &[
    "/302", "/302?y=1", "/303", "/307?a=b", "/307", "/308", "/url/x?y", "/exactly", "/exact/",
    "/exact?x", "/prefix", "/prefix/x.php", "/prefix/a?b=c", "/x.php", "/x.php?a", "/x.php/y",
    "/x.jpg", "/x.JpG", "/prefixed", "/alias", "/alias/page.html", "/alias/", "/alias/../file.txt",
    "/alias/%2e%2e/file.txt", "/nested/", "/nested/x.gif", "/nested/deep/x.gif", "/nested/deep",
    "/nested/x.php", "/try/page.html", "/try/", "/try", "/try-named/x", "/cycle/", "/internal/",
    "/dir?x=y", "/dir?", "/no-type", "/file.txt/", "/file.txt/x", "/file.txt?", "/file.txt?x",
    "/file.txt#frag", "/file.txt?x#frag", "/a%20b%25.txt", "/a b%25.txt", "/a+b.txt", "/plus+.txt",
    "/plus%2B.txt", "/%C3%9C.txt", "/%c3%9c.txt", "/Ü.txt", "/%66ile.txt", "/%46ile.txt",
    "//file.txt", "///file.txt", "/./file.txt", "/dir/../file.txt", "/dir/./../file.txt", "/dir/..",
    "/dir/.", "/dir/../", "/dir//index.html", "/dir/%2e%2e/file.txt", "/dir%2f..%2ffile.txt",
    "/dir%2Findex.html", "/%2ffile.txt", "/..", "/../", "/../file.txt", "/%2e%2e/file.txt",
    "/%2e%2e%2ffile.txt", "/dir/../../file.txt", "/..file.txt", "/.file", "/...", "/.../",
    "/dir/...", "/dir/..x", "/dir/.x", "/%", "/%2", "/%zz", "/%2g", "/%00", "/file.txt%00",
    "/file.txt%00.html", "/file%0d.txt", "/file%0a.txt", "/file%3Fx", "/file%23x", "/%25", "/%2525",
    "/%ff", "/%80%81", "/?", "/?x", "/??x", "/?x?y", "/#", "/#x", "/%3f",
    "/a/b/../c/../../file.txt", "/dir/?x=%00", "/dir?x=%zz", "/;x", "/file.txt;x", "/a:b", "/*",
    "*", "", "file.txt", "http:", "http:/", "http://", "http:///", "http://localhost",
    "http://localhost/", "http://localhost/file.txt", "http://localhost?x", "http://localhost#x",
    "http://localhost:8080/exact", "http://LOCALHOST/exact", "http://example.com/x",
    "http://a.example.com/x", "http://user@localhost/", "http://local host/", "http://[::1]/exact",
    "https://localhost/exact", "ftp://localhost/exact", "h1.x://localhost/exact",
    "1http://localhost/", "http//localhost/", "://x", "/\\..\\file.txt", "/\"", "/<x>", "/{x}",
    "/|", "/^", "/`", "/~x", "/dir\t", "/\u{7f}", "/\u{1}", "/x\u{0}y", "/dir;/", "/dir/%20",
    "/301?x=y", "/301#x",
];
#[rustfmt::skip]
const HOSTS: &[&str] = &[
    "localhost", "LOCALHOST", "localhost.", "localhost:80", "localhost:", "localhost:x",
    "localhost:99999", "example.com", "www.example.com", "www.example.org", "www.example.",
    "a.b.example.com", ".example.com", "exampleXcom", "abc.test", "ABC.test", "abc1.test", "", ".",
    "..", "a..b", "a/b", "a b", "a\tb", "[::1]", "[::1]:80", "[::1", "::1", "[x]", "user@localhost",
    "loc%61lhost", "local_host", "-", "localhost,localhost", "unknown", "localhost..", "a\u{1}b",
    "ä", "localhost/", "127.0.0.1", "localhost:80:80", "[::1]x", "[::1]:", "(x)",
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for method in METHODS {
        cases.extend(PLACES.iter().map(|uri| Case::request(method, uri, "")));
    }
    for uri in URIS {
        cases.push(Case::request("GET", uri, ""));
    }
    for host in HOSTS {
        for uri in ["/exact", "/dir"] {
            let bytes = format!("GET {uri} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            cases.push(Case::new(format!("{uri} of host {host:?}"), bytes));
        }
    }
    cases
}
