//! What is written wrongly is told where it stands.

use support::Start;

fn refusal(http: &str) -> String {
    let conf = format!("http {{ {http} }}");
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(conf);
    start.fail().1
}

#[test]
fn refused() {
    let server = |certificate: &str| {
        format!(
            "acme_issuer one {{ uri https://a.example/dir; ssl_verify off; }}
            server {{ listen 127.0.0.1:{{port}} ssl; {certificate}
            ssl_certificate $acme_certificate; ssl_certificate_key $acme_certificate_key; }}"
        )
    };
    let issuer = |lines: &str| format!("acme_issuer one {{ {lines} }}");
    let cases = [
        (server("acme_certificate other a.example;"), "acme_issuer \"other\" is not declared"),
        (server("acme_certificate one;"), "no names for the certificate"),
        (server("acme_certificate one *.a.example;"), "\"*.a.example\" is no name"),
        (server("acme_certificate one a.example key=dsa;"), "invalid key"),
        (server(""), "the server has no \"acme_certificate\""),
        (issuer(""), "\"uri\" is missing"),
        (issuer("uri ftp://a.example;"), "an http or https URL"),
        (issuer("uri https://a.example; challenge dns-01;"), "invalid challenge"),
        (issuer("uri https://a.example; uri https://b.example;"), "duplicate"),
        (issuer("uri https://a.example; colour red;"), "unknown directive \"colour\""),
        (issuer("uri https://a.example; account_key rsa:2048;"), "ecdsa:256"),
        (issuer("uri https://a.example; account_key none.pem;"), "none.pem"),
        (issuer("uri https://a.example; contact;"), "invalid number of arguments"),
        ("acme_shared_zone zone=a:1k;".to_owned(), "too small"),
        ("acme_shared_zone a:1m;".to_owned(), "invalid zone"),
    ];
    for (conf, expected) in cases {
        let said = refusal(&conf);
        assert!(said.contains(expected), "{conf}\n{said}\nexpected: {expected}");
    }
}
