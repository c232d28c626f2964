//! The facts of certificates, beside `openssl x509` and nginx.

mod made;

use std::process::Command;

use made::{Folder, openssl, seq, tlv};
use tls::x509::{AltName, Certificate};

/// A certificate of these parts, signed by nobody.
fn unsigned(serial: &[u8], name: &[u8], times: [(u8, &str); 2], extensions: &[u8]) -> Vec<u8> {
    let algorithm = seq(&[&tlv(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]])]);
    let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let kind = seq(&[&tlv(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]]), &tlv(6, &[&curve])]);
    let point = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let point: Vec<u8> =
        (0..65).map(|at| u8::from_str_radix(&point[2 * at..][..2], 16).expect("hex")).collect();
    let key = seq(&[&kind, &tlv(3, &[&[0], &point])]);
    let validity = seq(&times
        .map(|(tag, text)| tlv(tag, &[text.as_bytes()]))
        .each_ref()
        .map(|time| &time[..]));
    let version = tlv(0xa0, &[&tlv(2, &[&[2]])]);
    let serial = tlv(2, &[serial]);
    let signed = seq(&[&version, &serial, &algorithm, name, &validity, name, &key, extensions]);
    seq(&[&signed, &algorithm, &tlv(3, &[&[0], &seq(&[&tlv(2, &[&[1]]), &tlv(2, &[&[1]])])])])
}

const TIMES: [(u8, &str); 2] = [(0x17, "261128180000Z"), (0x18, "20510102030405Z")];

/// An attribute: its type, the tag of its value, and that.
type Attribute<'a> = (&'a [u8], u8, Vec<u8>);

fn named(rdns: &[Vec<Attribute>]) -> Vec<u8> {
    let rdns: Vec<u8> = rdns
        .iter()
        .flat_map(|rdn| {
            let pairs: Vec<u8> = rdn
                .iter()
                .flat_map(|(oid, tag, value)| seq(&[&tlv(6, &[oid]), &tlv(*tag, &[value])]))
                .collect();
            tlv(0x31, &[&pairs])
        })
        .collect();
    seq(&[&rdns])
}

/// What OpenSSL prints of a certificate, without the key of the line.
fn told(der: &[u8], arguments: &[&str]) -> Option<String> {
    let folder = Folder::new();
    std::fs::write(folder.path("c.der"), der).expect("a file");
    let mut command = Command::new("openssl");
    command.args(["x509", "-inform", "DER", "-noout", "-in"]).arg(folder.path("c.der"));
    let output = command.args(arguments).output().expect("openssl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let text = text.strip_suffix('\n').unwrap_or(&text);
    text.split_once('=').map(|(_, value)| value.to_owned()).filter(|_| output.status.success())
}

const CN: &[u8] = &[0x55, 4, 3];
const O: &[u8] = &[0x55, 4, 10];
const MAIL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];
const DC: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 0x19];
const UNKNOWN: &[u8] = &[0x2b, 6, 1, 4, 1, 0x84, 0x58, 0x8f, 0xff, 0xff, 0xff, 0x7f];

#[test]
fn names_as_openssl() {
    let one = |tag, text: &[u8]| vec![vec![(CN, tag, text.to_vec())]];
    let mut cases = vec![
        vec![],
        one(12, "Zoë, \"x\" <a@b>; c+d\\e=f".as_bytes()),
        one(12, b" #both ends "),
        one(12, b"#first"),
        one(12, b"#"),
        one(12, b" "),
        one(12, b""),
        one(12, b"\xff\xfe not UTF-8 \0\x7f\n"),
        one(19, b"plain"),
        one(20, b"Latin \xe9"),
        one(22, b"user@example.com"),
        one(30, b"\0B\0M\0P\x20\xac\xd8\x3d"),
        one(28, b"\0\0\0U\0\x01\xf6\x00"),
        one(4, b"octets"),
        one(2, b"\x05"),
        one(26, b"visible"),
        one(23, b"261128180000Z"),
        vec![
            vec![(&[0x55, 4, 6][..], 19, b"DE".to_vec())],
            vec![
                (O, 12, b"a".to_vec()),
                (&[0x55, 4, 11], 12, b"b".to_vec()),
                (CN, 12, b"c".to_vec()),
            ],
            vec![(MAIL, 22, b"m@example.com".to_vec())],
            vec![(DC, 22, b"example".to_vec())],
            vec![(UNKNOWN, 12, "é".as_bytes().to_vec())],
        ],
        vec![
            vec![(&[0x55, 4, 4][..], 12, b"sur".to_vec())],
            vec![(&[0x55, 4, 5], 19, b"1".to_vec())],
        ],
    ];
    // By chance: tags, kinds, bytes.
    let mut seed = 7_u64;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below
    };
    let odd = b"ab ,+\"\\<>;#=/\0\x7f\xc3\xa9\n~";
    for _ in 0..120 {
        let mut rdns = Vec::new();
        for _ in 0..next(4) {
            let pair = |next: &mut dyn FnMut(usize) -> usize| {
                let kind = [CN, O, MAIL, DC, UNKNOWN][next(5)];
                let tag = [12, 12, 19, 20, 22, 18, 30][next(7)];
                let len = next(6) * 2;
                (kind, tag, (0..len).map(|_| odd[next(odd.len())]).collect::<Vec<u8>>())
            };
            rdns.push((0..1 + next(5) / 3).map(|_| pair(&mut next)).collect());
        }
        cases.push(rdns);
    }
    let mut compared = 0;
    for rdns in cases {
        let der = unsigned(&[1], &named(&rdns), TIMES, &[]);
        let certificate = Certificate::parse(&der).expect("a certificate");
        let theirs = told(&der, &["-subject", "-nameopt", "RFC2253"]);
        // A certificate that OpenSSL does not take (text that is none) is shown by nobody.
        let Some(theirs) = theirs else { continue };
        compared += 1;
        assert_eq!(certificate.subject.rfc2253(), theirs, "{rdns:?}");
        let line = told(&der, &["-subject", "-nameopt", "compat"]).expect("a line");
        assert_eq!(certificate.subject.one_line(), line, "{rdns:?}");
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn every_attribute_that_openssl_knows() {
    let output = Command::new("openssl").args(["list", "-objects"]).output().expect("openssl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut seen = 0;
    for line in text.lines() {
        let Some((name, rest)) = line.split_once(" = ") else { continue };
        let oid = rest.rsplit(", ").next().unwrap_or(rest);
        let own =
            ["2.5.4.", "0.9.2342.19200300.100.1.", "1.3.6.1.4.1.311.60.2.1.", "1.3.6.1.5.5.7.9."];
        if !own.iter().any(|start| oid.strip_prefix(start).is_some_and(|last| !last.contains('.')))
        {
            continue;
        }
        seen += 1;
        let der = encode_oid(oid);
        let certificate = unsigned(&[1], &named(&[vec![(&der, 12, b"x".to_vec())]]), TIMES, &[]);
        let certificate = Certificate::parse(&certificate).expect("a certificate");
        assert_eq!(certificate.subject.rfc2253(), format!("{name}=x"));
    }
    assert!(seen > 100);
}

fn encode_oid(oid: &str) -> Vec<u8> {
    let mut numbers = oid.split('.').map(|number| number.parse::<u64>().expect("a number"));
    let first = numbers.next().expect("two") * 40 + numbers.next().expect("two");
    let digits = |mut number: u64| {
        let mut bytes = vec![number as u8 & 0x7f];
        while number >= 128 {
            number >>= 7;
            bytes.insert(0, number as u8 | 0x80);
        }
        bytes
    };
    std::iter::once(first).chain(numbers).flat_map(digits).collect()
}

#[test]
fn serials_as_openssl() {
    for serial in [
        &[0][..],
        &[1],
        &[0x7f, 0xff],
        &[0, 0xab, 0xcd],
        &[0xff],
        &[0x80],
        &[0xff, 0x7f],
        &[0x80, 0, 0],
        &[0x11; 40],
        &[0x11; 71],
    ] {
        let der = unsigned(serial, &named(&[]), TIMES, &[]);
        let ours = Certificate::parse(&der).expect("a certificate").serial();
        assert_eq!(Some(ours), told(&der, &["-serial"]), "{serial:?}");
    }
}

#[test]
fn times_as_openssl() {
    for (tag, text, unix) in [
        (0x17, "261128180000Z", Some(1_795_888_800)),
        (0x17, "700101000000Z", Some(0)),
        (0x17, "500101000000Z", Some(-631_152_000)),
        (0x17, "491231235959Z", Some(2_524_607_999)),
        (0x18, "20510102030405Z", Some(2_556_241_445)),
        (0x18, "99991231235959Z", Some(253_402_300_799)),
        (0x18, "20240229000000Z", Some(1_709_164_800)),
        (0x18, "19000101000000Z", Some(-2_208_988_800)),
        (0x17, "230229000000Z", None),
        (0x17, "261328180000Z", None),
        (0x17, "261128240000Z", None),
        (0x17, "2611281800000", None),
        (0x17, "Z", None),
        (0x18, "261128180000Z", None),
    ] {
        let der = unsigned(&[1], &named(&[]), [TIMES[0], (tag, text)], &[]);
        let certificate = Certificate::parse(&der).expect("a certificate");
        assert_eq!(certificate.not_after.unix(), unix, "{text}");
        let theirs = told(&der, &["-enddate"]);
        let ours = certificate.not_after.to_string();
        // OpenSSL ends with an error after a bad one.
        match unix {
            Some(_) => assert_eq!(Some(ours), theirs),
            None => assert_eq!(ours, "Bad time value"),
        }
    }
    let der = unsigned(&[1], &named(&[]), TIMES, &[]);
    let certificate = Certificate::parse(&der).expect("a certificate");
    let end = certificate.not_after.unix().expect("a time");
    // As nginx: whole days, and 0 after the end.
    let left = [end + 1, end, end - 86_399, end - 86_400, end - 864_001];
    assert_eq!(left.map(|now| certificate.days_left(now)), [0, 0, 0, 1, 10]);
}

#[test]
fn what_openssl_makes() {
    let folder = Folder::new();
    let configuration = "[req]\ndistinguished_name=dn\n[dn]\n[x]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nsubjectAltName=DNS:example.com,DNS:*.example.com,IP:192.0.2.1,IP:2001:db8::1,email:a@example.com,URI:https://example.com/\nauthorityInfoAccess=OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/ca.der\nextendedKeyUsage=serverAuth,OCSPSigning\ntlsfeature=status_request\n";
    std::fs::write(folder.path("c.cnf"), configuration).expect("a file");
    type Row = (&'static [&'static str], &'static str, Option<&'static str>, Option<usize>);
    let kinds: [Row; 6] = [
        (&["-newkey", "rsa:2048"], "RSA", None, Some(2048)),
        (&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "EC", Some("prime256v1"), None),
        (
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"],
            "EC",
            Some("secp384r1"),
            None,
        ),
        (
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
            "EC",
            Some("secp256k1"),
            None,
        ),
        (&["-newkey", "ed25519"], "ED25519", None, None),
        (&["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:1030"], "RSA-PSS", None, Some(1030)),
    ];
    for (key, kind, curve, bits) in kinds {
        let mut arguments =
            vec!["req", "-x509", "-nodes", "-config", "c.cnf", "-extensions", "x", "-days", "30"];
        arguments.extend([
            "-subj",
            "/C=DE/CN=example.com",
            "-keyout",
            "k.pem",
            "-outform",
            "DER",
            "-out",
            "c.der",
        ]);
        arguments.extend(key);
        openssl(&folder, &arguments);
        let der = std::fs::read(folder.path("c.der")).expect("a file");
        let certificate = Certificate::parse(&der).expect("a certificate");
        assert_eq!(certificate.key.kind(), kind);
        assert_eq!((certificate.key.curve().as_deref(), certificate.key.rsa_bits()), (curve, bits));
        let fingerprint = told(&der, &["-fingerprint", "-sha1"]).expect("one");
        assert_eq!(certificate.fingerprint(), fingerprint.replace(':', "").to_lowercase());
        assert_eq!(certificate.subject.rfc2253(), "CN=example.com,C=DE");
        assert_eq!(certificate.subject.common_name().as_deref(), Some("example.com"));
        assert!(certificate.is_ca() && certificate.is_self_signed() && certificate.must_staple());
        assert_eq!(certificate.ocsp_responders(), ["http://ocsp.example/"]);
        assert_eq!(certificate.issuers_certificates(), ["http://ca.example/ca.der"]);
        assert!(
            certificate.is_for("1.3.6.1.5.5.7.3.9") && !certificate.is_for("1.3.6.1.5.5.7.3.2")
        );
        assert_eq!(
            certificate.names(),
            [
                AltName::Dns("example.com"),
                AltName::Dns("*.example.com"),
                AltName::Ip("192.0.2.1".parse().expect("an address")),
                AltName::Ip("2001:db8::1".parse().expect("an address")),
                AltName::Email("a@example.com"),
                AltName::Uri("https://example.com/"),
            ]
        );
        hostile(&der);
    }
}

#[test]
fn who_has_issued_it() {
    let chain = made::Chain::new();
    let (ca, leaf) = (chain.der("ca"), chain.der("leaf"));
    let (ca, leaf) =
        (Certificate::parse(&ca).expect("one"), Certificate::parse(&leaf).expect("one"));
    assert!(leaf.is_issued_by(&ca) && ca.is_self_signed());
    assert!(!ca.is_issued_by(&leaf) && !leaf.is_self_signed() && !leaf.is_ca());
    // The same name with another key.
    let other = made::Chain::new().der("ca");
    let other = Certificate::parse(&other).expect("a certificate");
    assert!(other.subject == ca.subject && !leaf.is_issued_by(&other));
}

/// Cut anywhere it is none; with any byte changed nothing panics.
fn hostile(der: &[u8]) {
    for cut in 0..der.len() {
        assert!(Certificate::parse(&der[..cut]).is_err(), "{cut}");
    }
    assert!(Certificate::parse(&[der, &[0]].concat()).is_err());
    let mut changed = der.to_vec();
    for at in 0..der.len() {
        for byte in [0, 1, 0x1f, 0x30, 0x7f, 0x80, 0x84, 0xff, der[at] ^ 1, der[at].wrapping_add(1)]
        {
            changed[at] = byte;
            let Ok(one) = Certificate::parse(&changed) else { continue };
            let _ = (one.subject.rfc2253(), one.issuer.one_line(), one.subject.common_name());
            let _ = (one.serial(), one.not_after.to_string(), one.not_before.unix(), one.names());
            let _ = (one.key.kind(), one.key.curve(), one.key.rsa_bits(), one.ocsp_responders());
            let _ = (one.is_for("1.2.3"), one.days_left(0), one.days_left(i64::MIN));
        }
        changed[at] = der[at];
    }
}
