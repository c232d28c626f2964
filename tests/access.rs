//! Who is let in, and what is added to the answer.

use support::{Server, http, site, start};

/// Asks as a client with this address.
fn from(server: &Server, address: &str, path: &str) -> u16 {
    server.curl(&["--interface", address], path).status
}

#[test]
fn the_first_rule_that_matches_decides() {
    let server = start!(site(
        r#"
        root html;
        location /all/ { deny all; }
        location /one/ { allow 127.0.0.2; deny all; }
        location /net/ { deny 127.0.0.4/31; allow 127.0.0.0/24; deny all; }
        location /but/ { deny 127.0.0.2; }
        location /v6/ { allow ::1; deny all; }
        location /outer/ { deny all; location /outer/inner/ {} location /outer/own/ { allow all; } }
        location /returns/ { deny all; return 200 anyway; }
    "#
    ));
    for dir in ["all", "one", "net", "but", "v6", "outer", "outer/inner", "outer/own"] {
        server.file(&format!("html/{dir}/a"), "");
    }
    for (path, address, status) in [
        ("/all/a", "127.0.0.1", 403),
        ("/one/a", "127.0.0.1", 403),
        ("/one/a", "127.0.0.2", 200),
        ("/net/a", "127.0.0.1", 200),
        ("/net/a", "127.0.0.5", 403),
        ("/net/a", "127.0.1.1", 403),
        ("/but/a", "127.0.0.1", 200),
        ("/but/a", "127.0.0.2", 403),
        ("/v6/a", "127.0.0.1", 403),
        ("/outer/a", "127.0.0.1", 403),
        ("/outer/inner/a", "127.0.0.1", 403),
        ("/outer/own/a", "127.0.0.1", 200),
        ("/returns/a", "127.0.0.1", 200),
        ("/all/none", "127.0.0.1", 403),
        ("/all/", "127.0.0.1", 403),
    ] {
        assert_eq!(from(&server, address, path), status, "{path} from {address}");
    }
    assert!(server.error_log().contains("access forbidden by rule, client: 127.0.0.1"));
}

#[test]
fn any_is_enough_if_the_configuration_says_so() {
    let server = start!(site(
        r#"
        root html; satisfy any;
        location /no/ { deny all; }
        location /yes/ { allow 127.0.0.1; deny all; }
    "#
    ));
    server.file("html/yes/a", "");
    server.file("html/no/a", "");
    assert_eq!(from(&server, "127.0.0.1", "/yes/a"), 200);
    assert_eq!(from(&server, "127.0.0.2", "/yes/a"), 403);
    assert_eq!(from(&server, "127.0.0.1", "/no/a"), 403);
}

#[test]
fn a_refusal_has_its_page() {
    let server = start!(site(
        r#"
        root html; error_page 403 /403.html;
        location /no/ { deny all; }
    "#
    ));
    server.file("html/403.html", "no entry");
    let answer = server.get("/no/x");
    assert_eq!((answer.status, answer.text().as_str()), (403, "no entry"));
    let server = start!(site("root html; deny all; error_page 403 /403.html;"));
    server.file("html/403.html", "no entry");
    let answer = server.get("/");
    assert_eq!((answer.status, answer.text().contains("403 Forbidden")), (403, true));
}

#[test]
fn added_headers() {
    let server = start!(http(
        r#"
        add_header X-Level http;
        server { listen 127.0.0.1:{port}; root html;
            location / {}
            location /own/ { alias html/; add_header X-Own "$request_method $uri"; add_header X-Own second; add_header X-Empty ""; }
            location /always/ { alias html/; add_header X-Always yes always; add_header X-Usual yes; }
            location /instead/ { alias html/; add_header ETag '"mine"'; add_header Last-Modified ""; add_header Cache-Control no-cache; }
            location /moved/ { return 302 /; }
        }
    "#
    ));
    server.file("html/a", "hello");
    assert_eq!(server.get("/a").all("X-Level"), ["http"]);
    assert_eq!(server.get("/none").all("X-Level"), [""; 0]);
    assert_eq!(server.get("/moved/").all("X-Level"), ["http"]);
    assert_eq!(server.curl(&["--range", "0-1"], "/a").all("X-Level"), ["http"]);
    let own = server.get("/own/a");
    assert_eq!(own.all("X-Own"), ["GET /own/a", "second"]);
    assert_eq!((own.all("X-Level").len(), own.all("X-Empty").len()), (0, 0), "not inherited");
    for (path, always, usual) in [("/always/a", 1, 1), ("/always/none", 1, 0)] {
        let answer = server.get(path);
        assert_eq!((answer.all("X-Always").len(), answer.all("X-Usual").len()), (always, usual));
    }
    for range in ["0-1", "100-"] {
        assert_eq!(
            server.curl(&["--range", range], "/always/a").all("X-Always").len(),
            1,
            "{range}"
        );
    }
    let instead = server.get("/instead/a");
    assert_eq!((instead.all("ETag"), instead.header("Last-Modified")), (vec!["\"mine\""], None));
    assert_eq!(instead.header("Cache-Control"), Some("no-cache"));
    let fresh = server.curl(&["--header", "If-None-Match: \"5-5\""], "/instead/a");
    assert_eq!(fresh.status, 200);
}
