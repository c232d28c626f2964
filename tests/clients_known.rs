//! `userid` and `browser`: who a client is, and what it comes with, beside nginx.

use support::{Twin, answers, http, raw, start};

const BROWSERS: &str = r#"
    server { listen 127.0.0.1:{port};
        modern_browser gecko 1.9; modern_browser opera 9.0; modern_browser msie 7.0; modern_browser safari 413; modern_browser konqueror 3.0;
        location / { return 200 "$modern_browser|$ancient_browser|$msie"; }
        location /unlisted { modern_browser unlisted; ancient_browser Links Lynx netscape4; return 200 "$modern_browser|$ancient_browser|$msie"; }
        location /ancient { ancient_browser "" ; return 200 "$modern_browser|$ancient_browser|$msie"; }
        location /value { modern_browser_value modern.; ancient_browser_value ancient.; return 200 "$modern_browser|$ancient_browser"; }
    }
"#;

fn told(port: u16, path: &str, fields: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
    answers(&raw(port, request.as_bytes()), &[]).first().map_or(String::new(), |a| a.text())
}

#[test]
fn browsers_are_taken_for_what_nginx_takes_them_for() {
    let server = start!(http(BROWSERS));
    let twin = Twin::start(http(BROWSERS), &server);
    let agents = [
        "",
        "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
        "Mozilla/5.0 (X11; U; rv:1.8.1) Gecko/2006 Firefox/2.0",
        "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)",
        "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; en) Opera 8.50",
        "Opera/9.80 (X11; Linux) Presto/2.12 Version/12.16",
        "Opera",
        "Opera/",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh) AppleWebKit/412.2 (KHTML) Safari/412",
        "Mozilla/5.0 (compatible; Konqueror/3.5; Linux)",
        "Mozilla/5.0 (compatible; Konqueror/2.2; Linux)",
        "Links (2.8)",
        "Lynx/2.8",
        "curl/7.88",
        "Mozilla/4.72 [en] (X11)",
        "Mozilla/5.72 [en] (X11)",
        "Mozilla/4.0 (compatible; MSIE 99999999.0; x)",
        "MSIE ",
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows)",
    ];
    for path in ["/", "/unlisted", "/ancient", "/value"] {
        assert_eq!(told(server.port(), path, ""), told(twin.port(), path, ""), "{path}, none");
        for agent in agents {
            let field = format!("User-Agent: {agent}\r\n");
            assert_eq!(
                told(server.port(), path, &field),
                told(twin.port(), path, &field),
                "{path} {agent}"
            );
        }
    }
}

const USERS: &str = r#"
    log_format users "$uid_got|$uid_set";
    server { listen 127.0.0.1:{port}; userid on;
        location / { return 200 ok; }
        location /service { userid_service 1; return 200 ok; }
        location /v1 { userid v1; userid_service 7; return 200 ok; }
        location /log { userid log; return 200 ok; }
        location /off { userid off; return 200 ok; }
        location /all { userid_name who; userid_domain example.com; userid_path /x; userid_expires max; userid_flags secure httponly samesite=lax; userid_p3p 'policyref="/w3c/p3p.xml"'; return 200 ok; }
        location /mark { userid_mark Z; return 200 ok; }
        location /reset { set $uid_reset 1; return 200 ok; }
        location /year { userid_expires 365d; return 200 ok; }
        location /error { return 404; }
    }
"#;

/// The cookie's number is another each time: what stands around it counts.
fn cookie(port: u16, path: &str, sent: &str) -> Vec<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{sent}\r\n");
    let answers = answers(&raw(port, request.as_bytes()), &[]);
    let mut fields = answers[0].all("Set-Cookie");
    fields.extend(answers[0].all("P3P"));
    let without_number = |field: &str| match field.split_once('=') {
        Some((name, rest)) if rest.len() >= 24 && !field.starts_with("policyref") => {
            let end = rest.find("; expires").map_or("", |at| &rest[at..at + 15]);
            format!(
                "{name}={} {end}{}",
                &rest[22..24],
                &rest[24..].split(" GMT").last().unwrap_or_default()
            )
        }
        _ => field.to_owned(),
    };
    fields.into_iter().map(without_number).collect()
}

#[test]
fn cookies_are_those_of_nginx() {
    let server = start!(http(USERS));
    let twin = Twin::start(http(USERS), &server);
    let known = "fwAAAWVhYmNkZWZnaGlqAg==";
    for path in
        ["/", "/service", "/v1", "/log", "/off", "/all", "/mark", "/reset", "/year", "/error"]
    {
        for sent in [
            String::new(),
            format!("Cookie: uid={known}\r\n"),
            format!("Cookie: a=b; uid={known}; c=d\r\n"),
            format!("Cookie: uid={}Z=\r\n", &known[..22]),
            format!("Cookie: uid={}\r\n", &known[..22]),
            "Cookie: uid=short\r\n".to_owned(),
            "Cookie: uid=!!!!!!!!!!!!!!!!!!!!!!!!\r\n".to_owned(),
            "Cookie: uid=\r\nCookie: x=y\r\n".to_owned(),
        ] {
            assert_eq!(
                cookie(server.port(), path, &sent),
                cookie(twin.port(), path, &sent),
                "{path} {sent}"
            );
        }
    }
}

#[test]
fn numbers_are_logged_and_come_back() {
    let conf = USERS.replace("userid on;", "userid on; access_log logs/users.log users buffer=0;");
    let server = start!(http(&conf));
    let given = server.get("/").header("Set-Cookie").expect("a cookie").to_owned();
    let value = given.split_once('=').map(|(_, rest)| rest[..24].to_owned()).expect("a value");
    let again = server.curl(&["-H", &format!("Cookie: uid={value}")], "/");
    assert_eq!(again.header("Set-Cookie"), None);
    server.wait_for("two lines", || server.dir().text("logs/users.log").lines().count() == 2);
    let log = server.dir().text("logs/users.log");
    let lines: Vec<&str> = log.lines().collect();
    let number = lines[0].strip_prefix("-|uid=").expect("a number");
    assert!(number.len() == 32 && number.starts_with("0100007F"), "{log}");
    assert_eq!(lines[1], format!("uid={number}|-"));
    let other = server.get("/").header("Set-Cookie").expect("a cookie").to_owned();
    assert_ne!(other, given);
}

#[test]
fn numbers_are_known_before_there_is_an_answer() {
    let server = start!(http(
        r#"server { listen 127.0.0.1:{port}; userid on;
            location / { if ($uid_got = "") { return 200 "new $uid_set\n"; } return 200 "known $uid_got\n"; } }"#
    ));
    let first = server.get("/");
    assert!(first.text().starts_with("new uid=0100007F"), "{}", first.text());
    let value = first
        .header("Set-Cookie")
        .and_then(|field| Some(field.split_once('=')?.1[..24].to_owned()));
    let again = server.curl(&["-H", &format!("Cookie: uid={}", value.expect("a value"))], "/");
    assert_eq!(again.text(), first.text().replace("new", "known"));
}
