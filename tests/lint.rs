//! `rserve -t --lint`.

use std::process::Command;

use support::{Answer, Dir, Twin, Wire, http, process, start};

/// Writes the page instead of comparing it.
const WRITE: &str = "RSERVE_WRITE_LINT";

#[test]
fn the_page_is_what_the_checks_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/lint.md");
    let wanted = lint::page();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path, &wanted).expect("docs/lint.md is written");
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(page == wanted, "{path} is out of date: run this test with {WRITE}=1");
}

/// The exit status, and what is said of a configuration in two files.
fn look(options: &[&str], site: &str) -> (Option<i32>, String) {
    let dir = Dir::new();
    dir.file("site.conf", site);
    let conf =
        dir.file("rserve.conf", "events {}\nhttp { include site.conf; include site.conf; }\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rserve"));
    command.arg("-p").arg(dir.path("")).arg("-c").arg(conf).args(options);
    let output = process::run(&mut command);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

const SITE: &str = "server {\n    location /i { alias /srv/images/; }\n}\n";

#[test]
fn a_trap_is_told_once_with_place_and_remedy() {
    let (status, said) = look(&["-t", "--lint"], SITE);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(said.matches("[lint] alias_traversal: ").count(), 1, "{said}");
    for part in ["site.conf:2\n", "^^^^^^^^^^^^\nend both with a slash", "test is successful"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(!look(&["-t"], SITE).1.contains("[lint]"));
}

#[test]
fn what_is_not_served_is_looked_at_and_the_status_is_that_of_the_test() {
    let site = SITE.replace("alias /srv", "perl_set $a b; alias /srv");
    let (status, said) = look(&["-t", "-q", "--lint"], &site);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("[emerg]") && said.contains("[lint] alias_traversal"), "{said}");
}

#[test]
fn it_goes_with_a_test_only() {
    let (status, said) = look(&["--lint"], SITE);
    assert_eq!((status, said.contains("--lint")), (Some(1), true), "{said}");
}

/// Traps that both servers have in common, and some into which only nginx falls.
const TRAPS: &str = r#"
    server { listen 127.0.0.1:{port}; root html; add_header X-Frame-Options DENY;
        location /pictures { alias html/pictures/; }
        location /key { return 200 "secret\n"; deny all; }
        location /decoded { return 301 https://a.example$uri; }
        location /page/ { return 404; error_page 404 =301 https://a.example$uri; }
        location ~ ^/old/([^/]+)$ { return 301 https://a.example/$1; }
        location /cycle { try_files $uri $uri/; }
        location /tried { try_files $uri /page; if ($arg_a) { set $b 1; } }
        location /several { default_type text/html;
            if ($arg_a) { add_header X-A 1; } if ($arg_b) { add_header X-B 1; } }
        location = /twice { add_header Content-Type application/json; return 200 "{}"; }
        location /never { return 204; try_files /page =404; }
        location = /open { allow 192.0.2.0/24; try_files /page =404; }
        location ~ ^/none/(.*)$ { rewrite ^/none/(.*)$ /said?$2 last; }
        location /said { return 200 "said:$args\n"; }
    }"#;

fn ask(port: u16, target: &str) -> Answer {
    let mut wire = Wire::open(port);
    wire.send(format!("GET {target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"));
    wire.answer()
}

#[test]
fn traps_are_what_the_page_says() {
    let server = start!(http(TRAPS));
    for name in ["page", "secret", "pictures/a", "several"] {
        server.file(&format!("html/{name}"), name);
    }
    let twin = Twin::start(http(TRAPS), &server);
    for (who, port) in [("rserve", server.port()), ("nginx", twin.port())] {
        let status = |target: &str| ask(port, target).status;
        assert_eq!(status("/pictures../secret"), if who == "nginx" { 200 } else { 404 }, "{who}");
        assert_eq!(status("/key"), 200, "{who}");
        for target in
            ["/decoded%0d%0aX-Evil:%201", "/page/%0d%0aX-Evil:%201", "/old/x%0d%0aX-Evil:%201"]
        {
            let evil = ask(port, target).header("X-Evil").is_some();
            assert_eq!(evil, who == "nginx", "{who} {target}");
        }
        assert_eq!(status("/cycle/x"), 500, "{who}");
        assert_eq!([status("/tried"), status("/tried?a=1")], [200, 404], "{who}");
        let both = ask(port, "/several?a=1&b=1");
        assert_eq!((both.header("X-A"), both.header("X-B")), (None, Some("1")), "{who}");
        assert!(both.header("X-Frame-Options").is_none(), "{who}");
        assert_eq!(ask(port, "/twice").all("Content-Type").len(), 2, "{who}");
        assert_eq!(status("/never"), 204, "{who}");
        assert_eq!(status("/open"), 200, "{who}");
        assert_eq!(ask(port, "/none/x").text(), "said:\n", "{who}");
    }
}

#[test]
fn what_is_asked_behind_nginx_is_what_the_page_says() {
    let server = start!(http("server { listen 127.0.0.1:{port}; }"));
    let twin = Twin::start(
        http(
            r#"server { listen 127.0.0.1:{port}; proxy_set_header X-Real-IP $remote_addr;
                proxy_set_header X-Sent yes;
                location / { return 200 "$request_uri $http_x_real_ip $http_host\n"; }
                location /api { proxy_pass http://127.0.0.1:{port}/; }
                location /deep { proxy_pass http://127.0.0.1:{port}/v1/; }
                location /lost { proxy_set_header X-Sent no; proxy_pass http://127.0.0.1:{port}/; }
                location /named { proxy_set_header Host $http_host; proxy_pass http://127.0.0.1:{port}/; } }"#,
        ),
        &server,
    );
    let said = |target: &str| ask(twin.port(), target).text();
    assert!(said("/api/x").starts_with("//x 127.0.0.1 "), "{}", said("/api/x"));
    assert!(said("/deep../x").starts_with("/v1/../x "), "{}", said("/deep../x"));
    assert!(said("/lost/x").starts_with("//x  127.0.0.1:"), "{}", said("/lost/x"));
    assert!(said("/named/x").ends_with(" a.example\n"), "{}", said("/named/x"));
}
