//! Symbolic links, and ways out of the root.

use std::os::unix::fs::symlink;
use std::process::Command;

use support::{Server, process, site, start};

fn serving(body: &str) -> Server {
    let server = start!(site(&format!("root html; {body}")));
    server.file("html/real/a", "inside");
    server.file("outside/secret", "secret");
    for (to, name) in [
        ("real/a", "link"),
        ("real", "dir"),
        ("link", "link-to-link"),
        ("../outside/secret", "out"),
        ("../outside", "out-dir"),
        ("nowhere", "broken"),
        ("loop", "loop"),
    ] {
        symlink(to, server.path("html").join(name)).expect("a link");
    }
    server
}

#[test]
fn links_are_followed_unless_they_are_disabled() {
    let server = serving("");
    for (path, text) in [
        ("/link", "inside"),
        ("/dir/a", "inside"),
        ("/link-to-link", "inside"),
        ("/out", "secret"),
        ("/out-dir/secret", "secret"),
    ] {
        assert_eq!(server.get(path).text(), text, "{path}");
    }
    assert_eq!(server.get("/broken").status, 404);
    assert!(matches!(server.get("/loop").status, 403 | 404 | 500));
}

#[test]
fn disabled_links() {
    let server = serving(
        "disable_symlinks on from={dir}/html; location /all/ { disable_symlinks on; } location /off/ { disable_symlinks off; alias html/; }",
    );
    assert_eq!(server.get("/real/a").text(), "inside");
    for path in [
        "/link",
        "/dir/a",
        "/link-to-link",
        "/out",
        "/out-dir/secret",
        "/broken",
        "/loop",
        "/dir/",
        "/dir",
    ] {
        assert_eq!(server.get(path).status, 403, "{path}");
    }
    assert_eq!(server.get("/none").status, 404);
    assert_eq!(server.get("/off/link").text(), "inside");
}

#[test]
fn the_part_that_is_trusted() {
    let server = serving(
        "location /trusted/ { alias {dir}/html/dir/; disable_symlinks on from={dir}/html/dir; }
        location /not/ { alias {dir}/html/dir/; disable_symlinks on from={dir}/html; }
        location /root/ { alias {dir}/html/dir/; disable_symlinks on from=$document_root; }",
    );
    assert_eq!(server.get("/trusted/a").text(), "inside");
    assert_eq!(server.get("/not/a").status, 403);
    assert_eq!(server.get("/root/a").text(), "inside");
}

#[test]
fn links_of_other_owners() {
    let server = serving("disable_symlinks if_not_owner from={dir}/html;");
    for path in ["/link", "/dir/a", "/out"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let is_root =
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("proc")) == 0;
    if is_root {
        for name in ["link", "dir"] {
            process::run(
                Command::new("chown").args(["-h", "nobody"]).arg(server.path("html").join(name)),
            );
        }
        for path in ["/link", "/dir/a"] {
            assert_eq!(server.get(path).status, 403, "{path}");
        }
    }
}

#[test]
fn a_link_that_appears_is_not_hidden_by_the_cache() {
    let server = serving("disable_symlinks on from={dir}/html;");
    assert_eq!(server.get("/real/a").text(), "inside");
    std::fs::remove_file(server.path("html/real/a")).expect("removed");
    symlink(server.path("outside/secret"), server.path("html/real/a")).expect("a link");
    assert_eq!(server.get("/real/a").status, 403);
}

#[test]
fn no_way_out_of_the_root() {
    let server = serving("location /alias/ { alias html/real/; } location /files { alias html/real/; } location ~ ^/re/(.*)$ { alias html/real/$1; }
        location /var/ { root html/$arg_x; } location /try/ { try_files $uri $arg_f =404; } location /idx/ { index $arg_i; }");
    for path in [
        "/../outside/secret",
        "/%2e%2e/outside/secret",
        "/..%2foutside/secret",
        "/%2e%2e%2foutside%2fsecret",
        "/real/../../outside/secret",
        "/real/..%2f..%2foutside/secret",
        "//../outside/secret",
        "/./../outside/secret",
        "/alias/../../outside/secret",
        "/alias/%2e%2e/%2e%2e/outside/secret",
        "/alias/..%2f..%2foutside/secret",
        "/..%5coutside%5csecret",
        "/..\\outside\\secret",
        "/%252e%252e/outside/secret",
        "/%c0%ae%c0%ae/outside/secret",
        "/.%00./outside/secret",
        "/real/a%00/../../../outside/secret",
        "/re/../../outside/secret",
        "/re/..%2f..%2foutside/secret",
        "/....//outside/secret",
        "/..;/outside/secret",
        "/..%00/outside/secret",
        "/%2e%2e%00/outside/secret",
    ] {
        let answer = server.get(path);
        assert!(!answer.text().contains("secret") || answer.status >= 300, "{path}");
        assert!(matches!(answer.status, 400 | 403 | 404), "{path}: {}", answer.status);
        let raw = server.raw(format!("GET {path} HTTP/1.0\r\n\r\n"));
        assert!(!raw.ends_with(b"secret"), "{path}");
    }
}

/// As nginx: what is trusted ends where a name ends. `from=/a` says nothing of `/ab`, and `/ab` is not `/a/b`.
#[test]
fn what_is_trusted_ends_where_a_name_ends() {
    let server = start!(site(
        "location /i { alias {dir}/html; disable_symlinks on from=$document_root; }
        location /j/ { alias {dir}/html/; disable_symlinks on from=$document_root; }
        location /k/ { alias {dir}/html/; disable_symlinks on from={dir}/ht; }",
    ));
    server.file("html/secret", "inside");
    server.file("htmlb", "beside");
    assert_eq!(server.get("/isecret").status, 404);
    assert_eq!(server.get("/ib").text(), "beside");
    assert_eq!(server.get("/i/secret").text(), "inside");
    assert_eq!(server.get("/j/secret").text(), "inside");
    assert_eq!(server.get("/k/secret").text(), "inside");
}
