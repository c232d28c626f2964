//! Who a client says that he is, by Basic authentication (RFC 7617).
//!
//! ```text
//! Authorization: Basic BASE64(user ":" password)
//! ```

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use proto::http1::Name;

use super::Request;

/// As nginx: padding may be missing, and bits that no byte has.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A name and a password.
pub struct Credentials {
    decoded: Vec<u8>,
    colon: usize,
}

impl Credentials {
    /// The name.
    pub fn user(&self) -> &[u8] {
        &self.decoded[..self.colon]
    }

    /// The password.
    pub fn password(&self) -> &[u8] {
        &self.decoded[self.colon + 1..]
    }

    fn parse(field: &[u8]) -> Option<Credentials> {
        let (scheme, encoded) = field.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let decoded = BASE64.decode(encoded.trim_ascii()).ok()?;
        let colon = decoded.iter().position(|&byte| byte == b':').filter(|&colon| colon > 0)?;
        Some(Credentials { decoded, colon })
    }
}

impl Request {
    /// What the client says with Basic authentication, right or not.
    pub fn credentials(&self) -> Option<Credentials> {
        Credentials::parse(self.header(Name::Authorization)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said() {
        let said = |field: &str| {
            let said = Credentials::parse(field.as_bytes())?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Some((text(said.user()), text(said.password())))
        };
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(said("Basic YTpi"), pair("a", "b"));
        assert_eq!(said("bAsIc   YTpi "), pair("a", "b"));
        assert_eq!(said("Basic YTpiOmM="), pair("a", "b:c"));
        assert_eq!(said("Basic YTpiOmM"), pair("a", "b:c"));
        assert_eq!(said("Basic YTo="), pair("a", ""));
        for none in ["", "Basic", "Basic ", "Basic OmI=", "Basic YQ==", "Basic !", "Bearer YTpi"] {
            assert_eq!(said(none), None, "{none}");
        }
    }
}
