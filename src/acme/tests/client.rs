//! The client's side, beside a server in memory.

mod double;
mod now;

use std::time::{Duration, UNIX_EPOCH};

use acme::{
    Account, AccountKey, Client, Error, External, Identifier, KeyType, Kind, Proof, Response, Wish,
    certificate_id,
};
use double::{DIRECTORY, Server, Shows, answer, field};
use now::now;
use serde_json::json;

fn client(server: Server) -> Client<Server> {
    let key = AccountKey::generate().expect("a key");
    let mut client = now(Client::new(server, DIRECTORY, key)).expect("a directory");
    let account = Account {
        contact: vec!["mailto:a@example.com".into()],
        terms_agreed: true,
        external: None,
    };
    let url = now(client.account(&account)).expect("an account");
    assert_eq!(url, "https://ca.example/account/1");
    client
}

fn wish(names: &[&str], challenge: Kind) -> Wish {
    let identifiers = names.iter().map(|name| Identifier::of(name)).collect();
    Wish { identifiers, challenge, ..Wish::default() }
}

/// Has a certificate made by a server that is set up so.
fn issue(server: Server, wish: &Wish) -> (Result<acme::Issued, Error>, Server, Shows) {
    let mut shows = Shows(server.shown.clone(), Vec::new());
    let mut client = client(server);
    let issued = now(client.issue(wish, &mut shows));
    (issued, client.into_parts().0, shows)
}

fn problem(status: u16, kind: &str) -> Response {
    answer(
        status,
        &json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": "so it is"}),
    )
}

#[test]
fn a_certificate_by_pages() {
    let wanted = wish(&["Example.com", "www.example.com"], Kind::Http01);
    let (issued, server, shows) = issue(Server::default(), &wanted);
    let issued = issued.expect("a certificate");
    assert_eq!(issued.chain.matches("BEGIN CERTIFICATE").count(), 2);
    assert!(issued.key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_eq!(issued.alternates, ["https://ca.example/certificate/1/2"]);
    assert_eq!(
        server.payloads["/account"],
        json!({"termsOfServiceAgreed": true, "contact": ["mailto:a@example.com"]})
    );
    assert_eq!(
        server.payloads["/order"],
        json!({"identifiers": [{"type": "dns", "value": "example.com"}, {"type": "dns", "value": "www.example.com"}]})
    );
    // One nonce is fetched; the others come with answers.
    assert_eq!(server.log.iter().filter(|line| line.starts_with("HEAD")).count(), 1);
    let [Proof::Http01 { identifier, token, content }, _] = &shows.1[..] else {
        panic!("{:?}", shows.1)
    };
    assert_eq!((identifier, &token[..]), (&Identifier::Dns("example.com".into()), "token-0"));
    assert!(content.starts_with("token-0.") && content.len() == "token-0.".len() + 43);
    assert!(server.shown.borrow().is_empty(), "what was shown is hidden again");
    // openssl understands the request, and it is for the names.
    let text = openssl(&["req", "-inform", "DER", "-noout", "-text", "-verify"], &server.csr());
    assert!(text.contains("DNS:example.com, DNS:www.example.com"), "{text}");
}

fn openssl(arguments: &[&str], input: &[u8]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("openssl");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    let output = child.wait_with_output().expect("openssl");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_certificate_by_certificates() {
    let wanted = wish(&["example.com", "192.0.2.1"], Kind::TlsAlpn01);
    let (issued, server, shows) = issue(Server::default(), &wanted);
    issued.expect("a certificate");
    assert_eq!(
        server.payloads["/order"]["identifiers"][1],
        json!({"type": "ip", "value": "192.0.2.1"})
    );
    let [
        Proof::TlsAlpn01 { server_name, certificate, key, .. },
        Proof::TlsAlpn01 { server_name: address, .. },
    ] = &shows.1[..]
    else {
        panic!("{:?}", shows.1)
    };
    assert_eq!((&server_name[..], &address[..]), ("example.com", "1.2.0.192.in-addr.arpa"));
    let text = openssl(&["x509", "-inform", "DER", "-noout", "-text"], certificate);
    // RFC 8737, 3: critical, one name, the hash in an octet string.
    assert!(text.contains("1.3.6.1.5.5.7.1.31: critical"), "{text}");
    assert!(text.contains("DNS:example.com\n"), "{text}");
    let public = openssl(&["pkey", "-inform", "DER", "-pubout"], key);
    assert_eq!(public, openssl(&["x509", "-inform", "DER", "-noout", "-pubkey"], certificate));
    let v6 = Identifier::of("2001:db8::1").server_name();
    let zeros = "0.".repeat(23);
    // RFC 8738, 6.
    assert_eq!(v6, format!("1.{zeros}8.b.d.0.1.0.0.2.ip6.arpa"));
}

#[test]
fn nonces_that_are_not_liked() {
    let (issued, _, _) = issue(Server::disliking(3), &wish(&["a.example"], Kind::Http01));
    assert!(issued.is_ok());
    let key = AccountKey::generate().expect("a key");
    let server = Server::disliking(4);
    let mut client = now(Client::new(server, DIRECTORY, key)).expect("a directory");
    let Err(Error::Refused(problem)) = now(client.account(&Account::default())) else { panic!() };
    assert!(problem.is("badNonce"));
}

#[test]
fn waiting_as_the_server_says() {
    let mut server = Server::default();
    let pending = |status| json!({"status": status, "authorizations": [], "finalize": "https://ca.example/finalize/1"});
    let processing = || answer(200, &pending("processing"));
    let date = field(processing(), "Retry-After", "Sat, 28 Nov 2026 18:00:07 GMT");
    let list = vec![
        answer(200, &pending("ready")),
        field(processing(), "retry-after", "5"),
        date,
        field(processing(), "Retry-After", "100000"),
        processing(),
    ];
    server.instead.insert("/order/1", list.into());
    let (issued, server, _) = issue(server, &wish(&["a.example"], Kind::Http01));
    issued.expect("a certificate");
    // Seconds, a date, no longer than a minute, and by own measure: longer each time.
    assert_eq!(server.waits, [5, 7, 60, 8]);

    let mut server = Server::default();
    let mut list = vec![answer(200, &pending("ready"))];
    list.extend((0..99).map(|_| processing()));
    server.instead.insert("/order/1", list.into());
    let (issued, server, _) = issue(server, &wish(&["a.example"], Kind::Http01));
    assert_eq!(issued, Err(Error::Patience("the certificate is not made")));
    assert!(server.waits.iter().sum::<u64>() <= 300);
}

#[test]
fn what_the_server_refuses() {
    let wanted = wish(&["a.example"], Kind::Http01);
    let mut server = Server::default();
    let limited = field(problem(429, "rateLimited"), "Retry-After", "3600");
    server.instead.insert("/order", vec![limited].into());
    let error = issue(server, &wanted).0.expect_err("an error");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(
        error.to_string(),
        "the ACME server refuses: rateLimited: so it is; try again in 3600 s"
    );

    // A proof that it does not find; it is hidden nevertheless.
    let mut server = Server::default();
    let challenge =
        json!({"type": "http-01", "token": "token-0", "url": "https://ca.example/challenge/0"});
    let mut bad = challenge.clone();
    bad["error"] =
        json!({"type": "urn:ietf:params:acme:error:connection", "detail": "no\r\nanswer"});
    let one = |status, challenge| {
        answer(
            200,
            &json!({"status": status, "identifier": {"type": "dns", "value": "a.example"}, "challenges": [challenge]}),
        )
    };
    server
        .instead
        .insert("/authorization/0", vec![one("pending", challenge), one("invalid", bad)].into());
    let (issued, server, shows) = issue(server, &wanted);
    let error = issued.expect_err("an error");
    assert_eq!(error.to_string(), "a.example is not proven: connection: no  answer");
    assert!(server.shown.borrow().is_empty() && shows.1.len() == 1);

    // Without a document, with subproblems.
    let mut server = Server::default();
    server.instead.insert("/order", vec![Response { status: 503, ..Response::default() }].into());
    assert_eq!(
        issue(server, &wanted).0.expect_err("an error").to_string(),
        "the ACME server refuses: status 503"
    );
    let mut server = Server::default();
    let parts = json!({"type": "urn:ietf:params:acme:error:compound", "subproblems": [
        {"type": "urn:ietf:params:acme:error:caa", "identifier": {"type": "dns", "value": "a.example"}, "detail": "no"}]});
    server.instead.insert("/order", vec![answer(403, &parts)].into());
    assert_eq!(
        issue(server, &wanted).0.expect_err("an error").to_string(),
        "the ACME server refuses: compound; caa (a.example): no"
    );
}

#[test]
fn what_is_no_acme() {
    let wanted = wish(&["a.example"], Kind::Http01);
    let key = || AccountKey::generate().expect("a key");
    for (path, instead) in [
        ("/order", answer(201, &json!({}))),
        ("/order", field(answer(201, &json!([1])), "Location", "x")),
        ("/order", answer(301, &json!({}))),
        ("/authorization/0", answer(200, &json!({"status": "pending"}))),
        ("/certificate/1", answer(200, &json!("no PEM"))),
        ("/order/1", answer(200, &json!({"status": "strange", "finalize": "x"}))),
    ] {
        let mut server = Server::default();
        server.instead.insert(path, vec![instead].into());
        let error = issue(server, &wanted).0.expect_err(path);
        assert!(matches!(error, Error::Protocol(_) | Error::Refused(_)), "{path}: {error:?}");
    }
    // What becomes a part of a path is none.
    for token in ["../../etc", "", "a b", "\u{e4}", &"a".repeat(129)] {
        let odd = pending("a.example", token);
        let (issued, _, shows) = issue(odd, &wanted);
        assert_eq!(issued, Err(Error::Protocol("token".into())), "{token}");
        assert!(shows.1.is_empty());
    }
    let mut server = Server::default();
    server.instead.insert("/directory", vec![answer(200, &json!({"newNonce": "x"}))].into());
    assert!(matches!(now(Client::new(server, DIRECTORY, key())), Err(Error::Protocol(_))));
    let elsewhere = now(Client::new(Server::default(), "https://other.example/", key()));
    assert!(matches!(elsewhere, Err(Error::Transport(_))));
}

/// A server that wants this name to be proven by this token.
fn pending(name: &str, token: &str) -> Server {
    let mut server = Server::default();
    let challenge =
        json!({"type": "http-01", "token": token, "url": "https://ca.example/challenge/0"});
    let authorization = json!({"status": "pending", "identifier": {"type": "dns", "value": name}, "challenges": [challenge]});
    server.instead.insert("/authorization/0", vec![answer(200, &authorization)].into());
    server
}

#[test]
fn names_that_were_not_ordered_are_not_proven() {
    let wanted = wish(&["a.example"], Kind::Http01);
    let (issued, _, shows) = issue(pending("b.example", "token-0"), &wanted);
    let error = issued.expect_err("refused").to_string();
    assert!(error.contains("\"b.example\" was not ordered") && shows.1.is_empty(), "{error}");
    assert!(issue(pending("A.example", "token-0"), &wanted).0.is_ok(), "the same in other letters");
}

#[test]
fn what_cannot_be_proven_so() {
    let (issued, server, _) =
        issue(Server::default(), &wish(&["a.example", "*.a.example"], Kind::Http01));
    assert_eq!(
        issued.expect_err("an error").to_string(),
        "*.a.example cannot be proven by http-01"
    );
    assert!(!server.log.contains(&"POST /order".to_owned()));
    let mut server = Server::default();
    let only = json!({"status": "pending", "identifier": {"type": "dns", "value": "a.example"},
        "challenges": [{"type": "dns-01", "token": "t", "url": "u"}]});
    server.instead.insert("/authorization/0", vec![answer(200, &only)].into());
    let error = issue(server, &wish(&["a.example"], Kind::Http01)).0.expect_err("an error");
    assert_eq!(
        error.to_string(),
        "the ACME server does not take http-01 for a.example, but dns-01"
    );
}

#[test]
fn accounts_of_elsewhere() {
    let external = External {
        id: "kid-1".into(),
        key: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W".into(),
    };
    let key = AccountKey::generate().expect("a key");
    let jwk = key.jwk();
    let mut client = now(Client::new(Server::default(), DIRECTORY, key)).expect("a directory");
    assert_eq!(client.terms(), Some("https://ca.example/terms"));
    let account = Account { external: Some(external.clone()), ..Account::default() };
    now(client.account(&account)).expect("an account");
    let bound = client.into_parts().0.payloads["/account"]["externalAccountBinding"].clone();
    // RFC 8555, 7.3.4: HS256 over the account's key, with the other account's key.
    let decode = |name: &str| {
        use base64::Engine as _;
        let text = bound[name].as_str().expect("text");
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base 64")
    };
    let head: serde_json::Value = serde_json::from_slice(&decode("protected")).expect("JSON");
    assert_eq!(head, json!({"alg": "HS256", "kid": "kid-1", "url": "https://ca.example/account"}));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&decode("payload")).expect("JSON"), jwk);
    let input = format!(
        "{}.{}",
        bound["protected"].as_str().expect("text"),
        bound["payload"].as_str().expect("text")
    );
    use base64::Engine as _;
    let secret =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&external.key).expect("base 64");
    let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
    aws_lc_rs::hmac::verify(&mac, input.as_bytes(), &decode("signature")).expect("a signature");

    let mut server = Server::default();
    let directory = json!({"newNonce": "https://ca.example/nonce", "newAccount": "https://ca.example/account",
        "newOrder": "https://ca.example/order", "meta": {"externalAccountRequired": true}});
    server.instead.insert("/directory", vec![answer(200, &directory)].into());
    let key = AccountKey::generate().expect("a key");
    let mut client = now(Client::new(server, DIRECTORY, key)).expect("a directory");
    assert!(matches!(now(client.account(&Account::default())), Err(Error::Wish(_))));
    // Nor does it say when to renew.
    assert_eq!(now(client.renewal("a.b")), Ok(None));
}

#[test]
fn keys() {
    let key = AccountKey::generate().expect("a key");
    let again = AccountKey::from_pem(key.pem().as_bytes()).expect("the key");
    assert_eq!(again.thumbprint(), key.thumbprint());
    openssl(&["pkey", "-noout"], key.pem().as_bytes());
    // RFC 7638's hash is of these members in this order.
    let text = serde_json::to_string(&key.jwk()).expect("JSON");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    use base64::Engine as _;
    assert_eq!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash), key.thumbprint());
    for bad in ["", "no PEM", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert!(AccountKey::from_pem(bad.as_bytes()).is_err());
    }
    for name in ["ecdsa", "ecdsa:384", "ecdsa:521", "rsa:2048"] {
        let key = KeyType::of(name).expect("a kind").generate().expect("a key");
        openssl(&["pkey", "-inform", "DER", "-noout"], &key.serialize_der());
    }
    assert_eq!(KeyType::of("dsa"), None);
}

/// The example of RFC 9773, 4.1 and 4.2.
#[test]
fn when_to_renew() {
    let authority = [
        0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae,
        0x2c, 0xde, 0x01, 0xc8, 0xd4,
    ];
    let id = certificate_id(&authority, &[0, 0x87, 0x65, 0x43, 0x21]);
    assert_eq!(id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    let path = "/renewal/aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
    let window = |start: &str, end: &str| {
        answer(
            200,
            &json!({"suggestedWindow": {"start": start, "end": end}, "explanationURL": "https://ca.example/why"}),
        )
    };
    let ask = |response| {
        let mut server = Server::default();
        server.instead.insert(path, vec![response].into());
        now(client(server).renewal(&id))
    };
    let told =
        field(window("2025-01-02T04:00:00Z", "2025-01-03T04:00:00Z"), "Retry-After", "21600");
    let renewal = ask(told).expect("an answer").expect("a window");
    let seconds =
        |time: std::time::SystemTime| time.duration_since(UNIX_EPOCH).expect("a time").as_secs();
    assert_eq!((seconds(renewal.start), seconds(renewal.end)), (1_735_790_400, 1_735_876_800));
    assert_eq!(renewal.ask_after, Duration::from_secs(21_600));
    assert_eq!(renewal.explanation.as_deref(), Some("https://ca.example/why"));
    for random in [0, 1, 86_399_999, u64::MAX] {
        assert!((renewal.start..renewal.end).contains(&renewal.at(random)));
    }
    assert_eq!(seconds(renewal.at(3_600_000)), 1_735_794_000);
    // RFC 3339: fractions, zones, leap days; not too often, not too seldom.
    let odd = window("2024-02-29T23:59:59.999999999-01:00", "2024-03-01T02:00:00+01:00");
    let renewal = ask(field(odd, "Retry-After", "1")).expect("an answer").expect("a window");
    assert_eq!((seconds(renewal.start), seconds(renewal.end)), (1_709_254_799, 1_709_254_800));
    assert_eq!(renewal.ask_after, Duration::from_secs(60));
    for (start, end) in [
        ("2025-01-03T04:00:00Z", "2025-01-02T04:00:00Z"),
        ("now", "then"),
        ("2025-13-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2025-01-01T00:00:00+é", "2026-01-01T00:00:00Z"),
    ] {
        assert!(matches!(ask(window(start, end)), Err(Error::Protocol(_))), "{start}");
    }
    assert!(matches!(ask(problem(404, "malformed")), Err(Error::Refused(_))));
}

/// RFC 9773, 5: an order says what it replaces; a server that does not take that gets one without.
#[test]
fn what_is_replaced() {
    let mut wanted = wish(&["a.example"], Kind::Http01);
    wanted.replaces = Some("a.b".into());
    wanted.profile = Some("shortlived".into());
    let (issued, server, _) = issue(Server::default(), &wanted);
    issued.expect("a certificate");
    assert_eq!(
        (&server.payloads["/order"]["replaces"], &server.payloads["/order"]["profile"]),
        (&json!("a.b"), &json!("shortlived"))
    );
    let mut server = Server::default();
    server.instead.insert("/order", vec![problem(409, "alreadyReplaced")].into());
    let (issued, server, _) = issue(server, &wanted);
    issued.expect("a certificate");
    assert!(server.payloads["/order"]["replaces"].is_null());
}
