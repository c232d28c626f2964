//! `secure_link`: links that only who knows a secret can make; beside nginx.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use support::{Server, Start, Twin, answers, http, raw, site, start};

const CONF: &str = r#"
    server { listen 127.0.0.1:{port}; server_name localhost; root html;
        location /new {
            secure_link $arg_md5,$arg_expires; secure_link_md5 "$secure_link_expires$uri$remote_addr secret";
            set $got $secure_link; return 200 "[$got|$secure_link_expires]";
        }
        location /plain {
            secure_link $arg_md5; secure_link_md5 "secret $uri";
            if ($secure_link = "") { return 403; }
            if ($secure_link = "0") { return 410; }
            return 200 "in";
        }
        location /old { secure_link_secret word; if ($secure_link = "") { return 403; } rewrite ^ /link/$secure_link; }
        location /link { return 200 "[$uri]"; }
        location /half { secure_link $arg_md5; return 200 "[$secure_link]"; }
        location /none { return 200 "[$secure_link|$secure_link_expires]"; }
    }
"#;

fn both() -> (Server, Twin) {
    let server = start!(http(CONF));
    let twin = Twin::start(http(CONF), &server);
    (server, twin)
}

#[track_caller]
fn get(port: u16, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = answers(&raw(port, request), &["GET"]).remove(0);
    let text = if answer.status == 200 { answer.text() } else { String::new() };
    (answer.status, text)
}

/// Made by another program.
fn openssl(text: &str, how: &str) -> String {
    let script = format!("printf %s \"$0\" | openssl md5 -binary | {how}");
    let made = support::process::run(Command::new("sh").arg("-c").arg(script).arg(text));
    String::from_utf8(made.stdout).expect("a text").trim().to_owned()
}

fn base64url(text: &str) -> String {
    openssl(text, "openssl base64 | tr +/ -_ | tr -d =")
}

fn hex(text: &str) -> String {
    openssl(text, "od -An -tx1 | tr -d ' \\n'")
}

#[test]
fn links_are_worth_what_they_are_worth_in_nginx() {
    let (server, twin) = both();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let mut paths = Vec::new();
    for ends in [
        (now + 1000).to_string(),
        (now - 10).to_string(),
        "1".to_owned(),
        "0".to_owned(),
        "-1".to_owned(),
        "x".to_owned(),
        String::new(),
        "99999999999999999999".to_owned(),
        "12,13".to_owned(),
    ] {
        // The expiry counts as $secure_link_expires only once it is known, so both ways of signing are tried.
        for signed in [ends.as_str(), ""] {
            let hash = base64url(&format!("{signed}/new127.0.0.1 secret"));
            paths.push(format!("/new?md5={hash}&expires={ends}"));
            paths.push(format!("/new?md5={hash}==&expires={ends}"));
            paths.push(format!("/new?md5={hash}AAAA&expires={ends}"));
            paths.push(format!("/new?md5={}&expires={ends}", &hash[..20]));
        }
        paths.push(format!("/new?md5=&expires={ends}"));
    }
    let right = base64url("secret /plain/a");
    for hash in [&right, &right[..21], "", "!!!", "AAAAAAAAAAAAAAAAAAAAAA", &format!("{right},")] {
        paths.push(format!("/plain/a?md5={hash}"));
        paths.push(format!("/plain/b?md5={hash}"));
        paths.push(format!("/half?md5={hash}"));
    }
    for link in ["file", "a/b/c", "", "file?x=1", "%66ile"] {
        for secret in ["word", "other"] {
            let hash = hex(&format!("{link}{secret}"));
            paths.push(format!("/old/{hash}/{link}"));
            paths.push(format!("/old/{}/{link}", hash.to_uppercase()));
            paths.push(format!("/old/{}/{link}", &hash[1..]));
            paths.push(format!("/old/x/{hash}/{link}"));
        }
    }
    paths.extend(["/old", "/old/", "/old//", "/none"].map(str::to_owned));
    let mut answers = std::collections::BTreeSet::new();
    for path in &paths {
        let ours = get(server.port(), path);
        assert_eq!(ours, get(twin.port(), path), "{path}");
        answers.insert(ours);
    }
    let texts: Vec<&str> = answers.iter().map(|(_, text)| text.as_str()).collect();
    assert!(texts.contains(&"in") && texts.contains(&"[/link/file]"), "{texts:?}");
    assert!(texts.iter().any(|text| text.starts_with("[1|")), "{texts:?}");
    assert!(texts.iter().any(|text| text.starts_with("[0|")), "{texts:?}");
}

#[test]
fn both_ways_at_once_are_refused() {
    let line = "location / { secure_link_secret a; secure_link $arg_a; }";
    let (_, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(site(line)).fail();
    let message =
        "\"secure_link_secret\" cannot be mixed with \"secure_link\" and \"secure_link_md5\"";
    assert!(said.contains(message), "{said}");
}
