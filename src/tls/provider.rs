//! Which versions, ciphers and groups are spoken: OpenSSL's words, over what rustls has.

use conf::{Env, Error, Word};
use proto::tls::cipher_list::{self, Fault};
use proto::tls::names;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};

use crate::settings::{Conf, Protocol};

/// What directives say of it: those of a server, or those with which this server asks others.
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'c> {
    /// What stands before `ssl_` in the directives' names.
    pub prefix: &'c str,
    /// `…ssl_protocols`
    pub protocols: &'c [Protocol],
    /// `…ssl_ciphers`
    pub ciphers: Option<&'c Word>,
    /// `ssl_ecdh_curve`
    pub groups: Option<&'c Word>,
    /// `…ssl_conf_command`: names and values.
    pub commands: &'c [(Word, Word)],
}

impl<'c> Spoken<'c> {
    /// By a server.
    pub fn by_server(conf: &'c Conf) -> Spoken<'c> {
        Spoken {
            prefix: "",
            protocols: conf.ssl_protocols.as_slice(),
            ciphers: conf.ssl_ciphers.get(),
            groups: conf.ssl_ecdh_curve.get(),
            commands: conf.ssl_conf_command.as_slice(),
        }
    }

    /// The values of one of OpenSSL's words.
    pub fn commands(self, name: &'c str) -> impl Iterator<Item = &'c Word> {
        let all = self.commands.iter();
        all.filter(move |(word, _)| word.text.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// What `ssl_conf_command MinProtocol` and `MaxProtocol` leave.
    fn bounds(self) -> std::ops::RangeInclusive<Protocol> {
        let bound = |name| {
            self.commands(name).last().map(|value| match value.text.as_str() {
                "TLSv1.3" => Protocol::Tls13,
                _ => Protocol::Tls12,
            })
        };
        bound("MinProtocol").unwrap_or(Protocol::Tls12)
            ..=bound("MaxProtocol").unwrap_or(Protocol::Tls13)
    }

    /// The versions, with the ciphers of `provider`. The error: which directives leave nothing to be spoken.
    pub fn versions(
        self,
        provider: &CryptoProvider,
    ) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
        let (prefix, bounds) = (self.prefix, self.bounds());
        let protocols = match self.protocols {
            [] => &[Protocol::Tls12, Protocol::Tls13],
            protocols => protocols,
        };
        let versions = protocols.iter().filter(|protocol| bounds.contains(protocol));
        let versions = versions.map(|protocol| match protocol {
            Protocol::Tls12 => &version::TLS12,
            Protocol::Tls13 => &version::TLS13,
        });
        let versions: Vec<_> = versions.collect();
        if versions.is_empty() {
            return Err(format!(
                "no protocol is left by \"{prefix}ssl_protocols\" and \"{prefix}ssl_conf_command\" MinProtocol and MaxProtocol"
            ));
        }
        let fits = |suite: &SupportedCipherSuite| versions.contains(&suite.version());
        match provider.cipher_suites.iter().any(fits) {
            true => Ok(versions),
            false => Err(format!(
                "no cipher is left by \"{prefix}ssl_ciphers\" and \"{prefix}ssl_conf_command\" Ciphersuites for the protocols"
            )),
        }
    }

    /// The cryptography.
    pub fn provider(self, env: &Env<'_>) -> Result<CryptoProvider, Error> {
        let mut provider = aws_lc_rs::default_provider();
        if let Some(word) = self.ciphers {
            set_ciphers(&mut provider, self.prefix, word, env)?;
        }
        for word in self.commands("Ciphersuites") {
            set_suites(&mut provider, self.prefix, word, env);
        }
        let groups = self.groups.filter(|word| word.text != "auto");
        let commands = self.commands("Groups").chain(self.commands("Curves"));
        let directive = match self.groups {
            Some(_) => "ssl_ecdh_curve".to_owned(),
            None => format!("{}ssl_conf_command Groups", self.prefix),
        };
        for word in groups.into_iter().chain(commands) {
            set_groups(&mut provider, &directive, word, env)?;
        }
        Ok(provider)
    }
}

/// Those of TLS 1.3, in the order of a list of OpenSSL's.
fn set_suites(provider: &mut CryptoProvider, prefix: &str, word: &Word, env: &Env<'_>) {
    let (codes, missing) = cipher_list::ciphersuites(&word.text);
    if !missing.is_empty() {
        let missing = missing.join(", ");
        warn(
            format!("\"{prefix}ssl_conf_command Ciphersuites\": not available here: {missing}"),
            word,
            env,
        );
    }
    let all = &provider.cipher_suites;
    let chosen = codes.iter().filter_map(|code| all.iter().find(|s| u16::from(s.suite()) == *code));
    let others = all.iter().filter(|suite| suite.tls13().is_none());
    provider.cipher_suites = chosen.chain(others).copied().collect();
}

fn warn(message: String, word: &Word, env: &Env<'_>) {
    env.warnings.borrow_mut().push(Error::at(message, word.span, env.files));
}

/// Those of TLS 1.2 in the order of the list; those of TLS 1.3 stay, as in nginx.
fn set_ciphers(
    provider: &mut CryptoProvider,
    prefix: &str,
    word: &Word,
    env: &Env<'_>,
) -> Result<(), Error> {
    let list = cipher_list::evaluate(&word.text).map_err(|fault| {
        let message = format!("\"{prefix}ssl_ciphers\": {fault}");
        let error = Error::at(message, word.span, env.files);
        match fault {
            Fault::NoMatch(_) => error.with_hint(
                "TLS 1.2 is spoken here with ECDHE and AES-GCM or ChaCha20-Poly1305 alone",
            ),
            Fault::Command(_) => error,
        }
    })?;
    if !list.missing.is_empty() {
        let (kinds, missing) = (list.kinds.join(", "), list.missing.join(" "));
        warn(
            format!("\"{prefix}ssl_ciphers\": not available here: {kinds} ({missing})"),
            word,
            env,
        );
    }
    if !list.unknown.is_empty() {
        let unknown = list.unknown.join(" ");
        warn(format!("\"{prefix}ssl_ciphers\": unknown, and passed over: {unknown}"), word, env);
    }
    let all = &provider.cipher_suites;
    let of_tls13 = all.iter().filter(|suite| suite.tls13().is_some());
    let chosen = list
        .suites
        .iter()
        .filter_map(|wanted| all.iter().find(|suite| u16::from(suite.suite()) == wanted.code));
    provider.cipher_suites = of_tls13.chain(chosen).copied().collect();
    Ok(())
}

fn set_groups(
    provider: &mut CryptoProvider,
    directive: &str,
    word: &Word,
    env: &Env<'_>,
) -> Result<(), Error> {
    let wrong =
        |message: String| Error::at(format!("\"{directive}\": {message}"), word.span, env.files);
    let (groups, missing) = names::groups(&word.text).map_err(wrong)?;
    if !missing.is_empty() {
        warn(format!("\"{directive}\": not available here: {}", missing.join(", ")), word, env);
    }
    let all = aws_lc_rs::ALL_KX_GROUPS;
    let chosen = groups.iter().filter_map(|wanted| {
        all.iter().find(|group| u16::from(group.name()) == wanted.code).copied()
    });
    provider.kx_groups = chosen.collect();
    match provider.kx_groups.is_empty() {
        true => Err(wrong("none of these groups is available here".to_owned())),
        false => Ok(()),
    }
}
