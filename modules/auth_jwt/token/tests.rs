//! Tokens of RFC 7515, those that are made here with each algorithm, and those that somebody forges.

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};

use super::*;

const NOW: f64 = 1_300_819_000.0;
const MEASURE: Measure = Measure { now: NOW, leeway: 0.0, longest: 16 << 10 };

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64.encode(bytes)
}

fn keys(list: &[&str]) -> Keys {
    let keys = Keys::parse(format!("{{\"keys\":[{}]}}", list.join(",")).as_bytes()).expect("keys");
    assert_eq!(keys.passed_over, [""; 0]);
    keys
}

fn check(token: &str, keys: &Keys) -> Result<Token, &'static str> {
    Token::check(token.as_bytes(), [keys].into_iter(), MEASURE)
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// Makes a token of what stands there.
fn made(header: &str, claims: &str, sign: &Sign) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    format!("{signed}.{}", encode(sign(signed.as_bytes())))
}

const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";

fn secret(kid: &str) -> String {
    format!("{{\"kty\":\"oct\",\"kid\":\"{kid}\",\"k\":\"{}\"}}", encode(SECRET))
}

fn hs256(key: &[u8]) -> Sign {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    Box::new(move |text| hmac::sign(&key, text).as_ref().to_vec())
}

/// DER: SEQUENCE { INTEGER n, INTEGER e }, of 2048 bits and 65537.
fn modulus(pair: &RsaKeyPair) -> &[u8] {
    let der = pair.public_key().as_ref();
    assert!(der.len() == 270 && der.ends_with(&[2, 3, 1, 0, 1]));
    &der[9..265]
}

fn rsa_pair() -> (RsaKeyPair, String) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let n = encode(modulus(&pair));
    let jwk = format!("{{\"kty\":\"RSA\",\"use\":\"sig\",\"n\":\"{n}\",\"e\":\"AQAB\"}}");
    (pair, jwk)
}

#[test]
fn the_examples_of_the_standard() {
    let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let a1 = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{claims}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let a3 = format!(
        "eyJhbGciOiJFUzI1NiJ9.{claims}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    let oct = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    let ec = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let both = keys(&[oct, ec]);
    for token in [&a1, &a3] {
        let token = check(token, &both).expect("it is right");
        assert_eq!(token.claims["iss"], "joe");
        assert!(token.payload.starts_with(b"{\"iss\":\"joe\",\r\n"));
    }
    let late = Measure { now: 1_300_819_380.0, ..MEASURE };
    let checked = Token::check(a1.as_bytes(), [&both].into_iter(), late);
    assert_eq!(checked.unwrap_err(), "it has expired");
    assert_eq!(check(&a1, &keys(&[ec])).unwrap_err(), "no key is for it");
    assert_eq!(check(&a3, &keys(&[oct])).unwrap_err(), "no key is for it");
}

/// Each algorithm, its key, and a way to sign.
fn all() -> Vec<(&'static str, String, Sign)> {
    let mut all: Vec<(&'static str, String, Sign)> = Vec::new();
    for (name, digest) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        let key = hmac::Key::new(digest, SECRET);
        all.push((
            name,
            secret("x"),
            Box::new(move |text| hmac::sign(&key, text).as_ref().to_vec()),
        ));
    }
    let encodings: [(&str, &'static dyn signature::RsaEncoding); 6] = [
        ("RS256", &signature::RSA_PKCS1_SHA256),
        ("RS384", &signature::RSA_PKCS1_SHA384),
        ("RS512", &signature::RSA_PKCS1_SHA512),
        ("PS256", &signature::RSA_PSS_SHA256),
        ("PS384", &signature::RSA_PSS_SHA384),
        ("PS512", &signature::RSA_PSS_SHA512),
    ];
    for (name, encoding) in encodings {
        let (pair, jwk) = rsa_pair();
        let sign = move |text: &[u8]| {
            let mut out = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), text, &mut out).expect("signed");
            out
        };
        all.push((name, jwk, Box::new(sign)));
    }
    for (name, curve, algorithm) in [
        ("ES256", "P-256", &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        ("ES384", "P-384", &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        ("ES512", "P-521", &signature::ECDSA_P521_SHA512_FIXED_SIGNING),
    ] {
        let pair = EcdsaKeyPair::generate(algorithm).expect("a key");
        let point = pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(point.len() / 2);
        let (x, y) = (encode(x), encode(y));
        let jwk = format!("{{\"kty\":\"EC\",\"crv\":\"{curve}\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
        let sign = move |text: &[u8]| {
            pair.sign(&SystemRandom::new(), text).expect("signed").as_ref().to_vec()
        };
        all.push((name, jwk, Box::new(sign)));
    }
    let pair = Ed25519KeyPair::generate().expect("a key");
    let x = encode(pair.public_key().as_ref());
    let jwk = format!("{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"{x}\"}}");
    all.push(("EdDSA", jwk, Box::new(move |text| pair.sign(text).as_ref().to_vec())));
    all
}

/// A key is used with the algorithms of its kind alone; a signature of one algorithm is none of another.
#[test]
fn every_algorithm_checks_its_own_and_no_other() {
    let all = all();
    for (name, jwk, sign) in &all {
        let own = keys(&[jwk]);
        let token = made(&format!("{{\"alg\":\"{name}\"}}"), r#"{"sub":"a"}"#, sign);
        assert_eq!(check(&token, &own).expect(name).claims["sub"], "a");
        // Any bit of it, of the header, of the claims, of the signature.
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(check(&changed, &own).is_err(), "{name}: {changed}");
        }
        for (other, ..) in all.iter().filter(|(other, ..)| other != name) {
            let claimed = made(&format!("{{\"alg\":\"{other}\"}}"), "{}", sign);
            assert!(check(&claimed, &own).is_err(), "{name} claims to be {other}");
            let bound = format!("{{\"alg\":\"{other}\",{}", &jwk[1..]);
            let bound = Keys::parse(format!("{{\"keys\":[{bound}]}}").as_bytes()).expect("keys");
            assert!(check(&token, &bound).is_err(), "a key of {other} is used with {name}");
        }
    }
}

/// CVE-2015-9235: a public key, which everybody knows, taken for the secret of HMAC.
#[test]
fn a_public_key_is_no_secret() {
    let (pair, jwk) = rsa_pair();
    let n = modulus(&pair).to_vec();
    let known = keys(&[&jwk]);
    let der: Vec<u8> = pair.public_key().as_ref().to_vec();
    for guess in [der, n, jwk.clone().into_bytes(), Vec::new()] {
        let token = made(r#"{"alg":"HS256"}"#, "{}", &hs256(&guess));
        assert_eq!(check(&token, &known).unwrap_err(), "no key is for it");
    }
    let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let private = pair.private_key().as_be_bytes().expect("bytes");
    let token = made(r#"{"alg":"HS256"}"#, "{}", &hs256(private.as_ref()));
    assert!(check(&token, &known).is_err());
}

#[test]
fn who_has_signed_it_is_told_by_its_kid() {
    let sign = hs256(SECRET);
    let other = secret("b").replace(&encode(SECRET), &encode("another secret"));
    let token = |header: &str| made(header, "{}", &sign);
    let both = keys(&[&secret("a"), &other]);
    assert!(check(&token(r#"{"alg":"HS256","kid":"a"}"#), &both).is_ok());
    assert!(check(&token(r#"{"alg":"HS256"}"#), &both).is_ok());
    for wrong in [r#""b""#, r#""c""#, r#""""#, "1", "null", r#"["a"]"#] {
        let header = format!("{{\"alg\":\"HS256\",\"kid\":{wrong}}}");
        assert!(check(&token(&header), &both).is_err(), "{wrong}");
    }
    // Of several keys with one kid each may be the one.
    let same = keys(&[&other.replace("\"b\"", "\"a\""), &secret("a")]);
    assert!(check(&token(r#"{"alg":"HS256","kid":"a"}"#), &same).is_ok());
    // But a set full of them makes no more work than so many.
    let many = vec![other.as_str(); MOST_TRIES];
    let mut many = many.clone();
    let last = secret("b");
    many.push(&last);
    assert!(check(&token(r#"{"alg":"HS256","kid":"b"}"#), &keys(&many)).is_err());
}

#[test]
fn forgeries_are_refused() {
    let known = keys(&[&secret("a")]);
    let sign = hs256(SECRET);
    let nothing: Sign = Box::new(|_| Vec::new());
    let header = r#"{"alg":"HS256"}"#;
    for (header, claims, why) in [
        (r#"{"alg":"none"}"#, "{}", "its \"alg\" is not taken here"),
        (r#"{"alg":"None"}"#, "{}", "its \"alg\" is not taken here"),
        (r#"{"alg":"hs256"}"#, "{}", "its \"alg\" is not taken here"),
        (r#"{"alg":null}"#, "{}", "it has no \"alg\""),
        (r#"{"alg":["HS256"]}"#, "{}", "it has no \"alg\""),
        ("{}", "{}", "it has no \"alg\""),
        (
            r#"{"alg":"none","alg":"HS256"}"#,
            "{}",
            "its header is no JSON object, or a name stands twice in it",
        ),
        ("[]", "{}", "its header is no JSON object, or a name stands twice in it"),
        (
            r#"{"alg":"HS256","crit":["exp"]}"#,
            "{}",
            "it has a \"crit\", of which nothing is known here",
        ),
        (r#"{"alg":"HS256","crit":[]}"#, "{}", "it has a \"crit\", of which nothing is known here"),
        (r#"{"alg":"HS256","cty":"JWT"}"#, "{}", "nested tokens are not taken here"),
        (r#"{"alg":"HS256","cty":"application/jwt"}"#, "{}", "nested tokens are not taken here"),
        (header, r#"{"exp":1}"#, "it has expired"),
        (header, r#"{"exp":1300819000}"#, "it has expired"),
        (header, r#"{"exp":-1e300}"#, "it has expired"),
        (header, r#"{"nbf":1300819001}"#, "it is not valid yet"),
        (header, r#"{"nbf":1e308}"#, "it is not valid yet"),
        (header, r#"{"exp":"9999999999"}"#, "its \"exp\" or \"nbf\" is no number"),
        (header, r#"{"exp":null}"#, "its \"exp\" or \"nbf\" is no number"),
        (header, r#"{"nbf":true}"#, "its \"exp\" or \"nbf\" is no number"),
        (
            header,
            r#"{"sub":"a","sub":"b"}"#,
            "its claims are no JSON object, or one of them stands twice",
        ),
        (
            header,
            r#"{"exp":1,"exp":9999999999}"#,
            "its claims are no JSON object, or one of them stands twice",
        ),
        (header, "[]", "its claims are no JSON object, or one of them stands twice"),
        (header, "", "its claims are no JSON object, or one of them stands twice"),
        (header, "{}{}", "its claims are no JSON object, or one of them stands twice"),
    ] {
        assert_eq!(
            check(&made(header, claims, &sign), &known).unwrap_err(),
            why,
            "{header} {claims}"
        );
        assert!(check(&made(header, claims, &nothing), &known).is_err(), "{header}");
    }
    let ahead = Measure { leeway: 2.0, ..MEASURE };
    for claims in [r#"{"exp":1300818999}"#, r#"{"nbf":1300819001.5}"#] {
        let token = made(header, claims, &sign);
        assert!(check(&token, &known).is_err());
        assert!(Token::check(token.as_bytes(), [&known].into_iter(), ahead).is_ok(), "{claims}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let known = keys(&[&secret("a")]);
    let token = made(r#"{"alg":"HS256"}"#, r#"{"sub":"ab"}"#, &hs256(SECRET));
    assert!(check(&token, &known).is_ok());
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    // The last character has bits that no byte has: with others it stands for the same.
    let last = signature.chars().last().expect("a character");
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).expect("of the alphabet");
    let next = alphabet.chars().nth(at + 1).expect("one behind it");
    let bits = format!("{header}.{claims}.{}{next}", &signature[..signature.len() - 1]);
    for wrong in [
        String::new(),
        ".".repeat(2),
        ".".repeat(10_000),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{token}."),
        format!("{token}.x"),
        format!("{header}.x.y.{claims}.{signature}"),
        format!("{token}="),
        format!("{token} "),
        format!(" {token}"),
        format!("{token}\0"),
        format!("{token}A"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}\n.{signature}"),
        token.replace('-', "+").replace('_', "/") + "==",
        bits,
        "\u{e9}.\u{e9}.\u{e9}".to_owned(),
        "a".repeat((16 << 10) + 1),
    ] {
        assert!(check(&wrong, &known).is_err(), "{wrong}");
    }
    let long = made(
        r#"{"alg":"HS256"}"#,
        &format!("{{\"a\":\"{}\"}}", "x".repeat(20_000)),
        &hs256(SECRET),
    );
    assert_eq!(check(&long, &known).unwrap_err(), "it is too long");
}

#[test]
fn sets_of_keys_are_read_and_what_is_not_known_is_passed_over() {
    for wrong in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]} x"#]
    {
        assert!(Keys::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let short = encode([0xff; 128]);
    let point = encode([1; 32]);
    for odd in [
        "1".to_owned(),
        "{}".to_owned(),
        r#"{"kty":"oct"}"#.to_owned(),
        r#"{"kty":"oct","k":""}"#.to_owned(),
        r#"{"kty":"oct","k":"!"}"#.to_owned(),
        r#"{"kty":"oct","k":1}"#.to_owned(),
        r#"{"kty":"oct","k":"YQ","alg":"none"}"#.to_owned(),
        r#"{"kty":"OKP","crv":"Ed448","x":"YQ"}"#.to_owned(),
        r#"{"kty":"OKP","crv":"Ed25519","x":"YQ"}"#.to_owned(),
        format!("{{\"kty\":\"RSA\",\"n\":\"{short}\",\"e\":\"AQAB\"}}"),
        format!("{{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"{point}\",\"y\":\"{point}\"}}"),
        format!("{{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"{point}\",\"y\":\"{point}\"}}"),
    ] {
        let set = format!("{{\"keys\":[{odd},{}]}}", secret("a"));
        let keys = Keys::parse(set.as_bytes()).expect("a set");
        assert_eq!(keys.passed_over.len(), 1, "{odd}");
        let token = made(r#"{"alg":"HS256"}"#, "{}", &hs256(SECRET));
        assert!(check(&token, &keys).is_ok());
    }
    // Those for encryption are not for signatures.
    for other in ["\"use\":\"enc\",", "\"key_ops\":[\"sign\"],", "\"key_ops\":[],"] {
        let key = secret("a").replacen('{', &format!("{{{other}"), 1);
        let token = made(r#"{"alg":"HS256"}"#, "{}", &hs256(SECRET));
        assert_eq!(check(&token, &keys(&[&key])).unwrap_err(), "no key is for it", "{other}");
    }
}
