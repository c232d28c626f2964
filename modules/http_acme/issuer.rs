//! An `acme_issuer` block.

use std::path::{Path, PathBuf};

use acme::{Account, AccountKey, External, Kind};
use conf::{Error, Setting};
use http::client::fetch::Url;
use module::Folder;
use tls::outgoing::{Outgoing, Trust};

/// The longest file of a key.
const LONGEST: u64 = 64 << 10;

/// Who makes certificates.
pub struct Issuer {
    pub name: String,
    /// Its directory.
    pub uri: String,
    /// The account's key, in PEM, where it was given.
    pub key: Option<Vec<u8>>,
    pub account: Account,
    pub challenge: Kind,
    /// The authority by which the chain should end.
    pub preferred_chain: Option<String>,
    pub profile: Option<String>,
    pub outgoing: Outgoing,
    /// Where accounts and certificates are kept.
    pub state: Option<Folder>,
}

impl Issuer {
    /// By which name the account's key is on the board, where it is in no file.
    pub fn key_on_board(&self) -> Option<String> {
        let is_there = self.key.is_none() && self.state.is_none();
        is_there.then(|| format!("{}/account.key", self.name))
    }
}

/// Reads one.
pub fn read(setting: &Setting<'_>) -> Result<Issuer, Error> {
    let name = setting.arg(0).to_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(setting.error_at(0, format!("invalid issuer name \"{name}\"")));
    }
    let mut server = Server { uri: None, trusted: None, verify: true };
    let mut issuer = Issuer {
        uri: String::new(),
        key: None,
        account: Account::default(),
        challenge: Kind::default(),
        preferred_chain: None,
        profile: None,
        outgoing: Outgoing::new(Trust::All).map_err(|why| setting.error(why))?,
        state: Some(folder(setting, setting.env().prefix.join(format!("acme_{name}")))),
        name,
    };
    let mut seen: Vec<&str> = Vec::new();
    for node in setting.block() {
        let line = Setting::new(node, setting.context(), setting.env());
        let name = line.name();
        if name != "contact" && seen.contains(&name) {
            return Err(line.duplicate());
        }
        seen.push(name);
        set(&mut issuer, &mut server, &line)?;
    }
    issuer.uri = server.uri.ok_or_else(|| setting.error("\"uri\" is missing in acme_issuer"))?;
    let trust = match (&server.trusted, server.verify) {
        (_, false) => Trust::All,
        (Some(path), true) => Trust::File(path),
        (None, true) => Trust::System,
    };
    issuer.outgoing = Outgoing::new(trust).map_err(|why| setting.error(why))?;
    Ok(issuer)
}

/// How the issuer is reached.
struct Server {
    uri: Option<String>,
    trusted: Option<PathBuf>,
    verify: bool,
}

/// One line of the block.
fn set(issuer: &mut Issuer, server: &mut Server, line: &Setting<'_>) -> Result<(), Error> {
    let name = line.name();
    let args: Vec<&str> = line.args().iter().map(|word| &word.text[..]).collect();
    match (name, &args[..]) {
        ("uri", [text]) if Url::parse(text).is_some() => server.uri = Some((*text).to_owned()),
        ("uri", [_]) => return Err(line.error_at(0, "invalid value: an http or https URL")),
        ("account_key", ["ecdsa" | "ecdsa:256"]) => {}
        ("account_key", [other]) if other.starts_with("ecdsa:") || other.starts_with("rsa:") => {
            return Err(line.error_at(0, "keys of accounts are ecdsa:256 here"));
        }
        ("account_key", [_]) => issuer.key = Some(key(line)?),
        ("contact", [_, ..]) => issuer.account.contact.extend(args.iter().map(|contact| {
            let scheme = if contact.contains(':') { "" } else { "mailto:" };
            format!("{scheme}{contact}")
        })),
        ("challenge", [text]) => {
            issuer.challenge = Kind::of(text).ok_or_else(|| line.invalid(0, "challenge"))?;
        }
        ("external_account_key", [id, _]) => {
            issuer.account.external = Some(External { id: (*id).into(), key: secret(line)? });
        }
        ("preferred_chain", [name]) => issuer.preferred_chain = Some((*name).into()),
        ("profile", [name] | [name, "require"]) => issuer.profile = Some((*name).into()),
        ("ssl_trusted_certificate", [_]) => server.trusted = Some(line.conf_path(0)),
        ("ssl_verify", [_]) => server.verify = line.flag()?,
        ("state_path", ["off"]) => issuer.state = None,
        ("state_path", [_]) => issuer.state = Some(folder(line, line.path(0))),
        ("accept_terms_of_service", []) => issuer.account.terms_agreed = true,
        ("resolver" | "resolver_timeout", _) => {
            line.warn(format!("\"{name}\" has no effect: names are looked up by the system"));
        }
        (
            "uri"
            | "account_key"
            | "contact"
            | "challenge"
            | "external_account_key"
            | "preferred_chain"
            | "profile"
            | "ssl_trusted_certificate"
            | "ssl_verify"
            | "state_path"
            | "accept_terms_of_service",
            _,
        ) => {
            return Err(line.error(format!("invalid number of arguments in \"{name}\"")));
        }
        _ => return Err(line.error(format!("unknown directive \"{name}\" in acme_issuer"))),
    }
    Ok(())
}

fn folder(line: &Setting<'_>, path: PathBuf) -> Folder {
    let place = line.env().files.place(line.node().name.span);
    Folder { path, wanted_by: format!("\"{}\" in {place}", line.name()), shared: None }
}

/// The key of an account, in a file.
fn key(line: &Setting<'_>) -> Result<Vec<u8>, Error> {
    let path = line.conf_path(0);
    let pem = read_small(line, &path)?;
    AccountKey::from_pem(&pem).map_err(|error| {
        line.error_at(0, format!("cannot load \"{}\": {error}", path.display()))
    })?;
    Ok(pem)
}

/// A secret in a file, or behind `data:`.
fn secret(line: &Setting<'_>) -> Result<String, Error> {
    if let Some(text) = line.arg(1).strip_prefix("data:") {
        return Ok(text.to_owned());
    }
    let path = line.conf_path(1);
    let text = String::from_utf8(read_small(line, &path)?);
    let text = text.map_err(|_| line.error_at(1, format!("\"{}\" is no text", path.display())))?;
    Ok(text.trim().to_owned())
}

/// A key, or a secret; the word that names it is the last.
fn read_small(line: &Setting<'_>, path: &Path) -> Result<Vec<u8>, Error> {
    sys::small::read(path, LONGEST).map_err(|error| {
        let (path, why) = (path.display(), sys::log::errno(&error));
        line.error_at(line.args().len() - 1, format!("cannot read \"{path}\" {why}"))
    })
}
