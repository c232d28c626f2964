//! `auth_basic`: names and passwords; beside nginx.

mod hostile;

use std::time::{Duration, Instant};

use support::{Answer, Server, Twin, Wire, http, start, wait_for};

/// Base64, as clients send it.
fn base64(text: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for n in 0..4 {
            out.push(match n <= three.len() {
                true => ALPHABET[(bits >> (18 - 6 * n) & 63) as usize].into(),
                false => '=',
            });
        }
    }
    out
}

#[track_caller]
fn ask(port: u16, method: &str, path: &str, fields: &str) -> Answer {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    let mut wire = Wire::open(port);
    assert!(wire.send(request));
    wire.answer_to(method)
}

fn as_user(port: u16, path: &str, user: &str, password: &str) -> u16 {
    let said = base64(format!("{user}:{password}").as_bytes());
    ask(port, "GET", path, &format!("Authorization: Basic {said}\r\n")).status
}

/// The password of each is "secret".
const USERS: &str = "# users
des:abN4UMwv2u2ys
plain:{PLAIN}secret
sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
ssha:{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0
twice:{PLAIN}secret:a comment
twice:{PLAIN}other
odd:{PLAIN}secret\r
star:*
empty:
colon
";

/// With the forms that crypt(3) knows.
fn users() -> String {
    let mut text = USERS.to_owned();
    for (user, salt) in [
        ("des", "ab"),
        ("md5", "$1$saltsalt$"),
        ("sha256", "$5$rounds=1000$salt$"),
        ("sha512", "$6$rounds=1000$salt$"),
        ("bcrypt", "$2b$04$abcdefghijklmnopqrstuu"),
        ("yescrypt", "$y$j75$abcdefgh$"),
    ] {
        let script = format!("print crypt('secret', '{salt}')");
        let made = support::process::run(std::process::Command::new("perl").arg("-e").arg(script));
        let made = String::from_utf8(made.stdout).expect("a text");
        text = text.replace(&format!("{user}:ab"), &format!("old-{user}:ab"));
        text.push_str(&format!("{user}:{made}\n"));
    }
    text.push_str("apr1:$apr1$abcdefgh$");
    let openssl = ["passwd", "-apr1", "-salt", "abcdefgh", "secret"];
    let made = support::process::run(std::process::Command::new("openssl").args(openssl));
    let made = String::from_utf8(made.stdout).expect("a text");
    text.push_str(made.trim().rsplit('$').next().expect("a hash"));
    text.push('\n');
    text
}

const CONF: &str = r#"
    map $arg_realm $realm { default $arg_realm; "" "off"; }
    server { listen 127.0.0.1:{port}; server_name localhost; root html; error_log logs/error.log info;
        add_header X-User "[$remote_user]" always;
        auth_basic "the place"; auth_basic_user_file {dir}/html/users;
        location / { try_files /a =404; }
        location /relative { alias html/a; auth_basic_user_file html/users; }
        location /off { alias html/a; auth_basic off; }
        location /variable { alias html/a; auth_basic $realm; auth_basic_user_file {dir}/html/$arg_file; }
        location /missing { alias html/a; auth_basic_user_file {dir}/html/none; }
        location /folder { alias html/a; auth_basic_user_file {dir}/html; }
        location /any/in { alias html/a; satisfy any; allow all; }
        location /any/out { alias html/a; satisfy any; deny all; }
        location /all/out { alias html/a; deny all; }
        location /any/both { alias html/a; satisfy any; deny all; auth_request /no; }
        location /asked { alias html/a; auth_request /no; }
        location = /no { internal; auth_basic off; return 403; }
        location /page { alias html/a; error_page 401 =401 /page.html; }
        location = /page.html { auth_basic off; return 200 "log in"; }
        location /limited { alias html/; auth_basic off; limit_except GET { auth_basic "to write"; } }
        location /returns { return 200 "not asked"; }
        location /delayed { alias html/a; auth_delay 10ms; }
        location /long { alias html/a; auth_delay 300ms; }
    }
"#;

fn both() -> (Server, Twin) {
    let server = start!(http(CONF));
    server.file("html/a", "0123456789");
    server.file("html/users", users());
    server.file("users-beside", "a:{PLAIN}secret\n");
    let twin = Twin::start(http(CONF), &server);
    (server, twin)
}

fn shape(answer: &Answer) -> (u16, Option<&str>, Option<&str>, String) {
    let text = if answer.status == 200 { answer.text() } else { String::new() };
    (answer.status, answer.header("WWW-Authenticate"), answer.header("X-User"), text)
}

#[test]
fn who_is_let_in_is_as_with_nginx() {
    let (server, twin) = both();
    let users = [
        "des", "old-des", "md5", "sha256", "sha512", "bcrypt", "yescrypt", "apr1", "plain", "sha",
        "ssha", "twice", "odd", "star", "empty", "colon", "nobody", "# users", "",
    ];
    let mut let_in = 0;
    for user in users {
        for password in ["secret", "Secret", "", "secret ", "other", "secretsecret"] {
            let said = base64(format!("{user}:{password}").as_bytes());
            let fields = format!("Authorization: Basic {said}\r\n");
            // The second time it is remembered.
            for _ in 0..2 {
                let ours = ask(server.port(), "GET", "/", &fields);
                let theirs = ask(twin.port(), "GET", "/", &fields);
                assert_eq!(shape(&ours), shape(&theirs), "{user:?} with {password:?}");
                let_in += usize::from(ours.status == 200);
            }
        }
    }
    assert!(let_in >= 2 * 12, "{let_in}");
    let lines = |log: &str| -> Vec<String> {
        let told = |line: &&str| line.contains("mismatch") || line.contains("was not found");
        let cut = |line: &str| {
            let from = line.find("user \"").expect("a user");
            line[from..]
                .split(" in \"")
                .next()
                .unwrap_or_default()
                .split(", client")
                .next()
                .map(str::to_owned)
        };
        log.lines().filter(told).filter_map(cut).collect()
    };
    let known = |lines: Vec<String>| -> Vec<String> {
        let odd = |line: &String| !line.contains("\"star\"") && !line.contains("\"empty\"");
        lines.into_iter().filter(odd).collect()
    };
    assert_eq!(known(lines(&server.error_log())), known(lines(&twin.error_log())));
    assert!(server.error_log().contains("the password of user \"star\""));
}

#[test]
fn where_it_stands_counts_as_with_nginx() {
    let (server, twin) = both();
    let paths = [
        "/",
        "/off",
        "/variable",
        "/variable?realm=x&file=users",
        "/variable?realm=x&file=none",
        "/variable?realm=off",
        "/missing",
        "/any/in",
        "/any/out",
        "/all/out",
        "/any/both",
        "/asked",
        "/page",
        "/limited/a",
        "/returns",
        "/delayed",
    ];
    let said = |text: &str| format!("Authorization: {text}\r\n");
    let right = base64(b"plain:secret");
    let fields = [
        String::new(),
        said(&format!("Basic {right}")),
        said(&format!("bASIC   {right}")),
        said(&format!("Basic {}", right.trim_end_matches('='))),
        said(&format!("Basic {}", base64(b"plain:wrong"))),
        said(&format!("Basic {}", base64(b"plain"))),
        said(&format!("Basic {}", base64(b":secret"))),
        said("Basic"),
        said("Basic !!!"),
        said(&format!("Bearer {right}")),
        said(""),
    ];
    for path in paths {
        for fields in &fields {
            for method in ["GET", "HEAD", "PUT"] {
                let ours = ask(server.port(), method, path, fields);
                let theirs = ask(twin.port(), method, path, fields);
                assert_eq!(shape(&ours), shape(&theirs), "{method} {path} {fields:?}");
            }
        }
    }
    let realm = ask(server.port(), "GET", "/", "");
    assert_eq!(realm.header("WWW-Authenticate"), Some("Basic realm=\"the place\""));
    for log in [server.error_log(), twin.error_log()] {
        assert!(log.contains("no user/password was provided for basic authentication"), "{log}");
        assert!(log.contains("none\" failed (2: No such file or directory)"), "{log}");
        assert!(log.contains("delaying unauthorized request"), "{log}");
    }
    assert_eq!(as_user(server.port(), "/folder", "plain", "secret"), 500);
    assert_eq!(as_user(twin.port(), "/folder", "plain", "secret"), 500);
}

#[test]
fn a_refusal_waits_for_auth_delay_and_nobody_else_does() {
    let (server, _twin) = both();
    let begun = Instant::now();
    assert_eq!(ask(server.port(), "GET", "/long", "").status, 401);
    assert!(begun.elapsed() >= Duration::from_millis(290));
    assert_eq!(as_user(server.port(), "/long", "plain", "wrong"), 401);
    assert_eq!(as_user(server.port(), "/long", "plain", "secret"), 200);
}

#[test]
fn a_file_counts_from_the_moment_that_it_has_changed() {
    let (server, _twin) = both();
    let port = server.port();
    assert_eq!(as_user(port, "/", "md5", "secret"), 200);
    for n in 0..40 {
        // Of the same length, within a tick of the clock, and back again.
        let (right, wrong) = match n % 2 {
            0 => ("first1", "second"),
            _ => ("second", "first1"),
        };
        server.file("html/users", format!("md5:{{PLAIN}}{right}\n"));
        assert_eq!(as_user(port, "/", "md5", right), 200, "{n}");
        assert_eq!(as_user(port, "/", "md5", wrong), 401, "{n}");
    }
    // A password that is remembered is not that of the changed line.
    server.file("html/users", "md5:$1$saltsalt$\n");
    assert_eq!(as_user(port, "/", "md5", "secret"), 401);
    server.file("html/users", users());
    assert_eq!(as_user(port, "/", "md5", "secret"), 200);
    assert_eq!(as_user(port, "/", "md5", "secret"), 200);
    server.file("html/users", users().replace("md5:", "gone:"));
    assert_eq!(as_user(port, "/", "md5", "secret"), 401);
    std::fs::remove_file(server.path("html/users")).expect("removed");
    assert_eq!(as_user(port, "/", "md5", "secret"), 403);
    server.file("html/users", users());
    assert_eq!(as_user(port, "/", "md5", "secret"), 200);
}

#[test]
fn relative_files_start_where_the_configuration_is() {
    let server = start!(http(
        "server { listen 127.0.0.1:{port}; root html;
           location / { auth_basic x; auth_basic_user_file users; try_files /a =404; } }"
    ));
    server.file("users", "a:{PLAIN}b\n");
    server.file("html/a", "");
    wait_for("the file", || as_user(server.port(), "/", "a", "b") == 200);
    assert_eq!(as_user(server.port(), "/", "a", "c"), 401);
}
