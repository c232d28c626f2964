//! What a variable brings is a value, wherever the text that it becomes a part of has a grammar: fields of
//! a header, paths, lines of a log.

use support::{Server, http, start};

/// A tree with something beside the root that nobody is to see.
fn tree(directives: &str) -> Server {
    let conf = http(&format!("server {{ listen 127.0.0.1:{{port}}; root html; {directives} }}"));
    let server = start!(conf);
    server.file("secret.txt", "secret");
    server.file("html/in.txt", "in");
    server.file("html/img/a.txt", "a");
    server.file("html/sub/x.txt", "x");
    server
}

#[test]
fn no_value_begins_a_field_of_the_header() {
    let server = tree(
        "location /add { add_header X-Uri $uri; add_header ETag $uri; return 200 ok; }
         location /to { return 302 http://other.example$uri; }
         location /here { return 302 $uri; }
         location /page { error_page 404 =302 http://other.example$uri; try_files /nope =404; }",
    );
    for path in ["/add", "/to", "/here", "/page"] {
        for end in ["%0d%0aX-Evil: 1", "%0aX-Evil: 1", "%0dX-Evil: 1"] {
            let path = format!("{path}{end}").replace(' ', "%20");
            let bytes =
                server.raw(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let head = text.split("\r\n\r\n").next().unwrap_or_default();
            let lines = || head.split(['\r', '\n']);
            assert!(head.contains("X-Evil") && !lines().any(|l| l.starts_with("X-Evil")), "{head}");
        }
    }
}

#[test]
fn no_value_leads_out_of_the_directory_that_is_written() {
    // nginx serves these: there the directory is only where the path begins.
    let server = tree(
        "location /root/ { root html/$arg_d; }
         location = /alias { alias html/$arg_d; }
         location = /field { alias html/$http_d; }
         location ~ ^/re(?<rest>.*)$ { alias html/sub/$rest; }
         location /img { alias html/img/; }
         location = /try { try_files /$arg_d =404; }
         location = /last { try_files /nope /$arg_d; }
         location = /page { error_page 404 /$arg_d; try_files /nope =404; }
         location /index/ { alias html/; index $arg_d; }",
    );
    server.file("html/root/y.txt", "y");
    for (path, wanted) in [
        ("/alias?d=in.txt", "in"),
        ("/alias?d=sub/x.txt", "x"),
        ("/try?d=in.txt", "in"),
        ("/last?d=in.txt", "in"),
        ("/page?d=in.txt", "in"),
        ("/index/?d=in.txt", "in"),
        ("/rex.txt", "x"),
        ("/img/a.txt", "a"),
        ("/root/y.txt?d=", "y"),
    ] {
        assert_eq!(server.get(path).text(), wanted, "{path}");
    }
    for path in [
        "/alias?d=../secret.txt",
        "/alias?d=sub/../../secret.txt",
        "/root/secret.txt?d=..",
        "/root/y.txt?d=sub/..",
        "/re../in.txt",
        "/re../../secret.txt",
        "/img../in.txt",
        "/img../../secret.txt",
        "/img..",
        "/try?d=../secret.txt",
        "/last?d=../secret.txt",
        "/page?d=../secret.txt",
        "/index/?d=../secret.txt",
    ] {
        let bytes =
            server.raw(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "400" | "403" | "404"), "{path}: {text}");
        assert!(!text.ends_with("secret") && !text.ends_with("in"), "{path}: {text}");
    }
    // What is written may go up.
    let server = tree(
        "location = /up { alias html/../$arg_d; } location = /in { try_files /sub/../$arg_d =404; }",
    );
    assert_eq!(server.get("/up?d=secret.txt").text(), "secret");
    assert_eq!(server.get("/in?d=in.txt").text(), "in");
    assert_eq!(server.get("/up?d=../secret.txt").status, 404);
}

#[test]
fn no_value_makes_a_line_or_a_member_of_the_log() {
    let server = start!(http(
        "log_format json escape=json '{\"uri\":\"$uri\",\"agent\":\"$http_user_agent\"}';
         access_log logs/json json buffer=0;
         server { listen 127.0.0.1:{port}; location / { return 200 ok; } }"
    ));
    let agent = "a\" 200 0 \"-\" \"b\\";
    server.curl(&["-A", agent], "/x%0A127.0.0.1%20evil%22,%22y%22:%22");
    server.wait_for("the lines", || server.access_log().contains('\n'));
    let log = server.access_log();
    assert_eq!((log.lines().count(), log.matches('"').count()), (1, 6), "{log}");
    let json = std::fs::read_to_string(server.path("logs/json")).expect("a log");
    let wanted = "{\"uri\":\"/x\\n127.0.0.1 evil\\\",\\\"y\\\":\\\"\",\
                  \"agent\":\"a\\\" 200 0 \\\"-\\\" \\\"b\\\\\"}\n";
    assert_eq!(json, wanted);
}
