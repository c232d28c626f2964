//! The `ssl_*` directives of a server: in `http {}`, in `rtmp {}`, in `stream {}`.

use conf::{Arity, Contexts, Error, Setting, Word, contexts, settings, value};

use crate::ocsp::check_responder;

const SERVERS: Contexts = contexts!(HTTP | SERVER | RTMP | RTMP_SERVER | STREAM | STREAM_SERVER);
/// As with nginx, whose streams have no requests that might come early.
const NO_STREAMS: Contexts = contexts!(HTTP | SERVER | RTMP | RTMP_SERVER);
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
        list ssl_password_file: Word = (
            SERVERS, ONE, word, "(none)", "passphrases of keys, one on each line"
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
        value ssl_session_cache: SharedCache = (
            SERVERS, Arity::Between(1, 2), session_cache, "none",
            "off, none, builtin or shared:NAME:SIZE: sessions of TLS 1.2 by number"
        );
        time ssl_session_timeout = (SERVERS, "5m", "how long a session may be resumed");
        flag ssl_session_tickets = (
            SERVERS, "on", "sessions are resumed by tickets, which any worker can read"
        );
        list ssl_session_ticket_key: Word = (
            SERVERS, ONE, word, "(made and changed by the master)",
            "a file with the key of tickets, 48 or 80 bytes; the first one encrypts"
        );
        flag ssl_early_data = (
            NO_STREAMS, "off", "take requests of who comes back before the handshake is complete; they may be copies: $ssl_early_data"
        );
        size ssl_buffer_size = (NO_STREAMS, "16k", "the longest record");
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
        flag ssl_stapling = (
            SERVERS, "off", "show what issuers say of the certificates (OCSP): the helper asks them, or ssl_stapling_file has it"
        );
        option ssl_stapling_file: Word = (
            SERVERS, ONE, word, "(none)", "a file with an OCSP answer in DER, which is shown with the first certificate"
        );
        option ssl_stapling_responder: Word = (
            SERVERS, ONE, word, "(the certificate's)", "the http:// URL of who is asked"
        );
        flag ssl_stapling_verify = (
            SERVERS, "off", "without effect: who has signed an answer is always checked"
        );
        number ssl_verify_depth = (
            SERVERS, "1", "how many certificates may stand between a client's and that of an authority"
        );
        option ssl_crl: Word = (SERVERS, ONE, word, "(none)", "a file with lists of clients' certificates that are revoked");
        value ssl_ocsp: Ocsp = (
            SERVERS, ONE, ocsp, "off", "on, off or leaf: whether issuers are asked about all of a client's certificates, or about its own alone, before it is let in"
        );
        option ssl_ocsp_responder: Word = (
            SERVERS, ONE, responder, "(the certificate's)", "the http:// URL of who is asked"
        );
        value ssl_ocsp_cache: SharedCache = (
            SERVERS, ONE, ocsp_cache, "off", "off or shared:NAME:SIZE: what issuers have said is kept as long as it holds; of one certificate in 1 KB"
        );
        list ssl_conf_command: (Word, Word) = (
            SERVERS, Arity::Exactly(2), command, "(none)",
            "OpenSSL's own words: Ciphersuites, MinProtocol, MaxProtocol, Groups, Options; others have no effect"
        );
        value ssl_certificate_cache: CertificateCache = (
            SERVERS, Arity::Between(1, 3), cache, "off", "how many certificates with variables in their names are kept, and how long"
        );
        raw ssl_ech_file: () = (
            SERVERS, ONE, no_ech, "(none)", "refused: rustls has no Encrypted Client Hello for servers"
        );
        flag ssl_certificate_watch = (
            SERVERS, "on", "take certificates whose files have changed without a reload, a second after they have settled"
        );
        value ssl_certificate_warn: Vec<u64> = (
            SERVERS, SOME, times, "14d 3d", "so long before a certificate ends it is said in the log, and daily from then on; or off"
        );
        flag ssl_certificate_compression = (
            SERVERS, "off", "compress the certificates, for clients that take that"
        );
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

/// How certificates with variables in their names are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateCache {
    /// So many; 0: none.
    pub most: usize,
    /// Milliseconds without use.
    pub inactive: u64,
    /// Milliseconds after which they are loaded again.
    pub valid: u64,
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

/// About which of a client's certificates their issuers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ocsp {
    /// None.
    Off,
    /// All but that of the authority.
    On,
    /// Its own.
    Leaf,
}

/// Where sessions are kept that are resumed by their number, or what issuers have said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharedCache {
    /// Nowhere.
    None,
    /// In memory that all workers share, of so many bytes.
    Shared(String, usize),
}

/// The one argument.
pub fn word(setting: &Setting<'_>) -> Result<Word, Error> {
    Ok(setting.args()[0].clone())
}

fn without_effect(setting: &Setting<'_>) -> Result<Word, Error> {
    setting.warn(format!("\"{}\" has no effect: rustls has no DHE", setting.name()));
    word(setting)
}

/// Reads `ssl_conf_command NAME VALUE`.
pub fn command(setting: &Setting<'_>) -> Result<(Word, Word), Error> {
    const KNOWN: [&str; 6] =
        ["Ciphersuites", "MinProtocol", "MaxProtocol", "Groups", "Curves", "Options"];
    let (name, value) = (&setting.args()[0], &setting.args()[1]);
    if !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(&name.text)) {
        setting.warn(format!(
            "\"{} {}\" has no effect: rustls has nothing like it",
            setting.name(),
            name.text
        ));
    }
    Ok((name.clone(), value.clone()))
}

/// Reads `ssl_certificate_cache off | max=N [inactive=TIME] [valid=TIME]`.
pub fn cache(setting: &Setting<'_>) -> Result<CertificateCache, Error> {
    let mut cache = CertificateCache { most: 0, inactive: 10_000, valid: 60_000 };
    if setting.arg(0) == "off" && setting.args().len() == 1 {
        return Ok(cache);
    }
    for (at, word) in setting.args().iter().enumerate() {
        let invalid = || setting.error_at(at, format!("invalid parameter \"{}\"", word.text));
        let (name, text) = word.text.split_once('=').ok_or_else(invalid)?;
        match name {
            "max" => cache.most = text.parse().ok().filter(|most| *most > 0).ok_or_else(invalid)?,
            "inactive" => cache.inactive = value::milliseconds(text).ok_or_else(invalid)?,
            "valid" => cache.valid = value::milliseconds(text).ok_or_else(invalid)?,
            _ => return Err(invalid()),
        }
    }
    match cache.most {
        0 => {
            let name = setting.name();
            Err(setting.error(format!("\"{name}\" must have the \"max\" parameter")))
        }
        _ => Ok(cache),
    }
}

fn no_ech(_: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    Err(setting.error("\"ssl_ech_file\": rustls has no Encrypted Client Hello for servers"))
}

fn ocsp(setting: &Setting<'_>) -> Result<Ocsp, Error> {
    setting.choice(0, &[("off", Ocsp::Off), ("on", Ocsp::On), ("leaf", Ocsp::Leaf)])
}

fn responder(setting: &Setting<'_>) -> Result<Word, Error> {
    let checked = check_responder(setting.arg(0));
    checked.map_err(|why| setting.error(format!("{why} in \"{}\"", setting.name())))?;
    word(setting)
}

fn ocsp_cache(setting: &Setting<'_>) -> Result<SharedCache, Error> {
    match setting.arg(0).split(':').collect::<Vec<_>>()[..] {
        ["off"] => Ok(SharedCache::None),
        ["shared", name, size] if !name.is_empty() => shared(setting, 0, "OCSP", name, size),
        _ => Err(setting.error(format!("invalid OCSP cache \"{}\"", setting.arg(0)))),
    }
}

/// Reads `ssl_protocols VERSION…`.
pub fn protocols(setting: &Setting<'_>) -> Result<Vec<Protocol>, Error> {
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
        let (name, missing) = (setting.name(), missing.join(", "));
        setting.warn(format!("\"{name}\": {missing} not spoken here"));
    }
    match all.is_empty() {
        true => Err(setting.error("no protocol is left: TLSv1.2 and TLSv1.3 are spoken here")),
        false => Ok(all),
    }
}

/// Times in seconds, or `off`.
fn times(setting: &Setting<'_>) -> Result<Vec<u64>, Error> {
    if setting.args().len() == 1 && setting.arg(0) == "off" {
        return Ok(Vec::new());
    }
    (0..setting.args().len()).map(|at| setting.time_secs(at)).collect()
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

/// As nginx: `builtin` may stand before `shared`; by itself it would be a cache for each worker, which finds nothing.
fn session_cache(setting: &Setting<'_>) -> Result<SharedCache, Error> {
    let mut cache = SharedCache::None;
    for (at, word) in setting.args().iter().enumerate() {
        let invalid = || setting.error_at(at, format!("invalid session cache \"{}\"", word.text));
        match word.text.split(':').collect::<Vec<_>>()[..] {
            ["off" | "none"] if setting.args().len() == 1 => {}
            ["builtin"] => {}
            ["builtin", size] if size.parse::<u32>().is_ok() => {}
            ["shared", name, size] if !name.is_empty() => {
                cache = shared(setting, at, "session", name, size)?;
            }
            _ => return Err(invalid()),
        }
    }
    Ok(cache)
}

/// A zone for `what` is kept in it.
fn shared(
    setting: &Setting<'_>,
    at: usize,
    what: &str,
    name: &str,
    size: &str,
) -> Result<SharedCache, Error> {
    let written = setting.arg(at);
    let wrong = |how: &str| setting.error_at(at, format!("{how} \"{written}\""));
    let size = value::size(size).and_then(|size| usize::try_from(size).ok());
    let size = size.filter(|&size| size <= 1 << 40);
    let size = size.ok_or_else(|| wrong(&format!("invalid {what} cache")))?;
    if size < 8 * 4096 {
        let small = setting.error_at(at, format!("{what} cache \"{written}\" is too small"));
        return Err(small.with_hint("it has at least 32k"));
    }
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name.chars().all(letters) {
        true => Ok(SharedCache::Shared(name.to_owned(), size)),
        false => Err(setting.error_at(at, "a zone's name has letters, digits and _")),
    }
}
