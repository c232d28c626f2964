//! OCSP, with `openssl ocsp` as the responder.

mod made;

use std::time::{SystemTime, UNIX_EPOCH};

use made::{Chain, openssl};
use tls::ocsp::{Answer, Fault, Status, path, read, request};
use tls::x509::Certificate;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs() as i64
}

struct Case {
    chain: Chain,
    leaf: Vec<u8>,
    ca: Vec<u8>,
}

impl Case {
    /// An authority whose index says this of the leaf.
    fn new(key: &[&str], entry: Option<&str>) -> Case {
        let chain = Chain::with(key);
        let (leaf, ca) = (chain.der("leaf"), chain.der("ca"));
        let case = Case { chain, leaf, ca };
        let serial = case.leaf().serial();
        let line = entry.map(|entry| format!("{entry}\t{serial}\tunknown\t/O=Test/CN=leaf\n"));
        std::fs::write(case.chain.0.path("index"), line.unwrap_or_default()).expect("a file");
        std::fs::write(case.chain.0.path("q.der"), request(&case.leaf(), &case.issuer()))
            .expect("a file");
        case
    }

    fn leaf(&self) -> Certificate<'_> {
        Certificate::parse(&self.leaf).expect("a certificate")
    }

    fn issuer(&self) -> Certificate<'_> {
        Certificate::parse(&self.ca).expect("a certificate")
    }

    /// The responder's answer, by this signer.
    fn answer(&self, signer: &str, more: &[&str]) -> Vec<u8> {
        let (pem, key) = (format!("{signer}.pem"), format!("{signer}.key"));
        let mut all = vec!["ocsp", "-index", "index", "-CA", "ca.pem", "-reqin", "q.der"];
        all.extend(["-rsigner", &pem, "-rkey", &key, "-respout", "a.der"]);
        all.extend(more);
        openssl(&self.chain.0, &all);
        self.chain.0.read("a.der")
    }

    fn read(&self, answer: &[u8], now: i64) -> Result<Answer, Fault> {
        read(answer, &self.leaf(), &self.issuer(), now)
    }
}

const EC: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const GOOD: Option<&str> = Some("V\t491231235959Z\t");
const WEEK: &[&str] = &["-ndays", "7"];

#[test]
fn the_request_is_openssls() {
    let case = Case::new(EC, GOOD);
    let folder = &case.chain.0;
    openssl(
        folder,
        &["ocsp", "-issuer", "ca.pem", "-cert", "leaf.pem", "-no_nonce", "-reqout", "theirs.der"],
    );
    assert_eq!(folder.read("q.der"), folder.read("theirs.der"));
    assert_eq!(path(&[0xfb, 0xff, 0xbf, 0]), "%2B%2F%2B%2FAA%3D%3D");
}

#[test]
fn good_revoked_unknown() {
    let good = Case::new(EC, GOOD);
    let answer = good.answer("ca", WEEK);
    let said = good.read(&answer, now()).expect("an answer");
    assert_eq!(said.status, Status::Good);
    assert!((said.this_update - now()).abs() < 60);
    assert_eq!(said.next_update, Some(said.this_update + 7 * 86_400));
    let open = good.read(&good.answer("ca", &[]), now()).expect("an answer");
    assert_eq!((open.status, open.next_update), (Status::Good, None));

    let revoked = Case::new(EC, Some("R\t491231235959Z\t240229120000Z,keyCompromise"));
    let said = revoked.read(&revoked.answer("ca", WEEK), now()).expect("an answer");
    assert_eq!(said.status, Status::Revoked { at: Some(1_709_208_000), reason: Some(1) });
    let plain = Case::new(EC, Some("R\t491231235959Z\t240229120000Z"));
    let said = plain.read(&plain.answer("ca", WEEK), now()).expect("an answer");
    assert_eq!(said.status, Status::Revoked { at: Some(1_709_208_000), reason: None });

    let unknown = Case::new(EC, None);
    let said = unknown.read(&unknown.answer("ca", WEEK), now()).expect("an answer");
    assert_eq!(said.status, Status::Unknown);
}

#[test]
fn of_its_time() {
    let case = Case::new(EC, GOOD);
    let answer = case.answer("ca", &["-ndays", "1"]);
    // As nginx: five minutes are allowed for clocks.
    let start = case.read(&answer, now()).expect("an answer").this_update;
    let end = start + 86_400;
    assert!(case.read(&answer, start - 300).is_ok() && case.read(&answer, end + 300).is_ok());
    assert_eq!(case.read(&answer, start - 301), Err(Fault::Times));
    assert_eq!(case.read(&answer, end + 301), Err(Fault::Times));
}

#[test]
fn who_may_sign() {
    let kinds: [(&[&str], &[&str]); 6] = [
        (EC, &["-rmd", "sha512"]),
        (&["-newkey", "rsa:2048"], &["-rmd", "sha384"]),
        (
            &["-newkey", "rsa:2048"],
            &[
                "-rmd",
                "sha256",
                "-rsigopt",
                "rsa_padding_mode:pss",
                "-rsigopt",
                "rsa_pss_saltlen:digest",
            ],
        ),
        (&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"], &[]),
        (&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"], &[]),
        (EC, &["-resp_key_id"]),
    ];
    for (key, more) in kinds {
        let case = Case::new(key, GOOD);
        let more = [WEEK, more].concat();
        for signer in ["ca", "responder"] {
            let answer = case.answer(signer, &more);
            let said = case
                .read(&answer, now())
                .unwrap_or_else(|fault| panic!("{key:?} {more:?} {signer}: {fault}"));
            assert_eq!(said.status, Status::Good);
        }
        // It has the authority's signature, but not the right.
        assert_eq!(case.read(&case.answer("other", &more), now()), Err(Fault::Signature));
        let broken = case.answer("ca", &[&more[..], &["-badsig"]].concat());
        assert_eq!(case.read(&broken, now()), Err(Fault::Signature));
    }
    // What it is asked in other hashes, it answers in them.
    let case = Case::new(EC, GOOD);
    for hash in ["-sha256", "-sha384", "-sha512"] {
        let all = ["-issuer", "ca.pem", "-cert", "leaf.pem", "-no_nonce", "-reqout", "q.der"];
        openssl(&case.chain.0, &[&["ocsp", hash], &all[..]].concat());
        assert!(case.read(&case.answer("ca", WEEK), now()).is_ok(), "{hash}");
    }
    // Its certificate is not sent along.
    let alone = case.answer("responder", &["-ndays", "7", "-resp_no_certs"]);
    assert_eq!(case.read(&alone, now()), Err(Fault::Signature));
    // SHA-1 proves nothing.
    let weak = case.answer("ca", &["-ndays", "7", "-rmd", "sha1"]);
    assert_eq!(case.read(&weak, now()), Err(Fault::Signature));
}

#[test]
fn of_another_certificate() {
    let (case, other) = (Case::new(EC, GOOD), Case::new(EC, GOOD));
    let answer = case.answer("ca", WEEK);
    assert_eq!(other.read(&answer, now()), Err(Fault::OfOthers));
    let ca = case.issuer();
    assert_eq!(read(&answer, &ca, &ca, now()), Err(Fault::OfOthers));
    for (status, name) in [
        (1, "malformedrequest"),
        (2, "internalerror"),
        (3, "trylater"),
        (5, "sigrequired"),
        (6, "unauthorized"),
    ] {
        assert_eq!(case.read(&[0x30, 3, 10, 1, status], now()), Err(Fault::Refused(name)));
    }
    assert!(matches!(case.read(&[0x30, 3, 10, 1, 4], now()), Err(Fault::Malformed(_))));
}

/// Cut anywhere, with any byte changed: an error, and where the answer is another its signature is wrong.
#[test]
fn hostile() {
    let case = Case::new(EC, GOOD);
    let answer = case.answer("responder", WEEK);
    let said = case.read(&answer, now()).expect("an answer");
    for cut in 0..answer.len() {
        assert!(case.read(&answer[..cut], now()).is_err(), "{cut}");
    }
    let mut changed = answer.clone();
    for at in 0..answer.len() {
        for byte in [0, 0x30, 0x80, 0xff, answer[at] ^ 1] {
            changed[at] = byte;
            if let Ok(other) = case.read(&changed, now()) {
                assert_eq!(other, said, "{at}");
            }
        }
        changed[at] = answer[at];
    }
}
