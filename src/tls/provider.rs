//! Which ciphers and groups a server has: OpenSSL's words, over what rustls has.

use conf::{Env, Error, Word};
use proto::tls::cipher_list::{self, Fault};
use proto::tls::names;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::settings::Conf;

/// The cryptography of a server, as its directives say.
pub fn provider(conf: &Conf, env: &Env<'_>) -> Result<CryptoProvider, Error> {
    let mut provider = aws_lc_rs::default_provider();
    if let Some(word) = conf.ssl_ciphers.get() {
        set_ciphers(&mut provider, word, env)?;
    }
    for word in conf.commands("Ciphersuites") {
        set_suites(&mut provider, word, env);
    }
    let curves = conf.ssl_ecdh_curve.get().filter(|word| word.text != "auto");
    let groups = conf.commands("Groups").chain(conf.commands("Curves"));
    for word in curves.into_iter().chain(groups) {
        set_groups(&mut provider, word, env)?;
    }
    Ok(provider)
}

/// Those of TLS 1.3, in the order of a list of OpenSSL's.
fn set_suites(provider: &mut CryptoProvider, word: &Word, env: &Env<'_>) {
    let (codes, missing) = cipher_list::ciphersuites(&word.text);
    if !missing.is_empty() {
        let missing = missing.join(", ");
        warn(
            format!("\"ssl_conf_command Ciphersuites\": not available here: {missing}"),
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
fn set_ciphers(provider: &mut CryptoProvider, word: &Word, env: &Env<'_>) -> Result<(), Error> {
    let list = cipher_list::evaluate(&word.text).map_err(|fault| {
        let message = format!("\"ssl_ciphers\": {fault}");
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
        warn(format!("\"ssl_ciphers\": not available here: {kinds} ({missing})"), word, env);
    }
    if !list.unknown.is_empty() {
        let unknown = list.unknown.join(" ");
        warn(format!("\"ssl_ciphers\": unknown, and passed over: {unknown}"), word, env);
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

fn set_groups(provider: &mut CryptoProvider, word: &Word, env: &Env<'_>) -> Result<(), Error> {
    let wrong =
        |message: String| Error::at(format!("\"ssl_ecdh_curve\": {message}"), word.span, env.files);
    let (groups, missing) = names::groups(&word.text).map_err(wrong)?;
    if !missing.is_empty() {
        warn(format!("\"ssl_ecdh_curve\": not available here: {}", missing.join(", ")), word, env);
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
