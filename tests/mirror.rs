//! `mirror`, and bodies that are kept.

use support::{Server, http, start};

const CONF: &str = r#"
    log_format told "$uri $request_method [$request_body] $request_body_file";
    server { listen 127.0.0.1:{port}; root html; log_subrequest on; access_log logs/told.log told buffer=0;
        location / { mirror /copy; mirror /second?x=$arg_x; return 200 ok; }
        location /main/ { mirror /copy; try_files /none @done; }
        location @done { return 200 done; }
        location /small/ { mirror /copy; client_body_buffer_size 16; try_files /none @done; }
        location /file/ { mirror /copy; client_body_in_file_only on; client_body_temp_path bodies 1 2; try_files /none @done; }
        location /clean/ { mirror /copy; client_body_in_file_only clean; client_body_temp_path bodies 1 2; try_files /none @done; }
        location /bodiless/ { mirror /copy; mirror_request_body off; try_files /none @done; }
        location /off/ { mirror off; try_files /none @done; }
        location /circle/ { mirror /circle/again; try_files /none @done; }
        location /slow/ { mirror /waits; try_files /none @done; }
        location = /waits { internal; limit_req zone=slow; return 200; }
        location = /copy { internal; return 204; }
        location = /second { internal; return 404; }
    }
"#;

fn told(server: &Server, count: usize) -> Vec<String> {
    let lines =
        || server.dir().text("logs/told.log").lines().map(str::to_owned).collect::<Vec<_>>();
    server.wait_for("the lines", || lines().len() >= count);
    let mut all = lines();
    all.sort();
    all
}

fn server() -> Server {
    start!(http(&format!("limit_req_zone $host zone=slow:64k rate=1r/s; {CONF}")))
}

#[test]
fn copies_go_to_all_and_the_client_sees_none() {
    let server = server();
    let answer = server.curl(&["-d", "a body"], "/main/x");
    assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
    assert_eq!(
        told(&server, 2),
        ["/copy POST [a body] ", "/main/x POST [a body] "].map(|line| line.replace("] ", "] -"))
    );
}

#[test]
fn what_returns_before_is_not_mirrored() {
    // As in nginx: `return` answers in an earlier phase.
    let server = server();
    assert_eq!(server.get("/?x=1").text(), "ok");
    assert_eq!(told(&server, 1), ["/ GET [-] -"]);
}

#[test]
fn long_bodies_are_kept_in_files() {
    let server = server();
    let body = "b".repeat(100_000);
    server.curl(&["-d", &body], "/small/x");
    assert_eq!(told(&server, 2), ["/copy POST [-] -", "/small/x POST [-] -"]);
    for (path, stays) in [("/file/x", true), ("/clean/x", false)] {
        let server = self::server();
        server.curl(&["-d", &body], path);
        let lines = told(&server, 2);
        let file = lines[1].rsplit(' ').next().expect("a path").to_owned();
        let name = file.rsplit('/').next().expect("a name");
        let (last, two) = (&name[9..], &name[7..9]);
        assert!(file.ends_with(&format!("/bodies/{last}/{two}/{name}")), "{lines:?}");
        match stays {
            true => assert_eq!(std::fs::read_to_string(&file).expect("the body"), body),
            false => server.wait_for("the file to go", || !std::path::Path::new(&file).exists()),
        }
    }
}

#[test]
fn without_bodies_off_and_in_circles() {
    let server = server();
    server.curl(&["-d", "a body"], "/bodiless/x");
    server.curl(&["-d", "a body"], "/off/x");
    server.curl(&["-d", "a body"], "/circle/x");
    assert_eq!(
        told(&server, 5),
        [
            "/bodiless/x POST [-] -",
            "/circle/again POST [a body] -",
            "/circle/x POST [a body] -",
            "/copy POST [-] -",
            "/off/x POST [-] -"
        ]
    );
    // What the other does is waited for by nobody.
    for _ in 0..3 {
        assert_eq!(server.get("/slow/x").text(), "done");
    }
}
