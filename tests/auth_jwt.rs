//! `auth_jwt`: who a client is by a signed token. What tokens are taken for is tried beside their codec; here it is what a
//! server does with them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use support::{Answer, Server, Start, Wire, http, site, start};

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        let digits = (0..=three.len()).map(|n| ALPHABET[(bits >> (18 - 6 * n) & 63) as usize]);
        out.extend(digits.map(char::from));
    }
    out
}

fn token(secret: &str, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", base64url(&mac.finalize().into_bytes()))
}

fn keys(secret: &str) -> String {
    format!(
        "{{\"keys\":[{{\"kty\":\"oct\",\"kid\":\"1\",\"k\":\"{}\"}}]}}",
        base64url(secret.as_bytes())
    )
}

const HEADER: &str = r#"{"alg":"HS256","kid":"1","x":{"y":"z"}}"#;

#[track_caller]
fn ask(server: &Server, path: &str, fields: &str) -> Answer {
    let mut wire = Wire::open(server.port());
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    assert!(wire.send(request));
    wire.answer()
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

const CONF: &str = r#"
    auth_jwt_claim_set $email info e-mail;
    auth_jwt_claim_set $first list;
    auth_jwt_header_set $inner x y;
    map $jwt_claim_role $is_admin { default 0; admin 1; }
    log_format who '$uri $status $jwt_claim_sub'; access_log logs/access.log who buffer=0;
    server { listen 127.0.0.1:{port}; server_name localhost; root html;
        add_header X-Sub "[$jwt_claim_sub]" always;
        add_header X-All "[$jwt_claim_admin|$jwt_claim_n|$jwt_claim_list|$jwt_claim_info|$email|$first|$inner|$jwt_header_alg]";
        add_header X-Payload $jwt_payload;
        auth_jwt "the place"; auth_jwt_key_file {dir}/html/keys;
        location / { try_files /a =404; }
        location /off { auth_jwt off; try_files /a =404; }
        location /cookie { auth_jwt "the place" token=$cookie_jwt; try_files /a =404; }
        location /other { auth_jwt_key_file {dir}/html/other; try_files /a =404; }
        location /both { auth_jwt_key_file {dir}/html/keys; auth_jwt_key_file {dir}/html/other; try_files /a =404; }
        location /missing { auth_jwt_key_file {dir}/html/none; try_files /a =404; }
        location /broken { auth_jwt_key_file {dir}/html/a; try_files /a =404; }
        location /asked { auth_jwt_key_request /keys; auth_jwt_key_file {dir}/html/other; try_files /a =404; }
        location /kept { auth_jwt "kept"; auth_jwt_key_request /keys; auth_jwt_key_cache 1h; try_files /a =404; }
        location = /keys { internal; auth_jwt off; default_type application/json; alias html/keys; }
        location = /nothing { return 404; }
        location /gone { auth_jwt_key_request /nothing; try_files /a =404; }
        location /admin { auth_jwt_require $is_admin error=403; auth_jwt_require $jwt_claim_sub; try_files /a =404; }
        location /any { satisfy any; allow 127.0.0.1; try_files /a =404; }
        location /any/out { satisfy any; deny all; try_files /a =404; }
        location /to-other { rewrite ^ /other last; }
        location /page { error_page 404 /other; auth_jwt off; }
        location /leeway { auth_jwt_leeway 1000d; try_files /a =404; }
        location /writes { auth_jwt off; limit_except GET { auth_jwt "to write"; } }
        location /variable { auth_jwt_key_file {dir}/html/keysets/$arg_of; try_files /a =404; }
        location /later { auth_request /sub; try_files /a =404; }
        location = /sub { internal; if ($jwt_claim_sub = ada) { return 403; } return 204; }
    }
"#;

fn server() -> Server {
    let server = start!(http(CONF).replace("access_log logs/access.log combined buffer=0;", ""));
    server.file("html/a", "0123456789");
    server.file("html/keys", keys("first"));
    server.file("html/other", keys("second"));
    server
}

const CLAIMS: &str =
    r#"{"sub":"ada","admin":true,"n":1.5,"list":["a",1,"c"],"info":{"e-mail":"a@b"}}"#;

#[test]
fn who_has_a_token_is_let_in_and_what_it_says_is_known() {
    let server = server();
    let right = token("first", HEADER, CLAIMS);
    let answer = ask(&server, "/", &bearer(&right));
    assert_eq!((answer.status, answer.text().as_str()), (200, "0123456789"));
    assert_eq!(answer.header("X-Sub"), Some("[ada]"));
    let all = r#"[true|1.5|a,1,c|{"e-mail":"a@b"}|a@b|a,1,c|z|HS256]"#;
    assert_eq!(answer.header("X-All"), Some(all));
    assert_eq!(answer.header("X-Payload"), Some(CLAIMS));
    let none = ask(&server, "/", "");
    assert_eq!(none.header("WWW-Authenticate"), Some("Bearer realm=\"the place\""));
    let wrong = ask(&server, "/", &bearer(&token("second", HEADER, CLAIMS)));
    let told = "Bearer realm=\"the place\",error=\"invalid_token\"";
    assert_eq!(wrong.header("WWW-Authenticate"), Some(told));
    assert_eq!(wrong.header("X-Sub"), Some("[]"), "nothing is believed of what is refused");
    let log = server.error_log();
    assert!(log.contains("the JWT is refused: its signature is wrong, client: 127.0.0.1"), "{log}");
    server.wait_for("the log", || server.access_log().contains("/a 200 ada\n"));
}

#[test]
fn where_it_stands_counts() {
    let server = server();
    let (first, second) = (token("first", HEADER, CLAIMS), token("second", HEADER, CLAIMS));
    let old = token("first", HEADER, r#"{"exp":1784000000}"#);
    let admin = token("first", HEADER, r#"{"sub":"x","role":"admin"}"#);
    let nobody = token("first", HEADER, r#"{"sub":"","role":"admin"}"#);
    server.file("keysets-beside", keys("evil"));
    server.file("html/keysets/site", keys("first"));
    let evil = token("evil", HEADER, CLAIMS);
    let field = |token: &String| bearer(token);
    for (path, fields, status) in [
        ("/", String::new(), 401),
        ("/", "Authorization: Basic YTpi\r\n".to_owned(), 401),
        ("/", "Authorization: Bearer\r\n".to_owned(), 401),
        ("/", "Authorization: Bearer \r\n".to_owned(), 401),
        ("/", format!("Authorization: bEaReR  {first} \r\n"), 200),
        ("/", format!("Cookie: jwt={first}\r\n"), 401),
        ("/", field(&old), 401),
        ("/leeway", field(&old), 200),
        ("/off", String::new(), 200),
        ("/off", field(&second), 200),
        ("/cookie", format!("Cookie: jwt={first}\r\n"), 200),
        ("/cookie", field(&first), 401),
        ("/other", field(&first), 401),
        ("/other", field(&second), 200),
        ("/both", field(&first), 200),
        ("/both", field(&second), 200),
        ("/both", field(&evil), 401),
        ("/missing", field(&first), 500),
        ("/broken", field(&first), 500),
        ("/missing", String::new(), 401),
        ("/asked", field(&first), 200),
        ("/asked", field(&second), 200),
        ("/asked", field(&evil), 401),
        ("/gone", field(&first), 500),
        ("/admin", field(&first), 403),
        ("/admin", field(&admin), 200),
        ("/admin", field(&nobody), 401),
        ("/any", String::new(), 200),
        ("/any/out", String::new(), 401),
        ("/any/out", field(&first), 200),
        ("/to-other", field(&first), 401),
        ("/to-other", field(&second), 200),
        ("/page", field(&first), 401),
        ("/page", field(&second), 404),
        ("/variable?of=site", field(&first), 200),
        ("/variable?of=../../keysets-beside", field(&evil), 500),
        ("/later", field(&first), 403),
        ("/later", field(&admin), 200),
    ] {
        assert_eq!(ask(&server, path, &fields).status, status, "{path} with {fields:?}");
    }
    let log = server.error_log();
    assert!(log.contains("html/none\": No such file or directory"), "{log}");
    assert!(log.contains("no keys for JWT from \"/nothing\": its status is 404"), "{log}");
}

#[test]
fn keys_count_from_the_moment_that_their_file_has_changed() {
    let server = server();
    for n in 0..20 {
        let secret = format!("secret{n}");
        server.file("html/keys", keys(&secret));
        let right = bearer(&token(&secret, HEADER, "{}"));
        let before = bearer(&token(&format!("secret{}", n - 1), HEADER, "{}"));
        assert_eq!(ask(&server, "/", &right).status, 200, "{n}");
        assert_eq!(ask(&server, "/", &before).status, 401, "{n}");
        assert_eq!(ask(&server, "/asked", &right).status, 200, "{n}");
        assert_eq!(ask(&server, "/asked", &before).status, 401, "{n}");
    }
    // Those of a subrequest that are kept count as long as that is said.
    let kept = bearer(&token("secret19", HEADER, "{}"));
    assert_eq!(ask(&server, "/kept", &kept).status, 200);
    server.file("html/keys", keys("new"));
    assert_eq!(ask(&server, "/kept", &kept).status, 200);
    assert_eq!(ask(&server, "/", &kept).status, 401);
    // What is no set of keys lets nobody in.
    for text in ["", "{", "{\"keys\":[]}", "[]"] {
        server.file("html/keys", text);
        let status = ask(&server, "/", &bearer(&token("", HEADER, "{}"))).status;
        assert!(status == 401 || status == 500, "{text}: {status}");
    }
}

#[test]
fn a_client_that_sends_what_it_likes_gets_nothing_by_it() {
    let server = server();
    let right = token("first", HEADER, "{}");
    let long = "a".repeat(7000);
    for odd in [
        ".",
        "..",
        "...",
        "....",
        "a.b.c",
        "e30.e30.e30",
        "e30.e30.",
        &long,
        "\u{e9}",
        "=.=.=",
        &right[..right.len() - 1],
        &format!("{right}."),
        &format!("{right},{right}"),
        &token("", r#"{"alg":"none"}"#, "{}"),
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        assert_eq!(ask(&server, "/", &bearer(odd)).status, 401, "{odd}");
    }
    assert_eq!(ask(&server, "/", &bearer(&right)).status, 200);
}

#[test]
fn faults_are_told() {
    for (line, message) in [
        ("auth_jwt x; auth_jwt_type encrypted;", "encrypted tokens are not known here"),
        ("auth_jwt x; auth_jwt_type nested;", "nested tokens are not known here"),
        ("auth_jwt x;", "has neither \"auth_jwt_key_file\" nor \"auth_jwt_key_request\""),
        ("auth_jwt x y;", "invalid parameter \"y\""),
        ("auth_jwt x token=$none; auth_jwt_key_file k;", "unknown \"none\" variable"),
        ("auth_jwt_require x;", "invalid variable name \"x\""),
        ("auth_jwt_require $uri error=500;", "invalid parameter \"error=500\""),
        ("auth_jwt_require error=401;", "names no variable"),
    ] {
        let (_, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(site(line)).fail();
        assert!(said.contains(message), "{line}: {said}");
    }
}
