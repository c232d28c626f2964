//! The same requests through nginx and through this server to the same processes: what PHP sees, and what the client gets.

use support::{bytes, http, start};

use crate::php::Php;
use crate::site::Site;

#[test]
fn pages() {
    let site = Site::start("");
    for path in [
        "/",
        "/?a=b&c[]=d",
        "/a/page/of/the/site?x=%20y",
        "/index.php?p=1",
        "/plain.txt",
        "/none.php",
        "/dir/",
        "/dir",
        "/dir/index.php",
        "/server.php",
        "/server.php?a=b%20c&d",
        "/server.php/path/info?x",
        "/server.php/a%2Fb/%C3%A4%20c",
        "/server.php/",
        "/server.php/x.php/y",
        "/none.php/x",
        "/empty.php",
        "/reason.php",
        "/told.php",
        "/hint.php",
        "/long.php",
        "/to.php?to=/x",
        "/to.php?to=http://localhost/x",
        "/to.php?to=x",
        "/elsewhere.php?to=/inside/secret.txt",
        "/elsewhere.php?to=@named",
        "/elsewhere.php?to=/index.php?y",
    ] {
        site.compare(&[], path);
        site.compare(&["--head"], path);
    }
    for code in [200, 201, 301, 304, 400, 401, 404, 429, 500, 503] {
        site.compare(&[], &format!("/status.php?code={code}"));
    }
    // nginx says a type of what has no content.
    let empty = site.ours.get("/status.php?code=204");
    assert_eq!((empty.status, empty.header("X-Code"), empty.body.len()), (204, Some("204"), 0));
}

#[test]
fn what_php_sees() {
    let site = Site::start("");
    for args in [
        &["-H", "User-Agent: a \"b\"", "-H", "Cookie: x=y; z=1", "-H", "X-Two-Words: a, b"][..],
        &["-H", "Authorization: Basic YTpi", "-H", "Range: bytes=0-3"],
        &["-H", "X-Empty;", "-H", "X_Under: score", "-H", "x-LOWER: 1"],
        &["-H", "Host: localhost", "-H", "Accept:", "-H", "Connection: keep-alive, x"],
        &["-X", "DELETE", "-H", "If-None-Match: \"x\""],
        &["-X", "PUT", "-d", "a=b", "-H", "Content-Type: text/x"],
        &["-X", "POST", "-H", "Content-Length: 0"],
        &["-u", "somebody:word"],
        &["--http1.0"],
    ] {
        site.compare(args, "/server.php");
        site.compare(args, "/a/page?with=arguments");
    }
}

#[test]
fn bodies() {
    let site = Site::start("");
    let big = site.ours.file("big", bytes(3 << 20));
    let big = format!("@{}", big.display());
    for args in [
        &["-d", "a=b&c=d"][..],
        &["-d", ""],
        &["--data-binary", &big, "-H", "Content-Type: application/octet-stream"],
        &["--data-binary", &big, "-H", "Expect: 100-continue"],
        &["-H", "Transfer-Encoding: chunked", "-d", "in=chunks"],
        &["-H", "Transfer-Encoding: chunked", "--data-binary", &big, "-H", "Content-Type: x/y"],
        &["-X", "PUT", "-T", &big[1..]],
    ] {
        let answer = site.compare(args, "/body.php");
        assert_eq!(answer.status, 200);
    }
    let file = format!("file={};filename=a picture.jpg", big);
    let answer = site.compare(&["-F", &file, "-F", "title=of it"], "/upload.php");
    assert!(answer.text().contains("a picture.jpg 3145728 "), "{}", answer.text());
}

/// Requests that lead to PHP on their way, and those that are made on behalf of others.
#[test]
fn by_way_of_others() {
    let site = Site::start("");
    for path in ["/missing/x?y", "/page.shtml", "/guarded/x", "/kept/x"] {
        site.compare(&[], path);
        site.compare(&["-H", "X-Key: 1", "-H", "Cookie: a=b"], path);
        site.compare(&["-H", "X-Key: 1", "-d", "a=b&c=d"], path);
        site.compare(&["--head"], path);
    }
}

/// A client of HTTP/2 need not say how long its body is.
#[test]
fn over_http_2() {
    let php = Php::start(1);
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; http2 on; location / {{ root {{dir}}/html; include {}/conf/fastcgi.conf; fastcgi_pass {}; }} }}",
        env!("CARGO_MANIFEST_DIR"),
        php.address()
    )));
    let script =
        "<?php echo strlen(file_get_contents('php://input')), ' ', $_SERVER['CONTENT_LENGTH'], ' ',
        $_SERVER['HTTP_HOST'], ' ', $_SERVER['SERVER_PROTOCOL'];";
    server.file("html/a.php", script);
    let big = server.file("big", bytes(300_000));
    let big = format!("@{}", big.display());
    for field in ["X: y", "Content-Length:"] {
        let host = "Host: some.host:81";
        let args = ["--http2-prior-knowledge", "--data-binary", &big, "-H", field, "-H", host];
        assert_eq!(
            server.curl(&args, "/a.php").text(),
            "300000 300000 some.host:81 HTTP/2.0",
            "{field}"
        );
    }
}

#[test]
fn without_buffering() {
    let site = Site::start("fastcgi_request_buffering off; fastcgi_buffering off;");
    let big = site.ours.file("big", bytes(3 << 20));
    let big = format!("@{}", big.display());
    for path in ["/server.php", "/long.php", "/told.php"] {
        site.compare(&[], path);
    }
    site.compare(&["-d", "a=b&c=d"], "/body.php");
    site.compare(&["--data-binary", &big, "-H", "Content-Type: x/y"], "/body.php");
}

#[test]
fn settings_of_answers() {
    let pages = "fastcgi_intercept_errors on; error_page 404 = @named; error_page 500 /plain.txt;";
    let fields =
        "fastcgi_hide_header ETag; fastcgi_pass_header X-Accel-Expires; fastcgi_pass_header Status;
        fastcgi_ignore_headers X-Accel-Redirect;";
    let quiet = "fastcgi_pass_request_headers off; fastcgi_pass_request_body off; fastcgi_param HTTP_X own; fastcgi_param CONTENT_LENGTH '';";
    let params = "fastcgi_param HTTP_USER_AGENT 'own words'; fastcgi_param EMPTY ''; fastcgi_param NONE $http_none if_not_empty;
        fastcgi_param TWICE a; fastcgi_param TWICE b; fastcgi_param HTTP_HOST $host;";
    let keeps = "fastcgi_keep_conn on; fastcgi_buffers 4 8k;";
    let ranges = "fastcgi_force_ranges on;";
    for settings in [pages, fields, quiet, params, keeps, ranges] {
        let site = Site::start(settings);
        for path in [
            "/server.php",
            "/hint.php",
            "/reason.php",
            "/status.php?code=500",
            "/status.php?code=404",
            "/elsewhere.php?to=/inside/secret.txt",
            "/index.php",
        ] {
            site.compare(&["-H", "X: client's"], path);
            site.compare(&["-d", "a=b"], path);
            site.compare(&["-r", "2-5"], path);
        }
    }
}
