//! Names of subjects and issuers, in OpenSSL's two forms.
//!
//! ```text
//! Name: { RDN … }    RDN: SET { { type, value } … }
//! RFC 2253:  CN=a\,b,OU=x+L=y,C=DE       the last first (X509_NAME_print_ex with XN_FLAG_RFC2253)
//! one line:  /C=DE/L=y+OU=x/CN=a,b       (X509_NAME_oneline)
//! ```

use std::fmt::Write as _;

use super::oids::{dotted, short_name};
use crate::der::{Malformed, Reader, Value, tag};

/// A name as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// With its tag and length.
    pub der: &'a [u8],
    attributes: Vec<Attribute<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attribute<'a> {
    /// The place of its RDN.
    rdn: usize,
    kind: &'a [u8],
    value: Value<'a>,
}

impl<'a> Name<'a> {
    pub(crate) fn read(name: Value<'a>) -> Result<Name<'a>, Malformed> {
        let mut rdns = Reader::new(name.bytes, "name");
        let mut attributes = Vec::new();
        for rdn in 0.. {
            if rdns.is_empty() {
                break;
            }
            let mut inner = rdns.inside(tag::SET)?;
            while !inner.is_empty() {
                let mut pair = inner.inside(tag::SEQUENCE)?;
                let (kind, value) = (pair.value(tag::OID)?.bytes, pair.any()?);
                pair.end()?;
                attributes.push(Attribute { rdn, kind, value });
            }
        }
        Ok(Name { der: name.whole, attributes })
    }

    /// As `$ssl_client_s_dn` has it: RFC 2253, all but ASCII as `\C3\A9`.
    pub fn rfc2253(&self) -> String {
        let mut text = String::new();
        let mut before = None;
        for attribute in self.attributes.iter().rev() {
            match before.replace(attribute.rdn) {
                None => {}
                Some(rdn) if rdn == attribute.rdn => text.push('+'),
                Some(_) => text.push(','),
            }
            let name = dotted(attribute.kind).unwrap_or_default();
            match short_name(&name) {
                Some(short) => {
                    let _ = write!(text, "{short}=");
                    attribute.escaped(&mut text);
                }
                // What nobody knows is shown as it stands there.
                None => {
                    let _ = write!(text, "{name}=");
                    attribute.dumped(&mut text);
                }
            }
        }
        text
    }

    /// As `$ssl_client_s_dn_legacy` has it.
    pub fn one_line(&self) -> String {
        let mut text = String::new();
        let mut before = None;
        for attribute in &self.attributes {
            let joined = before.replace(attribute.rdn) == Some(attribute.rdn);
            let name = dotted(attribute.kind).unwrap_or_default();
            let start = if joined { '+' } else { '/' };
            let _ = write!(text, "{start}{}=", short_name(&name).unwrap_or(&name));
            for byte in attribute.value.bytes {
                match byte {
                    // What would begin another attribute.
                    b'/' | b'+' => text.extend(['\\', char::from(*byte)]),
                    b' '..=b'~' => text.push(char::from(*byte)),
                    _ => drop(write!(text, "\\x{byte:02X}")),
                }
            }
        }
        text
    }

    /// The text of its first common name.
    pub fn common_name(&self) -> Option<String> {
        let found = self.attributes.iter().find(|attribute| attribute.kind == [0x55, 4, 3])?;
        String::from_utf8(found.utf8()?).ok()
    }
}

impl Attribute<'_> {
    /// The value as UTF-8; `None`: it is no text.
    fn utf8(&self) -> Option<Vec<u8>> {
        let bytes = self.value.bytes;
        let mut text = String::new();
        match self.value.tag {
            // UTF8String: taken at its word.
            12 => return Some(bytes.to_vec()),
            // Numeric, Printable, T61, IA5, times, Visible: as if of Latin 1.
            18 | 19 | 20 | 22 | 23 | 24 | 26 => {
                text.extend(bytes.iter().map(|byte| char::from(*byte)))
            }
            // Universal, BMP: what is no character is left out.
            28 => {
                let numbers = bytes.as_chunks().0.iter().map(|four| u32::from_be_bytes(*four));
                text.extend(numbers.filter_map(char::from_u32));
            }
            30 => {
                let numbers = bytes.as_chunks().0.iter().map(|two| u16::from_be_bytes(*two));
                text.extend(numbers.filter_map(|number| char::from_u32(number.into())));
            }
            _ => return None,
        }
        Some(text.into_bytes())
    }

    fn escaped(&self, text: &mut String) {
        let Some(bytes) = self.utf8() else { return self.dumped(text) };
        for (at, byte) in bytes.iter().enumerate() {
            let (first, last) = (at == 0, at + 1 == bytes.len());
            let special = match byte {
                b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => true,
                b' ' => first || last,
                // OpenSSL has the rule for the last character only where that is the first, too.
                b'#' => first && !last,
                _ => false,
            };
            match byte {
                _ if special => text.extend(['\\', char::from(*byte)]),
                b' '..=b'~' => text.push(char::from(*byte)),
                _ => drop(write!(text, "\\{byte:02X}")),
            }
        }
    }

    fn dumped(&self, text: &mut String) {
        text.push('#');
        for byte in self.value.whole {
            let _ = write!(text, "{byte:02X}");
        }
    }
}
