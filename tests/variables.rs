//! Variables of requests, connections and answers, beside nginx.

use support::{Twin, http, start};

const CONF: &str = r#"
    log_format told escape=json "$uri|$pipe|$request_id|$connection_requests|$sent_http_cache_control|$sent_trailer_x_t|$upstream_addr|$upstream_response_time|$request_completion|$status";
    server { listen 127.0.0.1:{port}; access_log logs/access.log told buffer=0; keepalive_timeout 60s 30s;
        location /id { add_header X-Id $request_id; return 200 "$request_id"; }
        location /for { return 200 "$proxy_add_x_forwarded_for"; }
        location /tcp { return 200 "$tcpinfo_rtt $tcpinfo_rttvar $tcpinfo_snd_cwnd $tcpinfo_rcv_space"; }
        location /time { return 200 "$connection_time"; }
        location /many { add_header Cache-Control a; add_header Cache-Control b; add_header X-Many 1; add_header X-Many 2; return 204; }
        location /trailer { add_trailer X-T sent; return 200 x; }
        location /session { return 200 "$cookie_PHPSESSID|$cookie_phpsessid|$cookie_Token|$cookie_none"; }
        location / { return 200 "$uri"; }
    }
"#;

#[test]
fn values_are_those_of_nginx() {
    let server = start!(http(CONF));
    let twin = Twin::start(http(CONF), &server);
    let wire = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /many HTTP/1.1\r\nHost: x\r\n\r\n\
        GET /trailer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let (ours, theirs) =
        (support::raw(server.port(), wire.as_bytes()), support::raw(twin.port(), wire.as_bytes()));
    assert!(!ours.is_empty() && !theirs.is_empty());
    let lines = |log: String| -> Vec<String> {
        log.lines()
            .map(|line| {
                let mut fields: Vec<&str> = line.split('|').collect();
                assert!(
                    fields[2].len() == 32 && fields[2].bytes().all(|b| b.is_ascii_hexdigit()),
                    "{line}"
                );
                fields[2] = "ID";
                fields.join("|")
            })
            .collect()
    };
    server.wait_for("four lines", || server.access_log().lines().count() == 4);
    server.wait_for("four lines", || twin.access_log().lines().count() == 4);
    let theirs: Vec<String> = lines(twin.access_log());
    assert_eq!(lines(server.access_log()), theirs);
}

#[test]
fn a_request_has_one_id_and_no_other_has_it() {
    let server = start!(http(CONF));
    let (first, second) = (server.get("/id"), server.get("/id"));
    assert_eq!(first.header("X-Id"), Some(first.text().as_str()));
    assert_ne!(first.text(), second.text());
}

/// Names of cookies have no case in variables, as applications' sessions need it.
#[test]
fn cookies_are_found_in_any_case() {
    let server = start!(http(CONF));
    let twin = Twin::start(http(CONF), &server);
    for cookies in
        ["PHPSESSID=abc; token=t", "a=1; phpsessid=b; TOKEN=", "PHPSESSID2=x; PHPSESSI=y", "none"]
    {
        let ask = |url: String| support::curl(&["-H", &format!("Cookie: {cookies}"), &url]).text();
        let ours = ask(server.url("/session"));
        assert_eq!(ours, ask(twin.url("/session")), "{cookies}");
        assert!(!cookies.starts_with("PHPSESSID=") || ours == "abc|abc|t|", "{ours}");
    }
}

#[test]
fn of_connections() {
    let server = start!(http(CONF));
    let numbers = server.get("/tcp").text();
    assert!(
        numbers.split(' ').filter(|number| number.parse::<u32>().is_ok_and(|n| n > 0)).count() >= 3,
        "{numbers}"
    );
    let time = server.get("/time").text();
    assert!(time.split_once('.').is_some_and(|(_, ms)| ms.len() == 3), "{time}");
    assert_eq!(server.get("/for").text(), "127.0.0.1");
    let forwarded = server
        .curl(&["-H", "X-Forwarded-For: 10.0.0.1", "-H", "X-Forwarded-For: 10.0.0.2"], "/for");
    assert_eq!(forwarded.text(), "10.0.0.1, 10.0.0.2, 127.0.0.1");
}
