//! Certificates with their keys: loaded by the master, chosen in the handshake.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use conf::{Env, Error, Word};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, SignatureAlgorithm, SignatureScheme};

use crate::encrypted_key;
use crate::x509::{Certificate, Key};

/// A PEM file is no longer than that.
const LONGEST: u64 = 4 << 20;

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub struct Pair {
    pub certificate: Word,
    pub key: Word,
}

/// A path relative to the configuration's directory.
pub fn path(word: &Word, env: &Env<'_>) -> PathBuf {
    env.conf_dir.join(conf::text::path(&word.text))
}

/// Reads a file of PEM, or the text behind `data:`.
pub(crate) fn read(what: &str, word: &Word, env: &Env<'_>) -> Result<Vec<u8>, Error> {
    let text = &word.text;
    if let Some(data) = text.strip_prefix("data:") {
        return Ok(conf::text::bytes(data).into_owned());
    }
    if text.starts_with("engine:") || text.starts_with("store:") {
        let message = format!("cannot load {what} \"{text}\": rustls has no engines and stores");
        return Err(Error::at(message, word.span, env.files));
    }
    let path = path(word, env);
    let bytes = read_file(&path);
    bytes.map_err(|error| {
        let message = format!("cannot load {what} \"{}\": {error}", path.display());
        Error::at(message, word.span, env.files)
    })
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    sys::small::read(path, LONGEST).map_err(|error| sys::log::errno(&error))
}

/// Loads a pair, and looks whether they belong together.
pub fn load(
    pair: &Pair,
    passphrases: &[Vec<u8>],
    env: &Env<'_>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Error> {
    let (certificate, key) = (&pair.certificate, &pair.key);
    let chain = chain(&read("certificate", certificate, env)?).map_err(|why| {
        let message = format!("cannot load certificate \"{}\": {why}", shown(&certificate.text));
        Error::at(message, certificate.span, env.files)
    })?;
    let wrong = |why: String| {
        let message = format!("cannot load certificate key \"{}\": {why}", shown(&key.text));
        Error::at(message, key.span, env.files)
    };
    let bytes = read("certificate key", key, env)?;
    let private = private_key(&bytes, passphrases).map_err(wrong)?;
    warn_of_rights(key, env);
    let signer = provider.key_provider.load_private_key(private);
    let signer = signer.map_err(|error| wrong(error.to_string()))?;
    let certified = CertifiedKey::new(chain, signer);
    match fits(&certified) {
        Ok(true) => Ok(certified),
        Ok(false) => {
            let message = format!(
                "the key \"{}\" is not that of the certificate \"{}\" (key values mismatch)",
                shown(&key.text),
                shown(&certificate.text)
            );
            Err(Error::at(message, key.span, env.files))
        }
        Err(why) => {
            let message =
                format!("cannot load certificate \"{}\": {why}", shown(&certificate.text));
            Err(Error::at(message, certificate.span, env.files))
        }
    }
}

/// Whether a pair belongs together. Nothing else is asked of a certificate that others are to judge. The error: what the first file begins with is
/// none.
fn fits(pair: &CertifiedKey) -> Result<bool, String> {
    let (Some(own), Some(key)) = (pair.cert.first(), pair.key.public_key()) else {
        return Ok(true);
    };
    let certificate = Certificate::parse(own).map_err(|malformed| malformed.to_string())?;
    Ok(Key::parse(&key).is_ok_and(|key| certificate.key.is_same_as(&key)))
}

/// The same in a worker, of what words with variables came to: names of files, relative to `base`, or what stands behind
/// `data:`. The error says which.
pub fn load_named(
    [certificate, key]: [&[u8]; 2],
    base: &Path,
    passphrases: &[Vec<u8>],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, String> {
    let read = |text: &[u8]| match text.strip_prefix(b"data:") {
        Some(data) => Ok(data.to_vec()),
        None => read_file(&base.join(OsStr::from_bytes(text))),
    };
    let wrong = |text: &[u8], why: String| {
        let text = String::from_utf8_lossy(text);
        format!("cannot load certificate \"{}\": {why}", shown(&text).escape_debug())
    };
    let chain = read(certificate).and_then(|pem| chain(&pem));
    let chain = chain.map_err(|why| wrong(certificate, why))?;
    let private = read(key).and_then(|pem| private_key(&pem, passphrases));
    let certified = private.and_then(|private| certified(chain, private, provider));
    certified.map_err(|why| wrong(key, why))
}

fn cannot_load(path: &Path, why: &str) -> String {
    format!("cannot load certificate \"{}\": {why}", path.display())
}

/// What is in the files of a pair.
pub fn files(
    certificate: &Path,
    key: &Path,
    passphrases: &[Vec<u8>],
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let private = read_file(key).and_then(|pem| private_key(&pem, passphrases));
    Ok((chain_of(certificate)?, private.map_err(|why| cannot_load(key, &why))?))
}

/// The certificates of a file.
pub fn chain_of(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    read_file(path).and_then(|pem| chain(&pem)).map_err(|why| cannot_load(path, &why))
}

/// A chain and a key, if they belong together.
pub fn certified(
    chain: Vec<CertificateDer<'static>>,
    private: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, String> {
    let signer = provider.key_provider.load_private_key(private);
    let certified = CertifiedKey::new(chain, signer.map_err(|error| error.to_string())?);
    match fits(&certified)? {
        true => Ok(certified),
        false => Err("it is not the key of that certificate (key values mismatch)".to_owned()),
    }
}

/// A word without the secret that stands in it.
pub(crate) fn shown(text: &str) -> &str {
    match text.starts_with("data:") {
        true => "data:…",
        false => text,
    }
}

/// The certificates of a PEM text, the server's own first.
pub(crate) fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|error| format!("it is no PEM ({error})"))?;
    match all.is_empty() {
        true => Err("no certificate is in it (PEM_read_bio_X509_AUX() failed)".to_owned()),
        false => Ok(all),
    }
}

/// The lines of files: passphrases of keys.
pub fn passphrases(files: &[Word], env: &Env<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let mut all = Vec::new();
    for word in files {
        let text = read("passphrases", word, env)?;
        let lines = text.split(|&byte| byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        all.extend(lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec));
    }
    Ok(all)
}

fn private_key(pem: &[u8], passphrases: &[Vec<u8>]) -> Result<PrivateKeyDer<'static>, String> {
    if memory_has(pem, b"Proc-Type: 4,ENCRYPTED") {
        return Err("it is encrypted in the legacy form of PEM, which is not read here; \
                    \"openssl pkcs8 -topk8\" makes another of it"
            .to_owned());
    }
    if memory_has(pem, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        let der = encrypted(pem).ok_or("it is no PEM")?;
        let opened = encrypted_key::decrypt(&der, passphrases)?;
        return Ok(PrivatePkcs8KeyDer::from(opened).into());
    }
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(rustls::pki_types::pem::Error::NoItemsFound) => {
            Err("no key is in it (PEM_read_bio_PrivateKey() failed)".to_owned())
        }
        Err(error) => Err(format!("it is no PEM ({error})")),
    }
}

/// What stands in a PEM text of an encrypted key, which is none of the kinds that rustls knows.
fn encrypted(pem: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(pem).replace("ENCRYPTED PRIVATE KEY", "PRIVATE KEY");
    let key = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).ok()?;
    Some(key.secret_pkcs8_der().to_vec())
}

fn memory_has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}

/// A key that everybody may read is no secret.
fn warn_of_rights(key: &Word, env: &Env<'_>) {
    if key.text.starts_with("data:") {
        return;
    }
    let path = path(key, env);
    if everybody_may_read(&path) {
        let message = format!("every user may read the key \"{}\"", path.display());
        let warning = Error::at(message, key.span, env.files).with_hint("chmod o-r it");
        env.warnings.borrow_mut().push(warning);
    }
}

/// Whether every user of the system may read a file.
pub fn everybody_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|known| known.permissions().mode() & 0o004 != 0)
}

/// The identities of a server: one for each type of key. They may be changed while it serves.
#[derive(Debug)]
pub struct Identities {
    all: RwLock<Vec<Arc<CertifiedKey>>>,
}

impl Identities {
    pub fn new(all: Vec<Arc<CertifiedKey>>) -> Identities {
        Identities { all: RwLock::new(all) }
    }
}

impl Identities {
    /// All of them.
    pub fn all(&self) -> Vec<Arc<CertifiedKey>> {
        self.all.read().map(|all| all.clone()).unwrap_or_default()
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        choose(&self.all.read().ok()?, &hello)
    }
}

/// The client's order of signatures decides, as with OpenSSL; the first certificate is for those who like none.
pub(crate) fn choose(
    all: &[Arc<CertifiedKey>],
    hello: &ClientHello<'_>,
) -> Option<Arc<CertifiedKey>> {
    let schemes = hello.signature_schemes();
    let fits = |scheme: &SignatureScheme, one: &CertifiedKey| {
        one.key.choose_scheme(&[*scheme]).is_some()
            && has_cipher(hello.cipher_suites(), one.key.algorithm())
    };
    let chosen = schemes.iter().find_map(|scheme| all.iter().find(|one| fits(scheme, one)));
    chosen.or(all.first()).cloned()
}

/// Whether a key of this type can be used with one of the ciphers: those of TLS 1.2 name it.
fn has_cipher(ciphers: &[CipherSuite], algorithm: SignatureAlgorithm) -> bool {
    ciphers.iter().any(|cipher| {
        let name = cipher.as_str().unwrap_or_default();
        name.starts_with("TLS13_")
            || match algorithm {
                SignatureAlgorithm::RSA => name.contains("_RSA_"),
                _ => name.contains("_ECDSA_"),
            }
    })
}
