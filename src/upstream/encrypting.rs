//! The `…_ssl_*` directives of the families whose peers may be encrypted, and what they come to.

use std::rc::Rc;

use conf::{Error, Word};
use http::vars::scope::Scope;
use http::vars::template::Template;
use http::{Installing, LogLevel, Request};
use tls::{Context, Wanted};

use crate::encryption::Encryption;
use crate::upstreams::Upstreams;

/// How a block asks peers that are to be encrypted.
pub struct Encrypting<R: 'static = Request> {
    context: Rc<Context>,
    /// The name that peers are asked by, if it is another one than where requests go.
    name: Option<Template<R>>,
}

impl<R: Scope> Encrypting<R> {
    /// Of what directives say. `place`: the word that says where requests go.
    pub fn compile(
        wanted: &Wanted<'_>,
        name: Option<&Word>,
        place: &Word,
        hooks: &mut Installing<'_, '_, R>,
    ) -> Result<Encrypting<R>, Error> {
        let name = name.map(|word| hooks.template(word)).transpose()?;
        let upstreams = hooks.setup().shared::<Upstreams<R>>();
        Ok(Encrypting { context: upstreams.context(wanted, place, hooks)?, name })
    }

    /// For one request to a host. The error is the status for the client.
    pub fn of(&self, request: &mut R, host: &[u8]) -> Result<Encryption, u16> {
        let name = match &self.name {
            Some(template) => self.context.name(&template.evaluate(request)),
            None => self.context.name(host),
        };
        match name {
            Ok(name) => Ok(Encryption::new(self.context.clone(), name)),
            Err(why) => {
                request.log(LogLevel::Error, format_args!("{why}"));
                Err(502)
            }
        }
    }
}

/// Declares the settings of a module of the family whose peers may be encrypted: those of
/// [`family_settings`](crate::family_settings), those of encryption, and its own.
#[macro_export]
macro_rules! encrypted_family_settings {
    (
        $prefix:literal, $family:literal;
        $(#[$meta:meta])*
        $vis:vis struct $conf:ident { $($own:tt)* }
    ) => {
        $crate::encryption_settings! {
            [$crate::family_settings] [$prefix, $family;]
            $prefix, $crate::WEB, http::Request;
            $(#[$meta])*
            $vis struct $conf { $($own)* }
        }
    };
}

/// Declares settings with those of encryption before its own, by the macro that is named in brackets, which is given what stands
/// in the next ones before them.
#[doc(hidden)]
#[macro_export]
macro_rules! encryption_settings {
    (
        [$($declare:tt)*] [$($before:tt)*]
        $prefix:literal, $contexts:expr, $scope:ty;
        $(#[$meta:meta])*
        $vis:vis struct $conf:ident { $($own:tt)* }
    ) => {
        $($declare)*! {
            $($before)*
            $(#[$meta])*
            $vis struct $conf {
                option ssl_certificate: conf::Word = (
                    $contexts, conf::Arity::Exactly(1), $crate::tls::settings::word, "(none)",
                    "a file with this server's certificate for peers that ask for one, in PEM; an empty name: none"
                );
                option ssl_certificate_key: conf::Word = (
                    $contexts, conf::Arity::Exactly(1), $crate::tls::settings::word, "(none)",
                    "a file with the certificate's key, in PEM, or data:TEXT"
                );
                value ssl_certificate_cache: $crate::tls::settings::CertificateCache = (
                    $contexts, conf::Arity::Between(1, 3), $crate::tls::settings::cache, "off",
                    "without effect: certificates have no variables in their names, and are loaded once"
                );
                option ssl_ciphers: conf::Word = (
                    $contexts, conf::Arity::Exactly(1), $crate::tls::settings::word, "(all that are known)",
                    "ciphers of TLS 1.2, as OpenSSL writes them; what rustls does not have is named in a warning"
                );
                list ssl_conf_command: (conf::Word, conf::Word) = (
                    $contexts, conf::Arity::Exactly(2), $crate::tls::settings::command, "(none)",
                    "OpenSSL's own words: Ciphersuites, MinProtocol, MaxProtocol, Groups; others have no effect"
                );
                option ssl_crl: conf::Word = (
                    $contexts, conf::Arity::Exactly(1), $crate::tls::settings::word, "(none)",
                    "a file with lists of peers' certificates that are revoked"
                );
                option ssl_name: conf::Word = (
                    $contexts, conf::Arity::Exactly(1), $crate::tls::settings::word, "(where requests go)",
                    "the name that a peer's certificate must be for, and that it is asked by; variables may stand in it"
                );
                flag ssl_server_name = ($contexts, "off", "tell peers the name that they are asked by (SNI)");
                option ssl_password_file: conf::Word = (
                    $contexts, conf::Arity::Exactly(1), $crate::tls::settings::word, "(none)",
                    "passphrases of the key, one on each line"
                );
                lists ssl_protocols: $crate::tls::settings::Protocol = (
                    $contexts, conf::Arity::AtLeast(1), $crate::tls::settings::protocols, "TLSv1.2 TLSv1.3",
                    "versions of TLS that are spoken"
                );
                flag ssl_session_reuse = ($contexts, "on", "resume sessions, which each worker keeps by peer and name");
                option ssl_trusted_certificate: conf::Word = (
                    $contexts, conf::Arity::Exactly(1), $crate::tls::settings::word, "(none)",
                    "a file with authorities whose certificates peers may have, in PEM"
                );
                flag ssl_verify = (
                    $contexts, "off", "whether a peer must have a certificate of a known authority, and for its name; 502 if not"
                );
                number ssl_verify_depth = (
                    $contexts, "1", "how many certificates may stand between a peer's and that of an authority"
                );
                $($own)*
            }
        }

        impl $conf {
            /// How peers are encrypted. `place`: the word that says where requests go.
            $vis fn encryption(
                &self,
                place: &conf::Word,
                hooks: &mut http::Installing<'_, '_, $scope>,
            ) -> Result<$crate::Encrypting<$scope>, conf::Error> {
                let spoken = $crate::tls::Spoken {
                    prefix: $prefix,
                    protocols: self.ssl_protocols.as_slice(),
                    ciphers: self.ssl_ciphers.get(),
                    groups: None,
                    commands: self.ssl_conf_command.as_slice(),
                };
                let wanted = $crate::tls::Wanted {
                    spoken,
                    certificate: self.ssl_certificate.get(),
                    key: self.ssl_certificate_key.get(),
                    passwords: self.ssl_password_file.get(),
                    verify: self.ssl_verify(),
                    depth: self.ssl_verify_depth(),
                    trusted: self.ssl_trusted_certificate.get(),
                    crl: self.ssl_crl.get(),
                    server_name: self.ssl_server_name(),
                    reuse: self.ssl_session_reuse(),
                };
                $crate::Encrypting::compile(&wanted, self.ssl_name.get(), place, hooks)
            }
        }
    };
}
