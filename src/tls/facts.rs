//! What is known of an encrypted connection: `$ssl_…`.

use proto::tls::names;
use rustls::HandshakeKind;
use rustls::pki_types::CertificateDer;

use crate::clients::Clients;
use crate::issuers::Standing;
use crate::server::Server;
use crate::session::{Session, State};
use crate::settings::Verify;
use crate::verdict::Verdict;
use crate::x509::Certificate;

impl Session {
    /// `TLSv1.3`
    pub fn version(&self) -> Option<&'static str> {
        names::protocol(u16::from(self.common()?.protocol_version()?))
    }

    /// The cipher suite, by OpenSSL's name.
    pub fn cipher(&self) -> Option<&'static str> {
        names::suite(u16::from(self.common()?.negotiated_cipher_suite()?.suite()))
    }

    /// The group of the key exchange, by OpenSSL's name.
    pub fn curve(&self) -> Option<&'static str> {
        names::group(u16::from(self.common()?.negotiated_key_exchange_group()?.name()))
    }

    /// Whether the session is one of before.
    pub fn is_resumed(&self) -> bool {
        self.common().and_then(|common| common.handshake_kind()) == Some(HandshakeKind::Resumed)
    }

    /// Whether what was read last came before the handshake was complete.
    pub fn is_early(&self) -> bool {
        matches!(self.state(), State::Tls(records) if records.is_early())
    }

    /// The client's certificates, its own first.
    pub fn client_chain(&self) -> Option<&[CertificateDer<'static>]> {
        self.common()?.peer_certificates()
    }

    /// Looks at the client's certificate.
    pub fn with_certificate<T>(&self, look: impl FnOnce(&Certificate<'_>) -> T) -> Option<T> {
        let own = self.client_chain()?.first()?;
        Certificate::parse(own).ok().map(|certificate| look(&certificate))
    }

    /// Those whom a server trusts; the one with which the handshake was, if that is not said.
    fn clients(&self, server: Option<&'static Server>) -> Option<&'static Clients> {
        server.or(self.chosen().map(|chosen| chosen.tls))?.clients()
    }

    /// What a server has to say to the client's certificate. As in nginx, it says it once on a connection.
    pub fn verdict(&self, server: Option<&'static Server>) -> Verdict {
        let Some(clients) = self.clients(server) else { return Verdict::None };
        match self.judged.get() {
            Some((judge, verdict)) if std::ptr::eq(judge, clients) => verdict,
            _ => {
                let verdict = self.stands(clients, clients.authorities.judge(self.client_chain()));
                // Before the handshake's end, the certificate may be yet to come.
                if !self.is_early() {
                    self.judged.set(Some((clients, verdict)));
                }
                verdict
            }
        }
    }

    /// What remains of a verdict when issuers have had their say.
    fn stands(&self, clients: &Clients, verdict: Verdict) -> Verdict {
        if clients.issuers.is_none() || verdict != Verdict::Success {
            return verdict;
        }
        match self.standing(clients) {
            Some(Standing::Good) => Verdict::Success,
            Some(standing) => Verdict::Unsupported(standing),
            // The handshake was with a server that asks nobody.
            None => Verdict::Unsupported(Standing::Failed),
        }
    }

    /// Whether clients are asked for a certificate.
    pub fn asks_clients(&self) -> bool {
        self.clients(None).is_some()
    }

    /// Why requests to a server are refused on this connection, if they are: nginx's status, and its words.
    pub fn refusal(&self, server: Option<&'static Server>) -> Option<(u16, &'static str)> {
        let clients = self.clients(server)?;
        match self.verdict(server) {
            Verdict::None if clients.verify == Verify::On => {
                Some((496, "client sent no required SSL certificate"))
            }
            Verdict::None | Verdict::Success => None,
            verdict if clients.verify == Verify::OptionalNoCa && verdict.lacks_authority() => None,
            verdict => Some((495, verdict.complaint())),
        }
    }
}
