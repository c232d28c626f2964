//! Cipher strings of OpenSSL (`ssl_ciphers HIGH:!aNULL:!MD5`), over the suites that rustls has.
//!
//! ```text
//! string:  item ([:, ;]+ item)*
//! item:    [ - + ! ] word (+ word)*     add, delete, move to the end, remove for ever: what all words mean
//!          @STRENGTH                    sort what is there
//!          @SECLEVEL=0…5                no suite here is excluded by any of them
//!          DEFAULT                      only as the first
//! ```
//!
//! OpenSSL does these things to its whole list (`ssl_cipher_process_rulestr`). None of them depends on what else is in it, so
//! they do the same to our part of it. TLS 1.3's suites are not in it: they are named by `ssl_conf_command Ciphersuites`.

use std::fmt;

use super::suites;

/// A suite of TLS 1.2 that rustls has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// On the wire.
    pub code: u16,
    /// OpenSSL's name.
    pub name: &'static str,
    ecdsa: bool,
    cipher: Cipher,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cipher {
    Aes128,
    Aes256,
    ChaCha20,
}

/// In the order in which OpenSSL prefers them.
const TLS12: [Suite; 6] = {
    const fn row(code: u16, name: &'static str, ecdsa: bool, cipher: Cipher) -> Suite {
        Suite { code, name, ecdsa, cipher }
    }
    [
        row(0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", true, Cipher::Aes256),
        row(0xc030, "ECDHE-RSA-AES256-GCM-SHA384", false, Cipher::Aes256),
        row(0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", true, Cipher::ChaCha20),
        row(0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", false, Cipher::ChaCha20),
        row(0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", true, Cipher::Aes128),
        row(0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", false, Cipher::Aes128),
    ]
};

/// TLS 1.3's suites, in OpenSSL's order.
pub const TLS13: [(u16, &str); 3] = [
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0x1301, "TLS_AES_128_GCM_SHA256"),
];

/// What is not here: how a warning names it, and OpenSSL's words for it.
const ELSEWHERE: [(&str, &[&str]); 18] = [
    (
        "CBC",
        &[
            "3DES",
            "CBC",
            "CAMELLIA",
            "CAMELLIA128",
            "CAMELLIA256",
            "DES",
            "IDEA",
            "RC2",
            "SEED",
            "SHA",
            "SHA1",
            "SHA256",
            "SHA384",
            "SSLv3",
            "TLSv1",
            "TLSv1.0",
        ],
    ),
    ("CCM", &["AESCCM", "AESCCM8"]),
    ("ARIA", &["ARIA", "ARIA128", "ARIA256", "ARIAGCM"]),
    ("DHE", &["DH", "DHE", "EDH", "aDH", "kDH", "kDHE", "kEDH", "kDHd", "kDHr"]),
    ("DSS", &["DSS", "aDSS"]),
    ("EXPORT", &["EXP", "EXPORT", "EXPORT40", "EXPORT56"]),
    ("LOW", &["LOW"]),
    ("MEDIUM", &["MEDIUM"]),
    (
        "GOST",
        &[
            "GOST12",
            "GOST89",
            "GOST89MAC",
            "GOST94",
            "aGOST",
            "aGOST01",
            "aGOST12",
            "kGOST",
            "kGOST18",
        ],
    ),
    ("MD5", &["MD5"]),
    ("RC4", &["RC4"]),
    ("PSK", &["PSK", "aPSK", "kPSK", "kDHEPSK", "kECDHEPSK", "kRSAPSK"]),
    ("RSA key exchange", &["RSA", "kRSA"]),
    ("static ECDH", &["aECDH", "kECDH", "kECDHe", "kECDHr"]),
    ("SRP", &["SRP", "aSRP", "kSRP"]),
    ("SSLv2", &["SSLv2"]),
    ("eNULL", &["COMPLEMENTOFALL", "NULL", "eNULL"]),
    ("aNULL", &["ADH", "AECDH", "COMPLEMENTOFDEFAULT", "aNULL"]),
];

/// What a string comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The suites of TLS 1.2, the preferred first.
    pub suites: Vec<Suite>,
    /// Items that add only what is not here, as they are written.
    pub missing: Vec<String>,
    /// What these have that nothing here has: `CBC`, `DHE`, `RSA key exchange` …
    pub kinds: Vec<&'static str>,
    /// Words that OpenSSL does not know either, and passes over.
    pub unknown: Vec<String>,
}

/// Why there is no list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is left. What was asked for and is not here.
    NoMatch(Vec<String>),
    /// What is no item, and what follows it.
    Command(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::NoMatch(missing) if missing.is_empty() => write!(f, "no cipher match"),
            Fault::NoMatch(missing) => {
                write!(f, "no cipher match (not available: {})", missing.join(", "))
            }
            Fault::Command(at) => write!(f, "invalid command at \"{at}\""),
        }
    }
}

impl std::error::Error for Fault {}

/// Evaluates a cipher string.
pub fn evaluate(string: &str) -> Result<List, Fault> {
    let mut rules =
        Rules { suites: TLS12.map(|suite| (suite, false)).into(), said: List::default() };
    let mut rest = suite_b(string);
    if let Some(after) = rest.strip_prefix("DEFAULT") {
        rules.apply('\0', "ALL", |_| true);
        rest = after;
    }
    loop {
        rest = rest.trim_start_matches(SEPARATORS);
        let Some(first) = rest.chars().next() else { break };
        let prefixed = "-+!@".contains(first);
        let item = &rest[usize::from(prefixed)..];
        let end = item.find(|c| !is_of_words(c)).unwrap_or(item.len());
        let (words, after) = item.split_at(end);
        if words.split('+').any(str::is_empty) {
            return Err(Fault::Command(rest.to_owned()));
        }
        let known = match (first, words) {
            ('@', "STRENGTH") => rules.sort(),
            ('@', _) if is_level(words) => true,
            ('@', _) => return Err(Fault::Command(rest.to_owned())),
            _ => rules.item(if prefixed { first } else { '\0' }, words),
        };
        // As OpenSSL: what directly follows a command or an unknown word belongs to it.
        rest = match known && first != '@' {
            true => after,
            false => after.trim_start_matches(|c| !SEPARATORS.contains(&c)),
        };
    }
    let Rules { suites, mut said } = rules;
    said.suites = suites.into_iter().filter(|(_, on)| *on).map(|(suite, _)| suite).collect();
    match said.suites.is_empty() {
        true => Err(Fault::NoMatch(said.missing)),
        false => Ok(said),
    }
}

const SEPARATORS: &[char] = &[':', ' ', ';', ','];

fn is_of_words(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-.=_+".contains(c)
}

fn is_level(words: &str) -> bool {
    words.strip_prefix("SECLEVEL=").is_some_and(|level| matches!(level.as_bytes(), [b'0'..=b'5']))
}

/// RFC 6460's profiles, which stand for the whole string.
fn suite_b(string: &str) -> &str {
    const BOTH: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
    let profiles = [
        ("SUITEB128ONLY", &BOTH[..29]),
        ("SUITEB128C2", BOTH),
        ("SUITEB128", BOTH),
        ("SUITEB192", &BOTH[30..]),
    ];
    let found = profiles.into_iter().find(|(name, _)| string.starts_with(name));
    found.map_or(string, |(_, list)| list)
}

/// The list while a string works on it: each suite, and whether it is in.
struct Rules {
    suites: Vec<(Suite, bool)>,
    said: List,
}

impl Rules {
    /// One item. Whether all its words are known.
    fn item(&mut self, rule: char, words: &str) -> bool {
        let known = |word: &str| meaning(word).is_some() || kind(word).is_some();
        let unknown: Vec<_> =
            words.split('+').filter(|word| !known(word)).map(str::to_owned).collect();
        if !unknown.is_empty() {
            self.said.unknown.extend(unknown);
            return false;
        }
        // Bits of one mask in OpenSSL, of which a word names one.
        let has = |strength| words.split('+').any(|word| word == strength);
        let clash = has("HIGH") && has("FIPS");
        let matches = |suite: &Suite| {
            !clash
                && words
                    .split('+')
                    .all(|word| meaning(word).is_some_and(|means| means(suite, word)))
        };
        self.apply(rule, words, matches);
        true
    }

    fn apply(&mut self, rule: char, words: &str, matches: impl Fn(&Suite) -> bool) {
        if rule == '\0' && !TLS12.iter().any(&matches) {
            self.miss(words);
        }
        let takes = |(suite, on): &(Suite, bool)| matches(suite) && *on != (rule == '\0');
        let (mut taken, mut kept) = (Vec::new(), Vec::new());
        for entry in std::mem::take(&mut self.suites) {
            let takes = if rule == '!' { matches(&entry.0) } else { takes(&entry) };
            if takes { &mut taken } else { &mut kept }.push(entry);
        }
        self.suites = match rule {
            '!' => kept,
            // What was deleted comes first when it is added again.
            '-' => taken.into_iter().map(|(suite, _)| (suite, false)).chain(kept).collect(),
            _ => {
                kept.into_iter().chain(taken.into_iter().map(|(suite, _)| (suite, true))).collect()
            }
        };
    }

    fn miss(&mut self, words: &str) {
        let kinds: Vec<_> = words.split('+').filter_map(kind).collect();
        // Words that exclude each other mean nothing elsewhere, either.
        if !kinds.is_empty() {
            self.said.missing.push(words.to_owned());
        }
        for kind in kinds {
            if !self.said.kinds.contains(&kind) {
                self.said.kinds.push(kind);
            }
        }
    }

    /// The longest keys first, else as they were.
    fn sort(&mut self) -> bool {
        self.suites.sort_by_key(|(suite, _)| suite.cipher == Cipher::Aes128);
        true
    }
}

/// Which suites a word means; `None`: none here.
fn meaning(word: &str) -> Option<fn(&Suite, &str) -> bool> {
    Some(match word {
        "ALL" | "HIGH" | "TLSv1.2" | "ECDH" | "ECDHE" | "EECDH" | "kECDHE" | "kEECDH" => {
            |_, _| true
        }
        "ECDSA" | "aECDSA" => |suite, _| suite.ecdsa,
        "aRSA" => |suite, _| !suite.ecdsa,
        "AES" | "AESGCM" | "FIPS" => |suite, _| suite.cipher != Cipher::ChaCha20,
        "AES128" => |suite, _| suite.cipher == Cipher::Aes128,
        "AES256" => |suite, _| suite.cipher == Cipher::Aes256,
        "CHACHA20" => |suite, _| suite.cipher == Cipher::ChaCha20,
        _ => {
            let (code, ..) = suites::by_name(word)?;
            TLS12.iter().find(|suite| suite.code == *code)?;
            |suite, word| suites::by_name(word).is_some_and(|(code, ..)| *code == suite.code)
        }
    })
}

/// What a word or a suite has that is not here.
fn kind(word: &str) -> Option<&'static str> {
    let found = ELSEWHERE.iter().find(|(_, words)| words.contains(&word));
    if let Some((kind, _)) = found {
        return Some(kind);
    }
    let (code, name, _) = suites::by_name(word)?;
    if TLS12.iter().any(|suite| suite.code == *code) {
        return None;
    }
    let is = |part: &str| name.split('-').any(|word| word == part);
    Some(match () {
        () if name.starts_with("TLS_") => "TLS 1.3's suites, which Ciphersuites names",
        () if is("PSK") => "PSK",
        () if is("SRP") => "SRP",
        () if is("ADH") || is("AECDH") => "aNULL",
        () if is("NULL") => "eNULL",
        () if is("DHE") => "DHE",
        () if !is("ECDHE") => "RSA key exchange",
        () if name.contains("CCM") => "CCM",
        () if name.contains("ARIA") => "ARIA",
        () if is("RC4") => "RC4",
        () => "CBC",
    })
}

/// Evaluates a list of TLS 1.3's suites (`ssl_conf_command Ciphersuites`): which are here, and what is not.
pub fn ciphersuites(list: &str) -> (Vec<u16>, Vec<String>) {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for name in list.split(':').map(str::trim).filter(|name| !name.is_empty()) {
        match TLS13.iter().find(|(_, known)| *known == name) {
            Some((code, _)) if found.contains(code) => {}
            Some((code, _)) => found.push(*code),
            None => missing.push(name.to_owned()),
        }
    }
    (found, missing)
}
