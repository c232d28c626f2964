//! Cipher strings, beside `openssl ciphers`.

use std::process::Command;

use proto::tls::cipher_list::{Fault, TLS13, ciphersuites, evaluate};
use proto::tls::{names, suites};

/// Mozilla's profiles (modern, intermediate, old), and strings from configurations in use.
const STRINGS: &[&str] = &[
    "DEFAULT",
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305",
    "@SECLEVEL=0:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:DES-CBC3-SHA",
    "HIGH:!aNULL:!MD5",
    "HIGH:!aNULL:!eNULL:!EXPORT:!CAMELLIA:!DES:!MD5:!PSK:!RC4",
    "EECDH+AESGCM:EDH+AESGCM",
    "EECDH+AESGCM:EDH+AESGCM:AES256+EECDH:AES256+EDH",
    "EECDH+CHACHA20:EECDH+AES128:RSA+AES128:EECDH+AES256:RSA+AES256:EECDH+3DES:RSA+3DES:!MD5",
    "TLS13-CHACHA20-POLY1305-SHA256:TLS13-AES-128-GCM-SHA256:EECDH+CHACHA20:EECDH+AES128:!MD5",
    "ECDH+AESGCM:DH+AESGCM:ECDH+AES256:DH+AES256:ECDH+AES128:DH+AES:RSA+AESGCM:RSA+AES:!aNULL:!MD5:!DSS",
    "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL",
    "ECDHE-RSA-AES256-GCM-SHA512:DHE-RSA-AES256-GCM-SHA512:ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-SHA384",
    "ALL:!ADH:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP",
    "ALL:!aNULL:!ADH:!eNULL:!LOW:!EXP:RC4+RSA:+HIGH:+MEDIUM",
    "kEECDH+ECDSA+AES128 kEECDH+ECDSA+AES256 kEECDH+AES128 kEECDH+AES256 +SHA !aNULL !eNULL !LOW !MD5 !EXP !DSS !PSK !SRP !kECDH !CAMELLIA !RC4 !SEED",
    "HIGH:!aNULL:!MD5:@STRENGTH",
    "ECDHE-RSA-AES128-GCM-SHA256,ECDHE-RSA-AES256-GCM-SHA384;HIGH",
    "AES128:AES256:@STRENGTH",
    "CHACHA20:ALL:-AES256:AES256+aRSA:+ECDSA",
    "ALL:-AES128:ALL",
    "ALL:-ECDHE:aRSA:ALL",
    "DEFAULT:!ECDSA:+AES256",
    "DEFAULT@SECLEVEL=1",
    "DEFAULT@STRENGTH",
    "PROFILE=SYSTEM:ECDHE+AESGCM",
    "HIGH!aNULL!AES128",
    "HIGH:DEFAULT:+AES128",
    "SUITEB128",
    "SUITEB128ONLY",
    "SUITEB192:HIGH",
    "FIPS:!aNULL",
    "ECDHE-RSA-AES128-GCM-SHA256+HIGH:nonsense+HIGH:NONSENSE",
    "HIGH+FIPS:aRSA+CHACHA20",
    "TLSv1.2:!aRSA",
    "!AES256:ALL:AES256",
    "ECDHE+SHA256:SHA384:AES:+SHA1",
    "  ALL : !DH ,;: -CHACHA20 ",
    "COMPLEMENTOFDEFAULT:ECDHE+AES",
    "nonsense!AES128:HIGH:!AESCCM:!CAMELLIA:!ARIA",
    "ALL:!ECDHE-RSA-AES128-GCM-SHA256:-ECDHE-ECDSA-CHACHA20-POLY1305",
];

/// What OpenSSL makes of a string, without what is not here; `None`: an error.
fn openssl(string: &str) -> Option<Vec<String>> {
    // What begins with a dash would be an option.
    let string = if string.starts_with('-') { format!(":{string}") } else { string.to_owned() };
    let output = Command::new("openssl").args(["ciphers", &string]).output().expect("openssl");
    let text = String::from_utf8(output.stdout).expect("text");
    let here = evaluate("ALL").expect("suites").suites;
    let names = text.trim().split(':');
    let names = names.filter(|name| here.iter().any(|suite| suite.name == *name));
    output.status.success().then(|| names.map(str::to_owned).collect())
}

fn ours(string: &str) -> Vec<&'static str> {
    let list = evaluate(string).unwrap_or_else(|fault| panic!("{string}: {fault}"));
    list.suites.iter().map(|suite| suite.name).collect()
}

#[test]
fn as_openssl() {
    for string in STRINGS {
        assert_eq!(
            Some(ours(string)),
            openssl(string).map(|l| l.leak().iter().map(|n| &n[..]).collect()),
            "{string}"
        );
    }
}

/// Random strings of all words: the same suites in the same order, the same errors.
#[test]
fn as_openssl_by_chance() {
    let words = [
        "ALL",
        "HIGH",
        "ECDHE",
        "aRSA",
        "ECDSA",
        "AES",
        "AES128",
        "AES256",
        "CHACHA20",
        "AESGCM",
        "FIPS",
        "RSA",
        "kRSA",
        "DHE",
        "SHA384",
        "aNULL",
        "TLSv1.2",
        "SSLv3",
        "nonsense",
        "3DES",
        "AESCCM",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "AES128-SHA",
        "DEFAULT",
        "TLSv1",
        "COMPLEMENTOFALL",
        "kEECDH",
        "eNULL",
    ];
    let specials = ["@STRENGTH", "@SECLEVEL=1", "@SECLEVEL=9", "@X", "ECDHE-", "+", "!", "?"];
    let mut seed = 12345_u64;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below
    };
    for _ in 0..400 {
        let mut string = String::new();
        for _ in 0..1 + next(6) {
            if next(40) == 0 {
                string.push_str(specials[next(specials.len())]);
            } else {
                string.push_str(["", "", "", "-", "+", "!"][next(6)]);
                string.push_str(words[next(words.len())]);
                for _ in 0..next(3) / 2 {
                    string = format!("{string}+{}", words[next(words.len())]);
                }
            }
            string.push_str([":", ":", ":", " ", ","][next(5)]);
        }
        let theirs = openssl(&string);
        match (evaluate(&string), theirs) {
            (Ok(list), Some(theirs)) => {
                let ours: Vec<_> = list.suites.iter().map(|suite| suite.name).collect();
                assert_eq!(ours, theirs, "{string}");
            }
            // What is left to OpenSSL is not here.
            (Err(Fault::NoMatch(_)), Some(theirs)) => assert!(theirs.is_empty(), "{string}"),
            (Err(_), None) => {}
            (ours, theirs) => panic!("{string}: {ours:?}, OpenSSL: {theirs:?}"),
        }
    }
}

#[test]
fn what_is_not_here() {
    let list = evaluate("ECDHE+AESGCM:DHE-RSA-AES128-GCM-SHA256:ECDH+3DES:AES128-SHA:!RC4:ECDHE-RSA-AES128-SHA:typo").expect("a list");
    assert_eq!(
        list.missing,
        ["DHE-RSA-AES128-GCM-SHA256", "ECDH+3DES", "AES128-SHA", "ECDHE-RSA-AES128-SHA"]
    );
    assert_eq!(list.kinds, ["DHE", "CBC", "RSA key exchange"]);
    assert_eq!(list.unknown, ["typo"]);
    let usual = evaluate("HIGH:!aNULL:!MD5").expect("a list");
    assert!(usual.missing.is_empty() && usual.unknown.is_empty() && usual.suites.len() == 6);
}

#[test]
fn no_list() {
    assert_eq!(evaluate(""), Err(Fault::NoMatch(vec![])));
    assert_eq!(evaluate("ALL:!ALL"), Err(Fault::NoMatch(vec![])));
    let fault = evaluate("AES128-SHA:RC4").expect_err("nothing");
    assert_eq!(fault.to_string(), "no cipher match (not available: AES128-SHA, RC4)");
    // As OpenSSL: "invalid command".
    for string in
        ["HIGH:{", "HIGH:@NONSENSE", "@SECLEVEL=6", "HIGH:!", "HIGH:é", "@", "ECDHE+", "HIGH++AES"]
    {
        assert!(matches!(evaluate(string), Err(Fault::Command(_))), "{string}");
        assert_eq!(openssl(string), None, "{string}");
    }
}

/// As OpenSSL since 3.2.
#[test]
fn names_of_iana() {
    assert_eq!(
        ours("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"]
    );
    let list = evaluate("TLS_AES_128_GCM_SHA256:HIGH").expect("a list");
    assert_eq!(list.missing, ["TLS_AES_128_GCM_SHA256"]);
}

#[test]
fn suites_of_tls_1_3() {
    let (found, missing) =
        ciphersuites("TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_256_GCM_SHA384");
    assert_eq!((found, missing), (vec![0x1301, 0x1302], vec!["TLS_AES_128_CCM_SHA256".to_owned()]));
    let output =
        Command::new("openssl").args(["ciphers", "-s", "-tls1_3"]).output().expect("openssl");
    let names: Vec<_> = TLS13.iter().map(|(_, name)| *name).collect();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), names.join(":"));
}

/// Every suite that OpenSSL has is in the table under its code, and by code they are in order.
#[test]
fn the_table_of_suites() {
    let output = Command::new("openssl")
        .args(["ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"])
        .output()
        .expect("openssl");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.lines().count() > 50);
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let digits: String = words[0].split(',').map(|byte| &byte[2..]).collect();
        let code = u16::from_str_radix(&digits, 16).expect("a code");
        assert_eq!(suites::by_code(code), Some(&(code, words[4], words[2])), "{line}");
    }
    assert!(suites::SUITES.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn groups_and_protocols() {
    let codes = |list| {
        let (found, missing) = names::groups(list).expect("a list");
        (found.iter().map(|group| group.code).collect::<Vec<_>>(), missing)
    };
    assert_eq!(codes("X25519:prime256v1:secp384r1"), (vec![0x1d, 0x17, 0x18], vec![]));
    assert_eq!(codes("X25519MLKEM768:x25519:P-256:secp256r1"), (vec![0x11ec, 0x1d, 0x17], vec![]));
    assert_eq!(codes("X448:P-384:secp521r1"), (vec![0x18], vec!["X448", "secp521r1"]));
    // OpenSSL 3.5's own default.
    let tuples = "?*X25519MLKEM768/?*X25519:?secp256r1/?X448:?secp384r1:?nonsense:-X25519";
    assert_eq!(codes(tuples), (vec![0x11ec, 0x17, 0x18], vec!["X448"]));
    assert_eq!(codes("auto"), (vec![0x11ec, 0x1d, 0x17, 0x18], vec![]));
    assert_eq!(names::groups("X25519:nonsense"), Err("nonsense".to_owned()));
    assert!(names::groups("").is_err());
    assert_eq!(names::protocol(0x0303), Some("TLSv1.2"));
    assert!(names::protocol_by_name("TLSv1.3").is_some_and(|protocol| protocol.available));
    assert!(names::protocol_by_name("TLSv1.1").is_some_and(|protocol| !protocol.available));
    assert_eq!(names::protocol_by_name("TLSv1.4"), None);
    assert_eq!(names::signature(0x0804), Some("rsa_pss_rsae_sha256"));
    let row = names::signature_by_name("ECDSA+SHA256").expect("a name");
    assert_eq!((row.code, row.available), (0x0403, true));
    assert!(names::signature_by_name("ed448").is_some_and(|row| !row.available));
}
