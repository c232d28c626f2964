//! What there is to say to a client's certificate, in OpenSSL's words.

use std::fmt;

use crate::issuers::Standing;

/// nginx' words for it, and what the log says.
macro_rules! reason {
    ($reason:literal) => {
        ($reason, concat!("client SSL certificate verify error: ", $reason))
    };
}

/// What is known of a client by its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has sent none.
    None,
    /// It is one of those that are trusted.
    Success,
    /// It is not: OpenSSL's number of the reason.
    Failed(u16),
    /// It is, but its issuers do not stand by it.
    Unsupported(Standing),
}

impl Verdict {
    /// OpenSSL's words for the reason.
    pub fn reason(&self) -> &'static str {
        self.words().0
    }

    /// What the log says.
    pub(crate) fn complaint(&self) -> &'static str {
        self.words().1
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Verdict::None | Verdict::Success => ("", ""),
            Verdict::Failed(number) => {
                let row = REASONS.iter().find(|(known, ..)| known == number);
                row.map_or(UNKNOWN, |(_, reason, complaint)| (reason, complaint))
            }
            Verdict::Unsupported(Standing::Good) => ("", ""),
            Verdict::Unsupported(Standing::Revoked) => reason!("certificate revoked"),
            Verdict::Unsupported(Standing::Unknown) => reason!("certificate status unknown"),
            Verdict::Unsupported(Standing::Failed) => reason!("certificate status request failed"),
        }
    }

    /// Whether it is only that nobody known has signed it (`optional_no_ca`).
    pub(crate) fn lacks_authority(&self) -> bool {
        matches!(self, Verdict::Failed(18..=21))
    }
}

impl fmt::Display for Verdict {
    /// As `$ssl_client_verify` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::None => f.write_str("NONE"),
            Verdict::Success => f.write_str("SUCCESS"),
            Verdict::Failed(_) | Verdict::Unsupported(_) => write!(f, "FAILED:{}", self.reason()),
        }
    }
}

macro_rules! reasons {
    ($($number:literal $reason:literal)*) => {
        [$(($number, $reason, concat!("client SSL certificate verify error: (", $number, ":", $reason, ")"))),*]
    };
}

/// X509_V_ERR_…, of openssl/x509_vfy.h.
const REASONS: [(u16, &str, &str); 16] = reasons! {
    2 "unable to get issuer certificate"
    3 "unable to get certificate CRL"
    7 "certificate signature failure"
    9 "certificate is not yet valid"
    10 "certificate has expired"
    12 "CRL has expired"
    18 "self-signed certificate"
    19 "self-signed certificate in certificate chain"
    20 "unable to get local issuer certificate"
    21 "unable to verify the first certificate"
    23 "certificate revoked"
    24 "invalid CA certificate"
    25 "path length constraint exceeded"
    26 "unsuitable certificate purpose"
    32 "key usage does not include certificate signing"
    34 "unhandled critical extension"
};
const UNKNOWN: (&str, &str) =
    ("certificate verification error", "client SSL certificate verify error");
