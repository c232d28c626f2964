//! What a client offers in its first message.

use proto::tls::{ClientHello, ja4};

/// What a client has offered, for those who want to know.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Cipher suites, by OpenSSL's names.
    pub ciphers: String,
    /// Groups, by OpenSSL's names.
    pub curves: String,
    /// The fingerprint of its hello.
    pub ja4: String,
    /// The session that it offers to go on with, if that has a number.
    pub session_id: Vec<u8>,
}

impl Offer {
    pub(crate) fn of(hello: &ClientHello<'_>) -> Offer {
        Offer {
            ciphers: hello.suite_names(),
            curves: hello.group_names(),
            ja4: ja4(hello),
            session_id: hello.session_id().to_vec(),
        }
    }
}
