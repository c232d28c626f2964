//! The `ssl_*` directives of a server: in `http {}`, in `rtmp {}`.

use std::path::PathBuf;

use conf::{Arity, Contexts, Error, Setting, Word, contexts, settings};

const SERVERS: Contexts = contexts!(HTTP | SERVER | RTMP | RTMP_SERVER);
const ONE: Arity = Arity::Exactly(1);
const SOME: Arity = Arity::AtLeast(1);

settings! {
    /// What they set.
    #[derive(Clone, Default)]
    pub struct Conf {
        list ssl_certificate: Word = (
            SERVERS, ONE, word, "(none)",
            "a file with the server's certificate and those between it and a root, in PEM; again for a key of another type"
        );
        list ssl_certificate_key: Word = (
            SERVERS, ONE, word, "(none)", "a file with the certificate's key, in PEM, or data:TEXT"
        );
        list ssl_password_file: PathBuf = (
            SERVERS, ONE, path, "(none)", "passphrases of keys, one on each line"
        );
        lists ssl_protocols: Protocol = (
            SERVERS, SOME, protocols, "TLSv1.2 TLSv1.3", "versions of TLS that are spoken"
        );
        option ssl_ciphers: Word = (
            SERVERS, ONE, word, "(all that are known)",
            "ciphers of TLS 1.2, as OpenSSL writes them; what rustls does not have is named in a warning"
        );
        flag ssl_prefer_server_ciphers = (
            SERVERS, "off", "the order of ssl_ciphers goes before the client's"
        );
        option ssl_ecdh_curve: Word = (
            SERVERS, ONE, word, "auto", "groups for the key exchange, the best first, with : between them"
        );
        option ssl_dhparam: Word = (
            SERVERS, ONE, without_effect, "(none)", "without effect: there is no DHE"
        );
        value ssl_session_cache: SessionCache = (
            SERVERS, Arity::Between(1, 2), session_cache, "none",
            "off, none, builtin or shared:NAME:SIZE: sessions of TLS 1.2 by number"
        );
        time ssl_session_timeout = (SERVERS, "5m", "how long a session may be resumed");
        flag ssl_session_tickets = (
            SERVERS, "on", "sessions are resumed by tickets, which any worker can read"
        );
        list ssl_session_ticket_key: PathBuf = (
            SERVERS, ONE, path, "(made and changed by the master)",
            "a file with the key of tickets, 48 or 80 bytes; the first one encrypts"
        );
        size ssl_buffer_size = (SERVERS, "16k", "the longest record");
        flag ssl_reject_handshake = (
            SERVERS, "off", "end handshakes that ask for this server, by an alert"
        );
        value ssl_verify_client: Verify = (
            SERVERS, ONE, verify, "off",
            "on, off, optional or optional_no_ca: whether clients must have a certificate, may have one, and who may have signed it"
        );
        option ssl_client_certificate: Word = (
            SERVERS, ONE, word, "(none)", "a file with authorities whose certificates clients may have; clients are told their names"
        );
        option ssl_trusted_certificate: Word = (
            SERVERS, ONE, word, "(none)", "the same, and clients are not told; the issuers of what ssl_stapling fetches"
        );
        number ssl_verify_depth = (
            SERVERS, "1", "how many certificates may stand between a client's and that of an authority"
        );
        option ssl_crl: Word = (SERVERS, ONE, word, "(none)", "a file with lists of clients' certificates that are revoked");
        flag ssl_certificate_compression = (
            SERVERS, "off", "compress the certificates, for clients that take that"
        );
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

/// What is asked of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Nothing.
    Off,
    /// A certificate of a known authority.
    On,
    /// One, if they have it.
    Optional,
    /// One of any authority, if they have it.
    OptionalNoCa,
}

/// Where sessions are kept that are resumed by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionCache {
    /// Nowhere.
    None,
}

fn word(setting: &Setting<'_>) -> Result<Word, Error> {
    Ok(setting.args()[0].clone())
}

fn path(setting: &Setting<'_>) -> Result<PathBuf, Error> {
    Ok(setting.conf_path(0))
}

fn without_effect(setting: &Setting<'_>) -> Result<Word, Error> {
    setting.warn(format!("\"{}\" has no effect: rustls has no DHE", setting.name()));
    word(setting)
}

fn protocols(setting: &Setting<'_>) -> Result<Vec<Protocol>, Error> {
    let mut all = Vec::new();
    let mut missing = Vec::new();
    for (at, word) in setting.args().iter().enumerate() {
        match word.text.as_str() {
            "TLSv1.2" => all.push(Protocol::Tls12),
            "TLSv1.3" => all.push(Protocol::Tls13),
            old @ ("SSLv2" | "SSLv3" | "TLSv1" | "TLSv1.1") => missing.push(old),
            other => return Err(setting.error_at(at, format!("invalid value \"{other}\""))),
        }
    }
    if !missing.is_empty() {
        setting.warn(format!("\"ssl_protocols\": {} not spoken here", missing.join(", ")));
    }
    match all.is_empty() {
        true => Err(setting.error("no protocol is left: TLSv1.2 and TLSv1.3 are spoken here")),
        false => Ok(all),
    }
}

fn verify(setting: &Setting<'_>) -> Result<Verify, Error> {
    setting.choice(
        0,
        &[
            ("off", Verify::Off),
            ("on", Verify::On),
            ("optional", Verify::Optional),
            ("optional_no_ca", Verify::OptionalNoCa),
        ],
    )
}

fn session_cache(setting: &Setting<'_>) -> Result<SessionCache, Error> {
    let _ = setting;
    Ok(SessionCache::None)
}
