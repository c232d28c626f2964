//! Peers that are spoken to by TLS: names, certificates and what is said of them, beside nginx.

use std::os::unix::fs::PermissionsExt;

use support::certificates::{Authority, Key, Leaf, Validity};
use support::{Server, Start, Twin, http, start};

use crate::origin::Origin;

/// What the origin tells of a connection.
const TOLD: &str = "$ssl_server_name|$ssl_protocol|$ssl_cipher|$ssl_session_reused|$ssl_client_verify|$ssl_client_s_dn";
/// Where it does.
const NAME: usize = 0;
const VERSION: usize = 1;
const CIPHER: usize = 2;
const REUSED: usize = 3;
const VERIFY: usize = 4;

/// Writes a certificate and its key into the folder that the twin has, too.
fn with_leaf(start: Start, name: &str, leaf: &Leaf) -> Start {
    let start = start.file(&format!("html/{name}.pem"), &leaf.chain);
    let key = start.dir().file(&format!("html/{name}.key"), &leaf.key);
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    start
}

/// A server about to be started, whose `html` has an authority's certificate, and those of servers by their names.
pub fn prepared(conf: &str) -> Start {
    let authority = Authority::new("tests");
    let other = Authority::new("others");
    let between = authority.authority("between");
    let leaf = |name: &str, validity| authority.leaf(name, &[name], Key::Ecdsa, validity);
    let revoked = leaf("revoked.test", Validity::Now);
    let deep = between.server(&["deep.test"]);
    let leaves = [
        ("good", authority.server(&["good.test", "*.wild.test"])),
        ("expired", leaf("expired.test", Validity::Over)),
        ("later", leaf("later.test", Validity::Later)),
        ("stranger", other.server(&["stranger.test"])),
        ("deep", deep.with_chain(&[&between.certificate])),
        ("lacking", deep),
        ("self", Leaf::self_signed("self.test")),
        ("subject", authority.leaf("subject.test", &[], Key::Ecdsa, Validity::Now)),
        ("client", authority.leaf("a client", &["client"], Key::Ecdsa, Validity::Now)),
        ("foreign", other.leaf("a foreign client", &["client"], Key::Ecdsa, Validity::Now)),
    ];
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(conf);
    let start = start
        .file("html/authority.pem", &authority.certificate)
        .file("html/revoked.crl", authority.list(&[&revoked], Validity::Now));
    let start = with_leaf(start, "revoked", &revoked);
    leaves.iter().fold(start, |start, (name, leaf)| with_leaf(start, name, leaf))
}

/// An origin at `{port2}`, with a server for each certificate, and the first one's for names that are nobody's.
fn origin(body: &str) -> String {
    let names =
        ["good", "expired", "later", "stranger", "deep", "lacking", "self", "subject", "revoked"];
    let server = |name: &str| {
        format!(
            "server {{ listen 127.0.0.1:{{port2}} ssl; server_name {name}.test; ssl_certificate html/{name}.pem;
            ssl_certificate_key html/{name}.key; location / {{ return 200 \"{TOLD}\"; }} {body} }}\n"
        )
    };
    names.map(server).concat()
}

/// Both servers with the same configuration.
struct Both {
    ours: Server,
    theirs: Twin,
}

impl Both {
    fn start(front: &str, back: &str) -> Both {
        let conf = http(&format!(
            "ssl_session_cache shared:s:1m; ssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_protocols TLSv1.2 TLSv1.3; {} server {{ listen 127.0.0.1:{{port}}; {front} }}",
            origin(back)
        ));
        let ours = prepared(&conf).start();
        let theirs = Twin::start(&conf, &ours);
        Both { ours, theirs }
    }

    /// The status of an answer and what the log says of a handshake, which are the same of both; and what the origin has told, of
    /// which so many are the same.
    fn ask(&self, path: &str, fields: &[usize]) -> (u16, String, String) {
        let before = (self.ours.error_log().len(), self.theirs.error_log().len());
        let (ours, theirs) = (self.ours.get(path), support::curl(&[&self.theirs.url(path)]));
        let text = |answer: &support::Answer| match answer.status {
            200 => {
                let text = answer.text().to_ascii_lowercase();
                let all: Vec<&str> = text.split('|').collect();
                fields.iter().map(|&field| all[field]).collect::<Vec<_>>().join("|")
            }
            _ => String::new(),
        };
        let complaint = |log: &str, at: usize| {
            let lines = log[at..].lines().filter(|line| line.contains("SSL handshaking"));
            let known = lines.filter_map(|line| line.split_once("upstream SSL certificate"));
            let known = known.filter_map(|(_, rest)| rest.split_once(" while SSL handshaking"));
            known.map(|(why, _)| why.trim().to_owned()).next().unwrap_or_default()
        };
        let ours = (ours.status, text(&ours), complaint(&self.ours.error_log(), before.0));
        let theirs = (theirs.status, text(&theirs), complaint(&self.theirs.error_log(), before.1));
        assert_eq!(ours, theirs, "{path}\n(ours is the first)\n{}", self.ours.error_log());
        ours
    }
}

/// A location that believes the authority.
fn verifying(location: &str, more: &str) -> String {
    format!(
        "location {location} {{ proxy_pass https://127.0.0.1:{{port2}}/; proxy_ssl_trusted_certificate html/authority.pem; proxy_ssl_server_name on; proxy_ssl_name $arg_name; {more} }}\n"
    )
}

#[test]
fn who_is_believed() {
    let front = [
        // nginx would resume with one server what it has begun with another.
        "proxy_ssl_verify on; proxy_ssl_session_reuse off;".to_owned(),
        verifying("/", ""),
        verifying("/deep/", "proxy_ssl_verify_depth 0;"),
        verifying("/crl/", "proxy_ssl_crl html/revoked.crl;"),
        verifying("/blind/", "proxy_ssl_verify off;"),
        "location /other/ { proxy_pass https://127.0.0.1:{port2}/; \
         proxy_ssl_trusted_certificate html/authority.pem; proxy_ssl_name $arg_name; }"
            .to_owned(),
    ];
    let both = Both::start(&front.concat(), "");
    let says = |path: &str| {
        let (status, _, complaint) = both.ask(path, &[]);
        (status, complaint)
    };
    let right = (200, String::new());
    let wrong = |why: &str| (502, why.to_owned());
    assert_eq!(says("/?name=good.test"), right);
    assert_eq!(says("/?name=GOOD.test"), right);
    assert_eq!(says("/?name=good.test:443"), right);
    assert_eq!(says("/?name=a.wild.test"), right);
    assert_eq!(says("/?name=subject.test"), right);
    assert_eq!(says("/?name=a.b.wild.test"), wrong("does not match \"a.b.wild.test\""));
    assert_eq!(says("/?name=wild.test"), wrong("does not match \"wild.test\""));
    assert_eq!(says("/?name=nobody.test"), wrong("does not match \"nobody.test\""));
    assert_eq!(says("/?name=expired.test"), wrong("verify error: (10:certificate has expired)"));
    assert_eq!(says("/?name=later.test"), wrong("verify error: (9:certificate is not yet valid)"));
    assert_eq!(says("/?name=deep.test"), right);
    assert_eq!(says("/crl/?name=good.test"), right);
    assert_eq!(says("/crl/?name=revoked.test"), wrong("verify error: (23:certificate revoked)"));
    assert_eq!(says("/?name=revoked.test"), right);
    for name in ["stranger", "lacking", "self"] {
        let (status, complaint) = says(&format!("/?name={name}.test"));
        assert!(status == 502 && complaint.starts_with("verify error: ("), "{name}: {complaint}");
    }
    let (status, complaint) = says("/deep/?name=deep.test");
    assert!(status == 502 && complaint.starts_with("verify error: ("), "{complaint}");
    for name in ["good", "nobody", "expired", "later", "stranger", "lacking", "self", "revoked"] {
        assert_eq!(says(&format!("/blind/?name={name}.test")), right, "{name}");
    }
    // The name is not told, but it is looked at.
    assert_eq!(says("/other/?name=good.test"), right);
    assert_eq!(says("/other/?name=deep.test"), wrong("does not match \"deep.test\""));
    assert_eq!(both.ours.get("/other/?name=").status, 502, "no name is nobody's");
    assert_eq!(says("/blind/?name="), right);
}

/// A session of one name is nothing to another one, although peer and settings are the same: else who was believed once would
/// be believed by any name.
#[test]
fn sessions_are_of_a_name() {
    let server = prepared(&http(&format!(
        "{} server {{ listen 127.0.0.1:{{port}}; proxy_ssl_verify on; proxy_set_header Connection close; {} }}",
        origin(""),
        verifying("/", "")
    )))
    .start();
    let ask = |name: &str| {
        let answer = server.get(&format!("/?name={name}.test"));
        let text = answer.text();
        (answer.status, text.split('|').nth(REUSED).unwrap_or_default().to_owned())
    };
    for _ in 0..3 {
        ask("good");
        ask("deep");
    }
    assert_eq!(ask("good"), (200, "r".to_owned()));
    assert_eq!(ask("deep"), (200, "r".to_owned()));
    assert_eq!(ask("subject"), (200, ".".to_owned()));
    for name in ["nobody", "expired", "stranger"] {
        assert_eq!(ask(name).0, 502, "{name}");
    }
}

#[test]
fn the_name_that_is_told() {
    let long = format!("{0}.{0}.{0}.{1}.test", "a".repeat(61), "b".repeat(60));
    assert_eq!(long.len(), 61 * 3 + 60 + 4 + 4);
    let both = Both::start(
        "proxy_ssl_session_reuse off;
        location / { proxy_pass https://127.0.0.1:{port2}; }
        location /on/ { proxy_ssl_server_name on; location /on/ip/ { proxy_pass https://127.0.0.1:{port2}; }
            location /on/named/ { proxy_ssl_name $arg_name; proxy_pass https://127.0.0.1:{port2}; }
            location /on/host/ { proxy_pass https://localhost:{port2}; }
            location /on/variable/ { set $to https://back.test; proxy_pass $to; }
            location /on/group/ { proxy_pass https://back.test; } }
        location /off/ { proxy_ssl_name good.test; proxy_pass https://127.0.0.1:{port2}; }
        } upstream back.test { server 127.0.0.1:{port2};",
        "",
    );
    let told = |path: &str| {
        let (status, text, _) = both.ask(path, &[NAME]);
        assert_eq!(status, 200, "{path}");
        text
    };
    assert_eq!(told("/"), "");
    assert_eq!(told("/off/"), "");
    assert_eq!(told("/on/ip/"), "");
    assert_eq!(told("/on/host/"), "localhost");
    assert_eq!(told("/on/group/"), "back.test");
    assert_eq!(told("/on/variable/"), "back.test");
    assert_eq!(told("/on/named/?name=some.test"), "some.test");
    assert_eq!(told("/on/named/?name=SOME.test:8443"), "some.test");
    assert_eq!(told("/on/named/?name=127.0.0.1"), "");
    assert_eq!(told("/on/named/?name=[::1]:443"), "");
    assert_eq!(told(&format!("/on/named/?name={long}")), long);
    // OpenSSL sends what no name may be (RFC 6066 §3: without the dot).
    let ours = both.ours.get("/on/named/?name=some.test.");
    assert!(ours.text().starts_with("some.test|"), "{}", ours.text());
    let too_long = format!("/on/named/?name={long}.{}", "c".repeat(60));
    assert_eq!(both.ours.get(&too_long).status, 502);
    assert!(both.ours.error_log().contains("is no name of a server"));
}

#[test]
fn clients_certificates() {
    let both = Both::start(
        "proxy_ssl_session_reuse off;
        location / { proxy_pass https://127.0.0.1:{port2}; }
        location /own/ { proxy_ssl_certificate html/client.pem; proxy_ssl_certificate_key html/client.key;
            proxy_pass https://127.0.0.1:{port2}; }
        location /foreign/ { proxy_ssl_certificate html/foreign.pem; proxy_ssl_certificate_key html/foreign.key; proxy_pass https://127.0.0.1:{port2}; }",
        "ssl_verify_client on; ssl_client_certificate html/authority.pem;",
    );
    let (status, text, _) = both.ask("/own/", &[VERIFY, VERIFY + 1]);
    assert_eq!((status, &text[..]), (200, "success|cn=a client"));
    for path in ["/", "/foreign/"] {
        assert_eq!(both.ask(path, &[]).0, 400, "{path}");
    }
}

#[test]
fn what_is_spoken() {
    let both = Both::start(
        "proxy_set_header Connection close; location / { proxy_pass https://127.0.0.1:{port2}; }
        location /12/ { proxy_ssl_protocols TLSv1.2; proxy_pass https://127.0.0.1:{port2}; }
        location /cipher/ { proxy_ssl_session_reuse off; proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-CHACHA20-POLY1305; proxy_pass https://127.0.0.1:{port2}; }
        location /suite/ { proxy_ssl_session_reuse off; proxy_ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256; proxy_pass https://127.0.0.1:{port2}; }
        location /least/ { proxy_ssl_session_reuse off; proxy_ssl_conf_command MinProtocol TLSv1.3; proxy_pass https://127.0.0.1:{port2}; }
        location /once/ { proxy_ssl_session_reuse off; proxy_pass https://127.0.0.1:{port2}; }
        location /once12/ { proxy_ssl_session_reuse off; proxy_ssl_protocols TLSv1.2; proxy_pass https://127.0.0.1:{port2}; }",
        "",
    );
    let third = |path: &str| {
        let ask = || both.ask(path, &[VERSION, CIPHER, REUSED]).1;
        drop((ask(), ask()));
        ask()
    };
    let has = |path: &str, wanted: &[&str]| {
        let told = third(path);
        assert!(wanted.iter().all(|one| told.split('|').any(|told| told == *one)), "{path} {told}");
    };
    has("/", &["tlsv1.3", "r"]);
    has("/12/", &["tlsv1.2", "r"]);
    has("/once/", &["tlsv1.3", "."]);
    has("/once12/", &["tlsv1.2", "."]);
    has("/cipher/", &["ecdhe-ecdsa-chacha20-poly1305"]);
    has("/suite/", &["tls_chacha20_poly1305_sha256"]);
    has("/least/", &["tlsv1.3"]);
}

/// Long bodies, both ways, to an origin that is ours and to nginx; with requests and answers that are kept in files.
#[test]
fn long_bodies() {
    let echo = Origin::echo();
    let conf = http(&format!(
        "client_max_body_size 100m; proxy_http_version 1.1; server {{ listen 127.0.0.1:{{port}}; return 200 x; }}
        server {{ listen 127.0.0.1:{{port2}} ssl; ssl_certificate html/good.pem; ssl_certificate_key html/good.key;
            location / {{ proxy_pass http://127.0.0.1:{}; }} }}",
        echo.port
    ));
    let origin = prepared(&conf).start();
    let twin = Twin::start(&conf, &origin);
    let front = start!(http(&format!(
        "client_max_body_size 100m; server {{ listen 127.0.0.1:{{port}};
            location /ours/ {{ proxy_pass https://127.0.0.1:{0}; }}
            location /theirs/ {{ proxy_pass https://127.0.0.1:{1}; }}
            location /ours/streamed/ {{ proxy_pass https://127.0.0.1:{0}; proxy_request_buffering off; proxy_buffering off; }}
            location /theirs/streamed/ {{ proxy_pass https://127.0.0.1:{1}; proxy_request_buffering off; proxy_buffering off; }}
        }}",
        origin.port2(),
        twin.port2()
    )));
    let body = support::bytes(5 << 20);
    let file = front.file("html/body", &body);
    let data = format!("@{}", file.display());
    for path in ["/ours/", "/theirs/", "/ours/streamed/", "/theirs/streamed/"] {
        for _ in 0..3 {
            let answer = front.curl(&["--data-binary", &data, "-H", "Expect:"], path);
            assert!(answer.status == 200 && answer.complete, "{path}: {}", front.error_log());
            assert!(answer.body.ends_with(&body), "{path}");
        }
    }
    assert!(!front.error_log().contains("[error]"), "{}", front.error_log());
}

#[test]
fn redirects_and_names_of_https() {
    let server = prepared(&http(
        "upstream back { server 127.0.0.1:{port2}; }
        server { listen 127.0.0.1:{port2} ssl; ssl_certificate html/good.pem; ssl_certificate_key html/good.key;
            location / { return 200 $http_host|$http_x_port; } location /to { return 302 https://back/x/y; } }
        server { listen 127.0.0.1:{port}; proxy_set_header X-Port $proxy_port;
            location / { proxy_pass https://back/; }
            location /x/ { proxy_pass https://back/x/; }
            location /port/ { proxy_pass https://127.0.0.1:{port2}; } }",
    ))
    .start();
    assert_eq!(server.get("/").text(), "back|443");
    let port = server.port2();
    assert_eq!(server.get("/port/").text(), format!("127.0.0.1:{port}|{port}"));
    let location = server.get("/to").header("Location").map(str::to_owned);
    assert_eq!(location, Some(format!("http://127.0.0.1:{}/x/y", server.port())));
}
