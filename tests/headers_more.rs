//! Fields of answers and requests that are set and taken away, by the directives of headers-more.

use support::{Server, Start, http, start};

fn server(directives: &str) -> Server {
    start!(http(&format!("server {{ listen 127.0.0.1:{{port}}; root html; {directives} }}")))
}

#[test]
fn fields_of_answers() {
    let server = server(
        "more_set_headers 'Server: mine' 'X-All: yes';
         location / { add_header X-Added kept; return 200 x; }
         location /none { more_clear_headers Server; return 204; }
         location /status { more_set_headers -s '404 500' 'X-Missing: $uri'; error_page 500 /x; return 404; }
         location /type { more_set_headers -t 'text/plain text/css' 'X-Text: yes'; default_type text/plain; return 200 x; }
         location /other { more_set_headers -t text/css 'X-Text: yes'; default_type text/plain; return 200 x; }
         location /known { more_set_headers 'Content-Type: a/b' 'ETag: \"mine\"' 'Last-Modified: never'; return 200 x; }
         location /to { more_set_headers 'Location: /elsewhere'; return 302 /here; }
         location /add { more_set_headers 'X-A: 1'; more_set_headers -a 'X-A: 2' 'X-A: 3'; return 204; }
         location /replaced { more_set_headers 'X-A: 1' 'X-B: 1'; more_set_headers 'x-a: 2'; more_clear_headers 'X-B'; return 204; }
         location /star { more_set_headers 'X-One: 1' 'X-Two: 2' 'Y: 3'; more_clear_headers 'X-*'; return 204; }
         location /if { if ($arg_x) { more_set_headers 'X-If: $arg_x'; } return 204; }
         location /empty { more_set_headers 'X-Empty: $arg_none' 'X-All:'; return 204; }",
    );
    let all = |path: &str, name: &str| {
        server.get(path).all(name).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for (path, name, expected) in [
        ("/", "Server", &["mine"][..]),
        ("/", "X-All", &["yes"]),
        ("/", "X-Added", &["kept"]),
        ("/none", "Server", &[]),
        ("/none", "X-All", &["yes"]),
        ("/status", "X-Missing", &["/status"]),
        ("/status", "X-All", &["yes"]),
        ("/type", "X-Text", &["yes"]),
        ("/other", "X-Text", &[]),
        ("/known", "Content-Type", &["a/b"]),
        ("/known", "ETag", &["\"mine\""]),
        ("/known", "Last-Modified", &["never"]),
        ("/add", "X-A", &["1", "2", "3"]),
        ("/replaced", "X-A", &["2"]),
        ("/replaced", "X-B", &[]),
        ("/star", "X-One", &[]),
        ("/star", "X-All", &[]),
        ("/star", "Y", &["3"]),
        ("/if?x=1", "X-If", &["1"]),
        ("/if", "X-If", &[]),
        ("/empty", "X-Empty", &[]),
        ("/empty", "X-All", &[]),
    ] {
        assert_eq!(all(path, name), expected, "{path} {name}");
    }
    assert!(server.get("/to").header("Location").is_some_and(|to| to.ends_with("/elsewhere")));
    // A value makes no field of its own.
    let answer = server.raw("GET /if?x=a HTTP/1.0\r\n\r\n");
    assert!(String::from_utf8_lossy(&answer).contains("X-If: a\r\n"));
}

#[test]
fn fields_of_requests() {
    let server = server(
        "more_set_input_headers 'X-From: server';
         location / { return 200 '$http_x_from|$http_x_secret|$http_user_agent|$http_host'; }
         location /clear { more_clear_input_headers 'X-Sec*' User-Agent X-From; return 200 '$http_x_from|$http_x_secret|$http_user_agent'; }
         location /replace { more_set_input_headers -r 'X-Secret: hidden' 'X-None: $uri'; try_files /none @told; }
         location @told { return 200 '$http_x_secret|$http_x_none'; }
         location /set { more_set_input_headers 'X-Secret: [$http_x_secret]' 'X-New: $uri'; try_files /none @new; }
         location @new { return 200 '$http_x_secret|$http_x_new|$request_uri|$http_accept'; }",
    );
    let told = |path: &str, args: &[&str]| server.curl(args, path).text();
    let secret = ["-H", "X-Secret: s", "-H", "X-Secret: t", "-A", "agent"];
    // The text is made before the end of the phase, in which the fields are changed.
    assert!(told("/", &secret).starts_with("|s, t|agent|127.0.0.1"));
    assert_eq!(told("/clear", &secret), "|s, t|agent");
    assert_eq!(told("/replace", &secret), "hidden|");
    assert_eq!(told("/replace", &[]), "|");
    assert_eq!(told("/set?x", &secret), "[s, t]|/set|/set?x|*/*");
}

#[test]
fn what_frames_a_message_cannot_be_changed() {
    for (line, why) in [
        ("more_set_headers 'Content-Length: 5';", "frames the message"),
        ("more_clear_headers Transfer-Encoding;", "frames the message"),
        ("more_clear_input_headers connection;", "frames the message"),
        ("more_set_headers -s;", "it takes an argument"),
        ("more_set_headers -s 99 'X: y';", "invalid option"),
        ("more_set_headers -r 'X: y';", "invalid option \"-r\""),
        ("more_set_headers ': y';", "names no field"),
        ("more_clear_headers -t text/html;", "it names no field"),
        ("more_set_headers 'X: $nowhere';", "unknown \"nowhere\" variable"),
    ] {
        let conf = http(&format!("server {{ listen 127.0.0.1:{{port}}; {line} }}"));
        let (status, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        assert!(status != 0 && said.contains(why), "{line}: {said}");
    }
}
